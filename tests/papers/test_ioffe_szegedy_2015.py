"""What the claims look at, by hand: how far percentiles move, which seeds diverge, and the largest rate that fits."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bnlab.claims import Bounded, judge_bound
from bnlab.papers import deep_digits
from bnlab.papers import ioffe_szegedy_2015 as paper
from bnlab.papers.deep_digits import DIVERGES
from bnlab.papers.ioffe_szegedy_2015 import quantities
from bnlab.papers.ioffe_szegedy_2015.quantities import largest, movement, relative_movement
from bnlab.report.checking import reproduce
from bnlab.statistics import Verdict
from bnlab.sweep import load_sweep

NAN = math.nan
PERCENTILES = np.array(
    [
        [[-1.0, -3.0], [0.0, 0.0]],  # seed 0 moves by 1 about -2, seed 1 not at all
        [[2.0, 2.0], [1.0, 1.0]],
        [[3.0, 7.0], [2.0, 8.0]],  # by 2 about 5, by 3 about 5
    ]
)
"""[percentile, seed, record]."""


def pool(**curves: Any) -> Any:
    return SimpleNamespace(curves={name: np.array(values) for name, values in curves.items()})


def test_the_movement_is_the_mean_of_the_standard_deviations():
    np.testing.assert_allclose(movement(PERCENTILES), [1.0, 1.0])


def test_the_relative_movement_is_a_share_of_the_width():
    """The widths are 4 and 10, and 2 and 8."""
    np.testing.assert_allclose(relative_movement(PERCENTILES), [1 / 7, 1 / 5])


def test_twice_the_input_moves_twice_as_far_and_as_far_for_its_width():
    np.testing.assert_allclose(movement(2 * PERCENTILES), 2 * movement(PERCENTILES))
    np.testing.assert_allclose(relative_movement(2 * PERCENTILES), relative_movement(PERCENTILES))


@pytest.mark.parametrize(("name", "expected"), [(paper.MOVEMENT, [3.0, 3.0]), (paper.RELATIVE_MOVEMENT, [1.0, 1.0])])
def test_the_ratio_is_that_of_the_arm_to_the_one_without_batch_norm(name, expected, monkeypatch):
    def arm(factor: float) -> Any:
        return pool(**dict(zip(paper.PERCENTILES, factor * PERCENTILES, strict=True)))

    changes: list[object] = []
    monkeypatch.setattr(quantities, "train_changed", lambda own, *given: changes.extend(given) or [arm(1.0)])
    np.testing.assert_allclose(paper.PAPER.seed_quantities()[name](arm(3.0)), expected)
    assert changes == [{"model.norm": None}]


def test_what_diverges():
    """A loss that is no longer finite, one that stays near log 10, and one at the limit."""
    made = pool(train_loss=[[1.0, NAN], [1.0, math.inf], [1.0, 2.3], [9.0, math.log(10) / 2], [9.0, 1.15]])
    np.testing.assert_array_equal(deep_digits.diverges(made), [1.0, 1.0, 1.0, 1.0, 0.0])


def test_the_largest_rate_that_fits():
    """Seed 0 fits at all, seed 1 at the last but not at the second, seed 2 at none."""
    fits = np.array([[True, True, False], [True, False, False], [True, True, False]])
    np.testing.assert_array_equal(largest(np.array([0.1, 0.2, 0.5]), fits), [0.5, 0.5, NAN])


def test_the_ratio_of_the_largest_rates(monkeypatch: pytest.MonkeyPatch):
    """With BN seed 0 stands 5 and seed 1 stands 1; without BN both stand 0.05 and 0.1, and one fails above."""
    asked: list[tuple[float, bool]] = []

    def trained(own: Any, *changes: Any) -> list[Any]:
        for change in changes:
            asked.append((change["optimizer.learning_rate"], "model.norm" in change))
        limits = [[0.1, 0.05] if without else [5.0, 1.0] for _, without in asked]
        return [
            pool(train_loss=[[0.1 if rate <= limit else NAN] for limit in seeds])
            for (rate, _), seeds in zip(asked, limits, strict=True)
        ]

    monkeypatch.setattr(quantities, "train_changed", trained)
    np.testing.assert_allclose(paper.PAPER.seed_quantities()[paper.LARGEST](pool()), [50.0, 20.0])
    assert asked == [(rate, without) for without in (False, True) for rate in paper.RATES]


@pytest.mark.parametrize(("diverged", "verdict"), [(10, Verdict.REPRODUCED), (0, Verdict.CONTRADICTED)])
def test_seeds_that_all_diverge_have_a_verdict(diverged, verdict):
    (claim,) = (claim for study in paper.PAPER.studies for claim in study.claims if claim.id.endswith("rates/none-x5"))
    assert isinstance(claim.check, Bounded)
    assert claim.check.quantity == DIVERGES
    made = pool(train_loss=[[NAN]] * diverged + [[0.1]] * (10 - diverged))
    assert judge_bound(claim, paper.PAPER.seed_quantities()[DIVERGES](made)).verdict is verdict


def test_the_rates_are_those_of_the_paper_as_multiples():
    rates = [arm.load().optimizer.learning_rate for arm in (paper.NONE, paper.NONE_X5, paper.BN, paper.BN_X5, paper.BN_X30)]
    assert rates == [0.05, 0.25, 0.05, 0.25, 1.5]


DEEP, SIGMOID = (paper.NONE, paper.BN), (paper.SIGMOID_NONE, paper.SIGMOID_BN, paper.BEST_NONE, paper.BEST_BN)


@pytest.mark.parametrize(("arms", "name"), [(DEEP, deep_digits.SWEEP), (SIGMOID, "mnist_sigmoid_grid")])
def test_arms_are_points_of_their_sweep(arms, name):
    """The data, the model, the loss, the optimizer and the batches are the same; lengths and seeds are not."""

    def trained(config: Any) -> list[Any]:
        return [config.data, config.model, config.loss, config.optimizer, config.batch_size, config.batches]

    points = [point.config for point in load_sweep(name).points]
    for arm in arms:
        assert trained(arm.load()) in [trained(config) for config in points]
        assert not set(arm.load("0:20").seeds.pairs) & set(points[0].seeds.pairs)


@pytest.mark.slow
def test_a_slice_of_the_studies(folder, real_mnist):
    found = reproduce(["ioffe-szegedy-2015"], seeds=2, quick=True)
    assert {one.verdict for one in found.judged} == {Verdict.NOT_RUN}
    whys = {one.why for one in found.judged}
    assert whys == {"quick: trained for 300 steps only, which is too short for this claim"}
