"""The identities hold, planted errors are found, and hand-worked numbers give what evaluations differ by."""

import importlib
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bnlab import models
from bnlab.nn import BatchNorm, BatchStats
from bnlab.papers import pairs
from bnlab.papers.wu_johnson_2021 import CLOSED, DROPS, LARGE_FAST, LEFT, PAPER, PRECISE, SLOW, quantities
from bnlab.report.checking import reproduce
from bnlab.statistics import Verdict
from tests.papers.exact import exact_verdicts

LAYER = importlib.import_module("bnlab.nn.batch_norm")  # `bnlab.nn.batch_norm` itself is the function

Plant = Callable[[pytest.MonkeyPatch], None]


verdicts = partial(exact_verdicts, PAPER)


def momentum_swapped(patch: pytest.MonkeyPatch) -> None:
    """momentum weights the new value, as PyTorch's does."""
    patch.setattr(LAYER, "_move", lambda moving, value, momentum: moving * (1 - momentum) + value * momentum)


def spread_of_means_forgotten(patch: pytest.MonkeyPatch) -> None:
    """The variance of all rows is taken for the mean of the batches' variances."""

    def together(model: Any, params: Any, batches: Any) -> Any:
        first = params["dense0"]
        x = batches @ first.kernel + first.bias
        return {"bn0": BatchStats(x.mean(axis=(0, 1)), x.var(axis=1).mean(axis=0))}

    patch.setattr(quantities, "precise_statistics", together)


def sample_variance(patch: pytest.MonkeyPatch) -> None:
    """Precise statistics take the sample variance, which the layer does not normalise by."""
    precise = models.precise_statistics

    def larger(model: Any, params: Any, batches: Any) -> Any:
        count = batches.shape[0] * batches.shape[1]
        found = precise(model, params, batches).items()
        return {name: stats._replace(moving_variance=stats.moving_variance * count / (count - 1)) for name, stats in found}

    patch.setattr(quantities, "precise_statistics", larger)


PLANTS: dict[str, tuple[Plant, tuple[str, ...]]] = {
    "momentum swapped": (momentum_swapped, ("start", "start/small-momentum", "lag", "memory")),
    "spread of the means forgotten": (spread_of_means_forgotten, ("precise/variance",)),
    "sample variance": (sample_variance, ("precise/variance", "precise/one-batch")),
}


def test_every_identity_holds():
    assert set(verdicts().values()) == {Verdict.REPRODUCED}


@pytest.fixture
def own_programs() -> Iterator[None]:
    """What was compiled without the planted error is not used with it, nor the other way round."""
    jax.clear_caches()
    yield
    jax.clear_caches()


@pytest.mark.usefixtures("own_programs")
@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_error_is_found(name: str, monkeypatch: pytest.MonkeyPatch):
    plant, ids = PLANTS[name]
    plant(monkeypatch)
    assert verdicts(*ids) == dict.fromkeys(ids, Verdict.CONTRADICTED)


def test_the_weights_of_batches_by_hand():
    """Momentum ½: the last of three batches weighs ½, then ¼ and ⅛; ⅛ is left for the initial value."""
    weights = quantities.moving_mean(BatchNorm(momentum=0.5), jnp.eye(3))
    np.testing.assert_array_equal(weights, [0.125, 0.25, 0.5])
    assert quantities.share_of_start(0.5, 3) == 0.125
    assert quantities.memory(0.5, 3) == pytest.approx(1 / (1 / 64 + 1 / 16 + 1 / 4))


def test_the_lag_by_hand():
    """Momentum ½ and the means −2, −1, 0, from −2: −2, −1.5, −0.75."""
    assert quantities.lag(0.5, 3) == 0.75


def pool(steps: list[int], **curves: list[list[float]]) -> Any:
    return SimpleNamespace(step=np.array(steps), curves={name: np.array(values) for name, values in curves.items()})


def stand_beside(patch: pytest.MonkeyPatch, others: dict[Any, Any]) -> None:
    for module in (quantities, pairs):  # each has the name
        patch.setattr(module, "train_beside", lambda pool, arm: others[arm])


def test_the_share_that_is_closed(monkeypatch: pytest.MonkeyPatch):
    """At step 500 the losses are 2 with the large momentum and 1 with precise statistics."""
    others = {SLOW: [[9, 2.0, 9], [9, 2.0, 9]], PRECISE: [[9, 1.0, 9], [9, 1.0, 9]]}
    stand_beside(monkeypatch, {arm: pool([250, 500, 750], test_loss=values) for arm, values in others.items()})
    fast = pool([250, 500, 750], test_loss=[[9, 1.25, 9], [9, 2.5, 9]])
    np.testing.assert_array_equal(PAPER.seed_quantities()[CLOSED](fast), [0.75, -0.5])


def test_what_is_left_at_the_end(monkeypatch: pytest.MonkeyPatch):
    stand_beside(monkeypatch, {PRECISE: pool([250, 500], test_accuracy=[[0, 0.75], [0, 0.5]])})
    own = pool([250, 500], test_accuracy=[[0, 0.5], [0, 0.75]])
    np.testing.assert_array_equal(PAPER.seed_quantities()[LEFT](own), [-0.25, 0.25])


def test_the_drops(monkeypatch: pytest.MonkeyPatch):
    """0.5 → 0.25 → 1 → 0.75 drops by ½ in all, and 0.5 → 0.75 → 0.75 → 0.5 by ¼."""
    stand_beside(monkeypatch, {LARGE_FAST: pool([2, 4, 6, 8], valid_accuracy=[[0.5, 0.25, 1, 0.75]])})
    precise = pool([2, 4, 6, 8], valid_accuracy=[[0.5, 0.75, 0.75, 0.5]])
    np.testing.assert_array_equal(PAPER.seed_quantities()[DROPS](precise), [-0.25])


def test_the_arms_differ_by_their_norm_alone():
    for study in PAPER.studies[1:]:
        first, *others = (arm.load() for arm in study.arms)
        for other in others:
            assert other.model.model_copy(update={"norm": first.model.norm}) == first.model
            assert (other.optimizer, other.batch_size, other.num_steps) == (
                first.optimizer,
                first.batch_size,
                first.num_steps,
            )


@pytest.mark.slow
@pytest.mark.usefixtures("real_mnist", "folder")
def test_a_slice():
    found = reproduce(["wu-johnson-2021"], quick=True)
    assert found.every_check_ran
    identities, gap, precise, large = found.sources[0].studies
    assert {one.verdict for one in identities.judged} == {Verdict.REPRODUCED}
    assert (len(gap.pools), len(precise.pools), len(large.pools)) == (4, 4, 3)
    # Their training is the same, to the bit. Only the evaluation differs.
    moving, exact = (large.pools[label].runs[0].params for label in ("momentum 0.9", "precise"))
    assert all(np.array_equal(moving[name], exact[name]) for name in moving if name.startswith("dense"))
