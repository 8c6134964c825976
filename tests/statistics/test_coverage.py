"""The coverage of intervals for a known effect, in simulated data."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats

from bnlab import statistics
from bnlab.statistics import Settled, Verdict

EFFECT = 0.5

Draw = Callable[[np.random.Generator, int], np.ndarray]

NOISE: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "exponential": lambda rng, n: rng.exponential(size=n) - 1,
    "log-normal": lambda rng, n: rng.lognormal(size=n) - np.exp(0.5),
}


def simulated_arms(noise: str, n: int, times: int, effect: float = EFFECT):
    """Yield paired arms. Both share the level of each seed, and differ by the effect and by noise of mean zero."""
    rng = np.random.default_rng(0)
    for _ in range(times):
        a = rng.normal(scale=5, size=n)
        yield a, a + effect + NOISE[noise](rng, n)


def coverage(noise: str, n: int, times: int) -> float:
    """Return the coverage of the interval; its standard error is 0.015 for 200 draws, 0.005 for 2,000."""
    hits = 0
    for a, b in simulated_arms(noise, n, times):
        result = statistics.paired_difference(a, b, resamples=1999)
        assert result.low is not None
        assert result.high is not None
        hits += result.low <= EFFECT <= result.high
    return hits / times


def test_coverage_is_near_what_it_says():
    assert coverage("normal", 10, 200) == pytest.approx(0.95, abs=0.045)  # 3 standard errors


# The coverage of 95 % intervals, measured over 5,000 to 10,000 other draws. It is below 95 % for few seeds or long
# tails, as `bca_interval` says. The tolerance is 4 standard errors at 95 % of 2,000 draws, 2.4 at 84 %.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("noise", "n", "expected"),
    [
        ("normal", 6, 0.93),
        ("normal", 10, 0.94),
        ("normal", 20, 0.945),
        ("normal", 100, 0.945),
        ("exponential", 6, 0.90),
        ("exponential", 10, 0.92),
        ("exponential", 20, 0.935),
        ("exponential", 100, 0.945),
        ("log-normal", 6, 0.84),
        ("log-normal", 20, 0.89),
        ("log-normal", 100, 0.92),
    ],
)
def test_coverage_over_many_draws(noise: str, n: int, expected: float):
    assert coverage(noise, n, 2000) == pytest.approx(expected, abs=0.02)


@pytest.mark.slow
def test_plain_bca_covers_too_little_at_six_seeds():
    """The reason for the expanded level: scipy's own 95 % interval has a coverage of 86 % for normal data."""
    hits = 0
    for a, b in simulated_arms("normal", 6, 2000):
        interval = scipy.stats.bootstrap(
            (b - a,), np.mean, n_resamples=1999, method="BCa", rng=np.random.default_rng(0)
        ).confidence_interval
        hits += interval.low <= EFFECT <= interval.high
    assert hits / 2000 == pytest.approx(0.86, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "wrong"), [(6, 0.067), (20, 0.05)])
def test_arms_that_do_not_differ_are_seldom_settled(n: int, wrong: float):
    settled = [
        statistics.paired_difference(a, b, resamples=1999).settled for a, b in simulated_arms("normal", n, 2000, effect=0.0)
    ]
    assert 1 - settled.count(Settled.UNDECIDED) / 2000 == pytest.approx(wrong, abs=0.02)


@pytest.mark.slow
def test_difference_band_covers_at_each_record():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(8, 20_000))
    band = statistics.difference_band(a, a + EFFECT + rng.normal(size=a.shape))
    covered = np.mean((band.low <= EFFECT) & (band.high >= EFFECT))
    assert covered == pytest.approx(0.95, abs=0.005)  # 3 standard errors


@pytest.mark.slow
def test_prediction_interval_holds_one_more_run():
    rng = np.random.default_rng(0)
    verdicts = [statistics.judge_stated_value(float(runs[0]), 0.0, runs[1:]).verdict for runs in rng.normal(size=(4000, 21))]
    # Standard errors 0.0034 and 0.0005.
    assert verdicts.count(Verdict.REPRODUCED) / 4000 == pytest.approx(0.95, abs=0.014)
    assert verdicts.count(Verdict.CONTRADICTED) / 4000 == pytest.approx(0.001, abs=0.002)
