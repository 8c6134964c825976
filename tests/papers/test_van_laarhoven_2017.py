"""The identities hold, planted errors are found, and hand-worked numbers give the law of the norm."""

import importlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from bnlab import models, optimizers
from bnlab.nn import RowNorm, RowNormParams, row_norm
from bnlab.options import SMALLEST
from bnlab.papers.van_laarhoven_2017 import PAPER, growth, law, quantities
from bnlab.statistics import Verdict
from bnlab.training import recipe
from tests.papers.exact import exact_verdicts

LAYER = importlib.import_module("bnlab.nn.batch_norm")  # `bnlab.nn.batch_norm` itself is the function

Plant = Callable[[pytest.MonkeyPatch], None]


verdicts = partial(exact_verdicts, PAPER)


def epsilon_forgotten(patch: pytest.MonkeyPatch) -> None:
    """The layer divides by the standard deviation alone."""
    by_batch = LAYER._by_batch
    patch.setattr(
        LAYER,
        "_by_batch",
        lambda x, params, stats, options, *rest: by_batch(x, params, stats, replace(options, epsilon=SMALLEST), *rest),
    )


def statistics_over_the_wrong_axis(patch: pytest.MonkeyPatch) -> None:
    """Each row is normalised over its units, and not each unit over the rows."""

    def over_units(x: Any, params: Any, stats: Any, options: Any, *, training: bool) -> Any:
        del options, training
        return row_norm(x, RowNormParams(*params), RowNorm("layer")), stats

    patch.setattr(models, "batch_norm", over_units)


def norm_over_the_wrong_axis(patch: pytest.MonkeyPatch) -> None:
    """The weights of a unit are taken for a row of the kernel, and not for a column."""
    cosine = quantities._cosine
    patch.setattr(quantities, "_cosine", lambda a, b: cosine(a.T, b.T))


def decayed_fields(*fields: str) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        def mask(params: Any) -> Any:
            return {name: type(layer)(*(field in fields for field in layer._fields)) for name, layer in params.items()}

        patch.setattr(optimizers, "_is_kernel", mask)

    return plant


def penalty_on_biases(patch: pytest.MonkeyPatch) -> None:
    def penalty(model: Any, params: Any) -> Any:
        del model
        return sum(0.5 * jnp.sum(layer.bias**2) for name, layer in params.items() if name.startswith("dense"))

    patch.setattr(recipe, "norm_penalty", penalty)


PLANTS: dict[str, tuple[Plant, tuple[str, ...]]] = {
    "epsilon forgotten": (epsilon_forgotten, ("epsilon", "orthogonal/epsilon")),
    "statistics over the wrong axis": (statistics_over_the_wrong_axis, ("loss/units", "orthogonal")),
    "norm over the wrong axis": (norm_over_the_wrong_axis, ("orthogonal",)),
    "bias decayed": (decayed_fields("kernel", "bias"), ("decay/kernels",)),
    "bias in the penalty": (penalty_on_biases, ("decay/kernels",)),
    "gamma decayed": (decayed_fields("kernel", "gamma"), ("decay/kernels", "decay/function")),
}


def test_every_identity_holds():
    assert set(verdicts().values()) == {Verdict.REPRODUCED}


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_error_is_found(name: str, monkeypatch: pytest.MonkeyPatch):
    plant, ids = PLANTS[name]
    plant(monkeypatch)
    assert verdicts(*ids) == dict.fromkeys(ids, Verdict.CONTRADICTED)


def pool(**curves: list[list[float]]) -> Any:
    optimizer = SimpleNamespace(learning_rate=0.1, weight_decay=0.05)
    arrays = {name: np.array(values, np.float32) for name, values in curves.items()}
    return SimpleNamespace(step=np.arange(4), curves=arrays, config=SimpleNamespace(optimizer=optimizer))


def test_the_law_of_the_norm():
    """rate / 2λ = 1. Seed 0: ‖ĝ‖² is 36 and 36, and ‖W‖⁴ is 16 and 81. The first half counts nowhere."""
    made = pool(dense0_kernel_norm=[[9, 9, 2, 3], [9, 9, 1, 1]], dense0_gradient_norm=[[5, 5, 3, 2], [5, 5, 1, 1]])
    np.testing.assert_allclose(PAPER.seed_quantities()[law("dense0")](made), [72 / 97, 1.0])


def test_the_growth_of_the_norm():
    made = pool(dense1_kernel_norm=[[2, 9, 9, 3], [4, 1, 1, 1]])
    np.testing.assert_array_equal(PAPER.seed_quantities()[growth("dense1")](made), [1.5, 0.25])
