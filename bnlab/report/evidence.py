"""A verdict's evidence in words, and as a strip. Values of a percent metric are shown as percent."""

import math
import re
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from bnlab.claims import Bounded, ExactEvidence, ExactValue, Fact, Judged, SpeedEvidence
from bnlab.compare import wording
from bnlab.metrics import Metric
from bnlab.report.model import BesideSystem
from bnlab.report.seeds import SeedValues
from bnlab.report.strips import Strip, make_strip
from bnlab.statistics import MIN_PAIRS, MIN_RUNS_TO_CONTRADICT, PairedDifference, Settled, StatedValue, Verdict, summarize

MOST_DECIMALS = 6
"""Beyond so many decimals a number is shown with a power of ten."""


class Ours(NamedTuple):
    """What we found, for a table's cell. value: our number with its interval; n: the seeds behind it; note: what it is."""

    value: str
    n: str
    note: str


def stated(judged: Judged, metric: Metric) -> str:
    """Return the stated value as the source prints it, a fraction of a percent metric with its percentage.

    Of a fact it is the value that is expected.
    """
    check = judged.claim.check
    return f"expected: {check.expected:.6g}" if isinstance(check, Fact) else wording.stated_value(judged, metric)


def in_unit(text: str, metric: Metric) -> str:
    """Return numbers as they are, or fractions of a percent metric as percent: "97.12 ± 0.19 %" for "0.9712 ± 0.0019"."""
    if not metric.percent or not text or "%" in text:
        return text
    percent = re.sub(r"[\d.]+", lambda match: str(Decimal(match[0]).scaleb(2)), text)
    return f"{percent} %"


def ours(judged: Judged, metric: Metric) -> Ours:
    """Return what we found, in words."""
    scale = wording.scale_of(metric)
    match judged.evidence:
        case StatedValue() as one:
            low, high = one.low, one.high
            value = with_interval(one.mean, low, high, scale.factor) + (scale.unit if one.mean is not None else "")
            return Ours(
                value, _seeds(one.n, one.failed), "mean over our seeds [95 % of single runs]" if low is not None else ""
            )
        case ExactEvidence() as one:
            note = f"up to {one.tolerance:g} apart is the same" if one.tolerance else ""
            rounding = 0 < abs(one.ours) < one.tolerance  # of which one digit says all
            return Ours(f"{one.ours:.0e}".replace("-", "−") if rounding else one.printed, "", note)
        case PairedDifference() as one:
            check = judged.claim.check
            mean, low, high = _turned(one)
            if isinstance(check, Bounded):
                mean, low, high = (None if end is None else check.bound + end for end in (mean, low, high))
                note = "mean over our seeds [95 % of means]"
                return Ours(with_interval(mean, low, high, 1), _seeds(one.pairs, one.dropped), note)
            value = with_interval(mean, low, high, scale.factor, sign=True) + (scale.difference if mean is not None else "")
            ahead = f"; ahead in {one.ahead.a_ahead} of {one.ahead.seeds} seeds"
            note = f"{_difference(judged)} [95 % of means]{ahead}"
            return Ours(value, _count(one.pairs, "paired seed"), note)
        case SpeedEvidence() as one:
            ratio, share = one.ratio, one.share
            mean, low, high = (None if end is None else 1 / end for end in (ratio.ratio, ratio.high, ratio.low))
            arm, other = judged.claim.check.arms
            reached = f"reached by {arm} in {share.reached_a} of {share.seeds} seeds, by {other} in {share.reached_b}"
            note = f"steps of {arm} / steps of {other} [95 %]; {reached}"
            return Ours(with_interval(mean, low, high, 1), _count(ratio.pairs, "paired seed"), note)
        case None:
            return Ours("", "", "")


def strip(judged: Judged, metric: Metric, seeds: SeedValues | None) -> Strip | None:
    """Return our seeds on an axis with their interval and the value they are held against.

    Without the seeds' values, the interval stands alone; None where there is none either.
    """
    found, factor = ours(judged, metric), wording.scale_of(metric).factor
    values = np.zeros(0) if seeds is None else seeds.values

    def show(value: float) -> str:
        return f"{factor * value:.3g}".replace("-", "−")

    match judged.evidence:
        case StatedValue() as one:
            inside = _place(one, values)
            bar = None if one.low is None or one.high is None else (one.low, one.high)
            line = None if one.low_wide is None or one.high_wide is None else (one.low_wide, one.high_wide)
            alt = f"Stated: {stated(judged, metric)}. Ours: {found.value}, {found.n}. {inside}"
            return make_strip(values, alt=alt, show=show, mark=one.stated, bar=bar, line=line)
        case PairedDifference() as one:
            check = judged.claim.check
            mark = check.bound if isinstance(check, Bounded) else 0.0
            _, low, high = _turned(one)
            bar = None if low is None or high is None else (mark + low, mark + high)
            alt = f"{wording.capital(found.n)}: {found.value}. The line is at {mark:g}."
            return make_strip(values, alt=alt, show=show, mark=mark, bar=bar)
        case SpeedEvidence() as one:
            low, high = one.ratio.low, one.ratio.high
            bar = (1 / high, 1 / low) if low and high else None
            alt = f"{wording.capital(found.n)}: {found.value}. The line is at 1."
            return make_strip(
                np.where(values > 0, values, np.nan), alt=alt, show="{:.3g}".format, mark=1.0, bar=bar, log=True
            )
        case ExactEvidence() | None:
            return None


def ours_beside(one: BesideSystem, metric: Metric) -> Ours:
    """Return mean and standard deviation of our seeds, or our exact value; why there is none where there is none."""
    if isinstance(one.check, ExactValue):
        return Ours(f"{one.ours[0]:.7g}" if len(one.ours) else "not run", "", "")
    if not len(one.ours):
        return Ours("not run", "", "")
    summary = summarize(one.ours)
    return Ours(wording.mean_std(summary, metric) + wording.scale_of(metric).unit, _seeds(summary.n, summary.failed), "")


def strip_beside(one: BesideSystem, metric: Metric) -> Strip | None:
    """Return our seeds on an axis with the stated run and the runs of the source's own system; None of an exact value."""
    if isinstance(one.check, ExactValue) or not len(one.ours):
        return None
    factor = wording.scale_of(metric).factor
    found = ours_beside(one, metric)
    mean, _, std = one.system.partition(" ± ")
    runs = [float(text) for text in mean.split(", ")]
    stated = one.claim.stated.value if one.claim and one.claim.stated else None
    alt = f"Its own system: {in_unit(one.system, metric)}. Ours: {found.value}, {found.n}."
    return make_strip(
        one.ours,
        alt=alt if one.claim is None else f"Stated: {in_unit(one.claim.printed, metric)}. {alt}",
        show=lambda value: f"{factor * value:.3g}".replace("-", "−"),
        mark=stated,
        others=[runs[0] - float(std), *runs, runs[0] + float(std)] if std else runs,
    )


def with_interval(mean: float | None, low: float | None, high: float | None, factor: float, *, sign: bool = False) -> str:
    """Return "0.237 [0.195, 0.279]", to two digits of the interval's half width; "none" where there is no value.

    Numbers of which that takes many decimals have powers of ten.
    """
    if mean is None:
        return "none"
    plus = "+" if sign else ""
    if low is None or high is None:
        return f"{factor * mean:{plus}.3g}".replace("-", "−")
    half = factor * (high - low) / 2
    if half <= 0:
        return f"{factor * mean:{plus}.4g} [no spread]".replace("-", "−")
    digits = max(0, 1 - math.floor(math.log10(half)))
    form = f"{plus}.{digits}f" if digits <= MOST_DECIMALS else f"{plus}.1e"
    numbers = [f"{factor * end:{form}}" for end in (mean, low, high)]
    return "{} [{}, {}]".format(*numbers).replace("-", "−")


def unsettled(judged: Judged) -> str:
    """Return why our seeds do not settle an underpowered claim; empty for any other verdict."""
    if judged.verdict is not Verdict.UNDERPOWERED:
        return ""
    match judged.evidence:
        case StatedValue() as one if one.n < MIN_PAIRS:
            return f"{_count(one.n, 'seed')}, {MIN_PAIRS} are needed"
        case StatedValue():
            return f"outside the 99.9 % interval; against the source that counts from {MIN_RUNS_TO_CONTRADICT} seeds on"
        case SpeedEvidence() as one:
            return _why(one.ratio.settled, one.ratio.pairs, "1")
        case PairedDifference() as one:
            check = judged.claim.check
            return _why(one.settled, one.pairs, f"{check.bound:g}" if isinstance(check, Bounded) else "0")
        case _:
            return ""


def _why(settled: Settled, pairs: int, neutral: str) -> str:
    match settled:
        case Settled.UNDECIDED:
            return f"the interval holds {neutral}"
        case Settled.TOO_FEW_PAIRS:
            return f"{_count(pairs, 'seed')} with a value in both arms, {MIN_PAIRS} are needed"
        case Settled.TOO_MANY_MISSING:
            return "too many seeds have no value"
        case Settled.FAILS_MORE:
            return "the arm that looks better has no value in more seeds"
        case _:
            return "in most seeds an arm never gets there"


def summary(judged: Judged, metric: Metric) -> str:
    """Return value and number of seeds in one line; why there are none where there are none."""
    found = ours(judged, metric)
    return ", ".join(part for part in (found.value, found.n) if part) or judged.why


def _place(one: StatedValue, values: Float[np.ndarray, "seeds"]) -> str:
    """Return how many seeds lie below the stated value and above it; what prints as it does is the same."""
    half = one.last_digit_unit / 2
    below, above = int((values < one.stated - half).sum()), int((values > one.stated + half).sum())
    same = int(np.isfinite(values).sum()) - below - above
    return f"Below the stated value: {below}; the same: {same}; above it: {above}."


def _turned(one: PairedDifference) -> tuple[float | None, float | None, float | None]:
    """Return mean, low and high of first - second, where the statistics have second - first."""
    mean, low, high = (None if end is None else 0.0 - end for end in (one.mean, one.high, one.low))
    return mean, low, high


def _difference(judged: Judged) -> str:
    arm, other = judged.claim.check.arms
    return f"{arm} − {other}"


def _seeds(n: int, failed: int) -> str:
    return f"{_count(n, 'seed')}{f', {failed} failed' if failed else ''}"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
