"""One stated value among runs of ours."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import Num

from bnlab.statistics._values import finite_only
from bnlab.statistics.settled import MIN_PAIRS
from bnlab.statistics.summary import summarize

MIN_RUNS_TO_CONTRADICT = 20
"""Fewest runs of ours that may contradict a stated value."""


class Verdict(StrEnum):
    """What became of a claim."""

    REPRODUCED = "reproduced"
    UNUSUAL_DRAW = "unusual draw"
    CONTRADICTED = "contradicted"
    UNDERPOWERED = "underpowered"
    """There are too few seeds to say."""
    UNDERSPECIFIED = "underspecified"
    """The source does not say enough to check it."""
    NOT_RUN = "not run"


class Interval(NamedTuple):
    """Lowest and highest value."""

    low: float
    high: float


def prediction_interval(values: Num[np.ndarray, "seeds"], confidence: float = 0.95) -> Interval:
    """Return mean ± t[n - 1] * s * sqrt(1 + 1 / n) over the finite values: where one more run would fall.

    It takes runs as normally distributed, which seeds' final losses are only roughly.

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
    """A single run's stated value beside the n of ours.

    `low` to `high` is the widened 95 % interval, `width` its length; `low_wide` to `high_wide` is the
    widened 99.9 % interval. They are None for fewer than two finite runs of ours.
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
    """Return whether a value stated of one run could be one of our `values`.

    The last_digit_unit of 0.9780 is 0.0001. The verdict is

    - reproduced: inside the 95 % `prediction_interval`, widened at each end by last_digit_unit / 2;
    - unusual draw: outside it, inside the 99.9 % one, widened likewise;
    - contradicted: beyond that, with MIN_RUNS_TO_CONTRADICT runs or more;
    - underpowered: beyond that with fewer, or fewer than MIN_PAIRS runs in all.

    One true value in twenty is not Verdict.REPRODUCED: judging k values at once, expect k / 20.

    Raises ValueError for a stated value that is not finite or a negative unit.
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
