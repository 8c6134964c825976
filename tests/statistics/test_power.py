"""Numbers of pairs beside published tables, and single runs by hand."""

import numpy as np
import pytest

from bnlab import statistics
from bnlab.statistics import Settled, pairs_to_settle, power, share_misled


def arms(effect: float, seeds: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Return arms whose differences have this mean in units of their standard deviation."""
    differences = np.where(np.arange(seeds) % 2, 1.0, -1.0)
    a = np.linspace(0, 5, seeds)
    return a, a + differences + effect * differences.std(ddof=1)


@pytest.mark.parametrize(
    ("effect", "share", "expected"),
    [  # pairs for a two-sided t test at 5 %: G*Power's "means: difference between two dependent means"
        (0.2, 0.80, 199),
        (0.5, 0.80, 34),
        (0.8, 0.80, 15),
        (0.5, 0.95, 54),
        (0.8, 0.95, 23),
        (3.0, 0.95, 6),  # 5 in the tables; fewer than six never settle
    ],
)
def test_pairs_are_those_of_the_tables(effect: float, share: float, expected: int):
    a, b = arms(effect)
    assert pairs_to_settle(a, b, share=share) == expected
    assert pairs_to_settle(b, a, share=share) == expected


def test_the_power_of_no_effect_is_half_of_the_error():
    """Without an effect the interval lies on one given side of 0 in 2.5 % of cases."""
    assert power(0.0, 10) == pytest.approx(0.025)


def test_seeds_without_a_value_are_left_out():
    a, b = arms(0.5)
    failed = np.array([np.nan, 1.0])
    assert pairs_to_settle(np.append(a, failed), np.append(b, [1.0, np.inf]), share=0.8) == pairs_to_settle(a, b, share=0.8)


def test_where_no_number_of_pairs_is_known():
    one = np.array([1.0])
    assert pairs_to_settle(one, one + 1, share=0.8) is None
    assert pairs_to_settle(np.zeros(6), np.array([1.0, -1.0] * 3), share=0.8) is None  # no effect
    assert pairs_to_settle(*arms(0.001), share=0.8) is None  # 7.8 million
    assert pairs_to_settle(np.zeros(3), np.ones(3), share=0.95) == 6  # the same in every seed


def test_arms_of_different_shapes():
    with pytest.raises(ValueError, match=r"^b: got shape \(3,\), expected that of a, \(2,\)$"):
        pairs_to_settle(np.zeros(2), np.zeros(3), share=0.8)


def test_how_often_single_runs_mislead():
    """b is lower on average. Of 3 · 2 pairs of runs, 1.0 with 3.0 points the other way, and 3.0 with 3.0 nowhere."""
    a, b = np.array([1.0, 3.0, 5.0]), np.array([0.0, 3.0, np.nan])
    assert share_misled(a, b) == share_misled(b, a) == 1 / 6
    assert share_misled(a, a) is None
    assert share_misled(a, np.array([np.nan])) is None


@pytest.mark.slow
def test_the_bootstrap_settles_as_often_as_the_power_says():
    """800 simulated comparisons. Three standard errors are 4 points; the bootstrap of 15 pairs adds up to 2."""
    rng = np.random.default_rng(0)
    settled = 0
    for _ in range(800):
        a = rng.normal(size=15)
        settled += statistics.paired_difference(a, a + rng.normal(0.8, 1, 15), resamples=1999).settled is Settled.A_BETTER
    assert settled / 800 == pytest.approx(power(0.8, 15), abs=0.06)
