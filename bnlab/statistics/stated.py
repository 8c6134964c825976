"""One stated value among our own runs."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import Num

from bnlab.statistics._values import finite_only
from bnlab.statistics.settled import MIN_PAIRS
from bnlab.statistics.summary import summarize

MIN_RUNS_TO_CONTRADICT = 20
"""The fewest runs of ours that may contradict a stated value."""


class Verdict(StrEnum):
    """The result of checking a claim."""

    REPRODUCED = "reproduced"
    UNUSUAL_DRAW = "unusual draw"
    CONTRADICTED = "contradicted"
    UNDERPOWERED = "underpowered"
    """There are too few seeds to say."""
    UNDERSPECIFIED = "underspecified"
    """The source does not say enough to check it."""
    NOT_RUN = "not run"


class Interval(NamedTuple):
    """The lowest and the highest value."""

    low: float
    high: float


def prediction_interval(values: Num[np.ndarray, "seeds"], confidence: float = 0.95) -> Interval:
    """Return mean ± t[n - 1] * s * sqrt(1 + 1 / n) over the finite values: the interval in which one more run would lie.

    It assumes a normal distribution over runs. The final losses of seeds are only roughly normal.

    Raises ValueError for fewer than two finite values.
    """
    from scipy.stats import t

    finite = finite_only(values)
    n = len(finite)
    if n < 2:
        raise ValueError(f"values: got {n} finite, expected at least 2")
    mean = np.mean(finite)
    half = t.ppf((1 + confidence) / 2, n - 1) * np.std(finite, ddof=1) * np.sqrt(1 + 1 / n)
    return Interval(float(mean - half), float(mean + half))


@dataclass(frozen=True)
class StatedValue:
    """The stated value of a single run, compared with n runs of ours.

    `low` to `high` is the widened 95 % interval, and `width` is its length. `low_wide` to `high_wide` is the
    widened 99.9 % interval. All are None where fewer than two of our runs are finite.
    """

    stated: float
    last_digit_unit: float
    n: int
    failed: int
    verdict: Verdict
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    width: float | None = None
    low_wide: float | None = None
    high_wide: float | None = None


def judge_stated_value(stated: float, last_digit_unit: float, values: Num[np.ndarray, "seeds"]) -> StatedValue:
    """Return whether the stated value of one run could be one of our `values`.

    The last_digit_unit of 0.9780 is 0.0001. The verdict is

    - reproduced: inside the 95 % `prediction_interval`, widened at each end by last_digit_unit / 2;
    - unusual draw: outside it, but inside the 99.9 % interval, widened in the same way;
    - contradicted: outside both, with MIN_RUNS_TO_CONTRADICT runs or more;
    - underpowered: outside both with fewer runs, or fewer than MIN_PAIRS runs at all.

    One of twenty true values is not Verdict.REPRODUCED, by chance. Of k true values, expect k / 20 of these.

    Raises ValueError where the stated value is not finite or the unit is negative.
    """
    if not np.isfinite(stated) or not last_digit_unit >= 0:
        raise ValueError(f"stated: got {stated} with unit {last_digit_unit}, expected a finite value and a unit >= 0")
    ours = summarize(values)
    if ours.n < 2:
        return StatedValue(stated, last_digit_unit, ours.n, ours.failed, Verdict.UNDERPOWERED, ours.mean)

    def widened(confidence: float) -> Interval:
        low, high = prediction_interval(values, confidence)
        return Interval(low - last_digit_unit / 2, high + last_digit_unit / 2)

    usual, wide = widened(0.95), widened(0.999)
    if ours.n < MIN_PAIRS:
        verdict = Verdict.UNDERPOWERED
    elif usual.low <= stated <= usual.high:
        verdict = Verdict.REPRODUCED
    elif wide.low <= stated <= wide.high:
        verdict = Verdict.UNUSUAL_DRAW
    else:
        verdict = Verdict.CONTRADICTED if ours.n >= MIN_RUNS_TO_CONTRADICT else Verdict.UNDERPOWERED
    return StatedValue(
        stated=stated,
        last_digit_unit=last_digit_unit,
        n=ours.n,
        failed=ours.failed,
        verdict=verdict,
        mean=ours.mean,
        low=usual.low,
        high=usual.high,
        width=usual.high - usual.low,
        low_wide=wide.low,
        high_wide=wide.high,
    )
