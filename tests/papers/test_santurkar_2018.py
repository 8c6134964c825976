"""The theorems hold for the layer, planted errors are found, and hand-worked numbers give the ratios of trainings."""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest
from jax import lax

from bnlab.papers import pairs
from bnlab.papers.santurkar_2018 import ALONG, BN, PAPER, PLAIN, SLOWDOWN, at_equal_loss, over_training, quantities
from bnlab.report.checking import reproduce
from bnlab.statistics import Verdict
from tests.papers.exact import exact_verdicts

LAYER = importlib.import_module("bnlab.nn.batch_norm")  # `bnlab.nn.batch_norm` itself is the function
_, *TRAININGS = PAPER.studies

Plant = Callable[[pytest.MonkeyPatch], None]


verdicts = partial(exact_verdicts, PAPER)


def constant_variance(patch: pytest.MonkeyPatch) -> None:
    """No gradient through the variance."""

    def normalise(axes: Any, x: Any, deviation: Any, inverse: Any, scale: Any, offset: Any) -> Any:
        del axes, x
        return LAYER._affine(deviation, lax.stop_gradient(inverse), scale, offset)

    patch.setattr(LAYER, "_normalise", normalise)


def constant_mean(patch: pytest.MonkeyPatch) -> None:
    """No gradient through the mean."""

    def normalise(axes: Any, x: Any, deviation: Any, inverse: Any, scale: Any, offset: Any) -> Any:
        del axes
        return LAYER._affine(x - lax.stop_gradient(x - deviation), inverse, scale, offset)

    patch.setattr(LAYER, "_normalise", normalise)


def forgotten_gamma(patch: pytest.MonkeyPatch) -> None:
    def normalise(axes: Any, x: Any, deviation: Any, inverse: Any, scale: Any, offset: Any) -> Any:
        del axes, x, scale
        return LAYER._affine(deviation, inverse, None, offset)

    patch.setattr(LAYER, "_normalise", normalise)


PLANTS: dict[str, tuple[Plant, tuple[str, ...]]] = {
    "constant variance": (
        constant_variance,
        ("theorem-1", "theorem-1/orthogonal", "theorem-1/epsilon", "theorem-2"),
    ),
    "constant mean": (constant_mean, ("theorem-1", "theorem-1/orthogonal")),
    "forgotten gamma": (forgotten_gamma, ("theorem-1", "theorem-2")),
}


def test_every_theorem_holds():
    assert set(verdicts().values()) == {Verdict.REPRODUCED}


@pytest.fixture
def own_programs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What was compiled without the planted error is not used with it, nor the other way round. One shape is enough."""
    monkeypatch.setattr(quantities, "SHAPES", quantities.SHAPES[:1])
    jax.clear_caches()
    yield
    jax.clear_caches()


@pytest.mark.usefixtures("own_programs")
@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_error_is_found(name: str, monkeypatch: pytest.MonkeyPatch):
    plant, ids = PLANTS[name]
    plant(monkeypatch)
    assert verdicts(*ids) == dict.fromkeys(ids, Verdict.CONTRADICTED)


@pytest.mark.parametrize("study", TRAININGS, ids=lambda study: study.id)
def test_the_arms_differ_by_norm_and_noise_alone(study: Any):
    plain, bn, noisy, noisy_plain = (arm.load() for arm in study.arms)
    assert [config.model.norm is None for config in (plain, bn, noisy, noisy_plain)] == [True, False, False, True]
    assert [config.model.noise is None for config in (plain, bn, noisy, noisy_plain)] == [True, True, False, False]
    assert len({config.optimizer for config in (plain, bn, noisy, noisy_plain)}) == 1
    same = plain.model.model_copy(update={"norm": bn.model.norm})
    assert same == bn.model == noisy.model.model_copy(update={"noise": None})


def pool(curves: Mapping[str, Sequence[Sequence[float]]], num_steps: int = 0) -> Any:
    arrays = {name: np.array(values) for name, values in curves.items()}
    (records,) = {values.shape[1] for values in arrays.values()}
    config = SimpleNamespace(num_steps=num_steps)
    return SimpleNamespace(step=10 * np.arange(1, records + 1), curves=arrays, config=config)


def stand_beside(patch: pytest.MonkeyPatch, other: Any, asked: list[str]) -> None:
    def beside(pool: Any, label: str) -> Any:
        del pool
        asked.append(label)
        return other

    patch.setattr(quantities, "beside", beside)


def test_the_slowdown_by_noise(monkeypatch: pytest.MonkeyPatch):
    """Seed 0 needs 20 steps with noise and 10 without. Seed 1 never gets there with noise: its 40 steps count."""
    asked: list[str] = []
    stand_beside(monkeypatch, pool({"train_accuracy": [[0.9, 1, 1], [0.1, 0.95, 1]]}), asked)
    noisy = pool({"train_accuracy": [[0.8, 0.9, 0.8], [0.1, 0.2, 0.3]]}, num_steps=40)
    np.testing.assert_array_equal(PAPER.seed_quantities()[SLOWDOWN](noisy), [2.0, 2.0])
    assert asked == [BN]


def test_the_ratios_of_smoothness(monkeypatch: pytest.MonkeyPatch):
    """Over training √(1 · 4) / √(1 · 16); over losses of 0.2 to 1 the second record of BN alone, and both without it."""
    metric, words, _ = ALONG["loss"]
    asked: list[str] = []
    stand_beside(monkeypatch, pool({"train_loss": [[1.0, 0.2], [2.0, 2.0]], metric: [[1, 16], [1, 1]]}), asked)
    bn = pool({"train_loss": [[1.01, 0.5], [0.5, 0.5]], metric: [[1, 4], [3, 3]]})
    table = PAPER.seed_quantities()
    np.testing.assert_allclose(table[over_training(words)](bn), [0.5, 3.0])
    np.testing.assert_allclose(table[at_equal_loss(words)](bn), [1.0, np.nan])
    assert asked == [PLAIN, PLAIN]


@pytest.mark.parametrize("study", TRAININGS, ids=lambda study: study.id)
def test_the_training_beside_is_the_arm_of_this_depth(study: Any, monkeypatch: pytest.MonkeyPatch):
    plain, bn, noisy, _ = (arm.load("3:5") for arm in study.arms)
    asked: list[Any] = []
    monkeypatch.setattr(pairs, "plan_arms", asked.extend)
    monkeypatch.setattr(pairs, "complete", lambda plans: ["the other"])
    assert quantities.beside(SimpleNamespace(config=noisy), BN) == "the other"  # pyright: ignore[reportArgumentType]
    quantities.beside(SimpleNamespace(config=bn.with_steps(50)), PLAIN)  # pyright: ignore[reportArgumentType]
    assert asked == [bn, plain.with_steps(50)]


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_a_slice():
    found = reproduce(["santurkar-2018"], quick=True)
    assert found.every_check_ran
    theorems, *trained = found.sources[0].studies
    assert {one.verdict for one in theorems.judged} == {Verdict.REPRODUCED}
    assert [list(study.pools) for study in trained] == [["no BN", "BN", "noisy BN", "noise, no BN"]] * 2
    assert {one.verdict for study in trained for one in study.judged} == {Verdict.NOT_RUN}
