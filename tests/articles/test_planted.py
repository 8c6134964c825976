"""Wrong implementations, planted one at a time: each turns at least one claim that held into a contradicted one."""

import importlib
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import lax

from bnlab import data, nn, optimizers
from bnlab.articles import ARTICLES
from bnlab.data import batches as order
from bnlab.data.idx_sets import MNIST
from bnlab.optimizers import AdamTFState
from bnlab.report.checking import check_claim
from bnlab.statistics import Verdict
from bnlab.training import prepared

LAYER = importlib.import_module("bnlab.nn.batch_norm")  # `bnlab.nn.batch_norm` itself is the function

Plant = Callable[[pytest.MonkeyPatch], None]


def verdicts(*ids: str) -> dict[str, Verdict]:
    """Return the verdicts on claims that no seed moves, by the code as it is now."""
    found: dict[str, Verdict] = {}
    for article in ARTICLES.values():
        quantities = article.quantities()
        for study in article.studies:
            for claim in study.claims:
                if claim.id in ids:
                    found[claim.id] = check_claim(claim, article, quantities, {}).judged.verdict
    return found


def momentum_swapped(patch: pytest.MonkeyPatch) -> None:
    move = LAYER._move
    patch.setattr(LAYER, "_move", lambda moving, value, momentum: move(moving, value, 1.0 - momentum))


def epsilon_moved(patch: pytest.MonkeyPatch) -> None:
    """Outside the root: x / (sqrt(variance) + epsilon)."""
    epsilon = 1e-3

    def rsqrt(shifted: Any) -> Any:
        return 1 / (jnp.sqrt(shifted - epsilon) + epsilon)

    names = {name: getattr(lax, name) for name in ("stop_gradient",)}
    patch.setattr(LAYER, "lax", SimpleNamespace(rsqrt=rsqrt, **names))


def sample_variance(patch: pytest.MonkeyPatch) -> None:
    moments = LAYER._moments

    def of_sample(x: Any, share: Any, axes: tuple[int, ...]) -> Any:
        deviation, mean, variance = moments(x, share, axes)
        count = int(np.prod([x.shape[axis] for axis in axes]))
        return deviation, mean, variance * count / max(count - 1, 1)

    patch.setattr(LAYER, "_moments", of_sample)


def sample_variance_in_the_moving_average_alone(patch: pytest.MonkeyPatch) -> None:
    moved = LAYER._moved
    patch.setattr(LAYER, "_moved", lambda stats, mean, variance, options: moved(stats, mean, variance * 4 / 3, options))


def penalty_not_halved(patch: pytest.MonkeyPatch) -> None:
    right = nn.l2_penalty
    patch.setattr(nn, "l2_penalty", lambda kernels, scale, *, halved=True: right(kernels, scale, halved=False))


def evaluated_by_batch_statistics(patch: pytest.MonkeyPatch) -> None:
    def by_batch(x: Any, params: Any, stats: Any, options: Any, axis: int) -> Any:
        return LAYER._by_batch(x, params, stats, options, axis, None, None, None)[0]

    patch.setattr(LAYER, "_by_moving", by_batch)


def adam_without_bias_correction(patch: pytest.MonkeyPatch) -> None:
    def uncorrected(learning_rate: Any, b1: Any = 0.9, b2: Any = 0.999, eps: Any = 1e-8) -> optax.GradientTransformation:
        right = adam_tf(learning_rate, b1, b2, eps)

        def update(updates: Any, state: AdamTFState, params: Any = None) -> Any:
            zero = jnp.zeros_like(state.b1_power)
            return right.update(updates, state._replace(b1_power=zero, b2_power=zero), params)

        return optax.GradientTransformation(right.init, update)

    adam_tf = optimizers.adam_tf
    patch.setattr(optimizers, "adam_tf", uncorrected)


def batches_not_paired(patch: pytest.MonkeyPatch) -> None:
    """The order of the rows depends on how often it was asked for."""
    calls: list[int] = []

    def unpaired(kind: Any, rows: int, batch_size: int, seed: int, start: int, count: int) -> np.ndarray:
        calls.append(seed)
        return order.batches(kind, rows, batch_size, seed + len(calls), start, count)

    patch.setattr(prepared, "draw_batches", unpaired)


def trained_on_the_validation_images(patch: pytest.MonkeyPatch) -> None:
    def all_images() -> data.Dataset:
        right = MNIST.load()
        assert right.valid is not None
        both = (np.concatenate([one, other]) for one, other in zip(_arrays(right.valid), _arrays(right.train), strict=True))
        return replace(right, train=data.Split(*both))

    patch.setitem(data._IDX, "mnist", SimpleNamespace(load=all_images))


def _arrays(split: data.Split) -> tuple[np.ndarray, np.ndarray]:
    return split.raw, split.targets


PLANTS: dict[Plant, tuple[str, ...]] = {
    momentum_swapped: ("004/one training call: moving_mean", "001/parameter/2-decay"),
    epsilon_moved: ("004/1,000 calls with training=False: output", "001/parameter/16-is_training"),
    sample_variance: ("003/identity", "000/formula/variance"),
    sample_variance_in_the_moving_average_alone: ("000/formula/moving-variance",),
    penalty_not_halved: ("002/penalty",),
    evaluated_by_batch_statistics: ("004/1,000 calls with training=False: output", "003/fixed-in-test"),
    adam_without_bias_correction: ("004/trainable=True again, fit(): beta",),
}
ON_MNIST: dict[Plant, tuple[str, ...]] = {
    batches_not_paired: ("003/same-batches",),
    trained_on_the_validation_images: ("003/data/training images", "003/data/validation"),
}


def assert_found(plant: Plant, ids: tuple[str, ...], patch: pytest.MonkeyPatch) -> None:
    assert verdicts(*ids) == dict.fromkeys(ids, Verdict.REPRODUCED)
    plant(patch)
    assert verdicts(*ids) == dict.fromkeys(ids, Verdict.CONTRADICTED)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_it_contradicts(plant: Plant, monkeypatch: pytest.MonkeyPatch):
    assert_found(plant, PLANTS[plant], monkeypatch)


@pytest.mark.usefixtures("real_mnist")
@pytest.mark.parametrize("plant", ON_MNIST, ids=lambda plant: plant.__name__)
def test_it_contradicts_on_mnist(plant: Plant, monkeypatch: pytest.MonkeyPatch):
    assert_found(plant, ON_MNIST[plant], monkeypatch)
