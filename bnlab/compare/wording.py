"""Numbers and answers as text: the one place where an enum becomes words. Fractions are shown as percent."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from bnlab.claims import Judged
from bnlab.compare.effects import Effect, Reason
from bnlab.metrics import Metric
from bnlab.statistics import MIN_PAIRS, StatedValue, Summary


class Scale(NamedTuple):
    """What a number is multiplied by, and the unit that is written after it, and after a difference."""

    factor: float
    unit: str
    difference: str


def scale_of(metric: Metric) -> Scale:
    """Return how the metric's values are shown."""
    return Scale(100, " %", " points") if metric.percent else Scale(1, "", "")


STEPS = Scale(1, "", "")


def label(metric: Metric) -> str:
    """Return the metric as a table's cell has it: "test accuracy, %"."""
    return metric.words + (", %" if metric.percent else "")


def capital(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]


def number(value: float | None, metric: Metric, digits: int) -> str:
    """Return a value of the metric to so many digits, without its unit."""
    return "" if value is None else f"{scale_of(metric).factor * value:.{digits}g}"


def level(value: float | None, metric: Metric) -> str:
    """Return "≤ 2.2", or "≥ 90" for an accuracy."""
    return f"{'≤' if metric.lower_is_better else '≥'} {number(value, metric, 6)}"


def mean_std(summary: Summary, metric: Metric) -> str:
    """Return the mean to two digits of its standard deviation; accuracies in percent."""
    if summary.mean is None:
        return "none finite"
    scale = scale_of(metric).factor
    mean, std = scale * summary.mean, scale * (summary.std or 0)
    if not std:
        return f"{mean:.4g}" if summary.std is None else f"{mean:.4g} ± 0"
    return " ± ".join(_alike([mean, std], _decimals(std)))


def interval(effect: Effect, scale: Scale) -> str:
    """Return "−0.019 [−0.025, −0.013]", to two digits of the interval's half width."""
    if effect.value is None:
        return "none"
    unit, sign = scale.difference, "+" if effect.kind == "difference" else ""
    value = scale.factor * effect.value
    if effect.low is None or effect.high is None:
        return f"{value:{sign}.3g}{unit}".replace("-", "−")
    low, high = scale.factor * effect.low, scale.factor * effect.high
    digits = _decimals((high - low) / 2 or abs(value))
    # an end that would be rounded to the neutral value keeps the digits that tell them apart
    ends = [end - neutral(effect) for end in (low, high) if end != neutral(effect)]
    digits = max([digits, *(_decimals(abs(end)) - 1 for end in ends if round(end, digits) == 0)])
    middle, first, last = _alike([value, low, high], digits, sign)
    return f"{middle}{unit} [{first}, {last}]"


def ahead(effect: Effect, noun: str = "") -> str:
    """Return "8 of 10, 1 tied (49–94 %)": the seeds in which the arm is ahead, and the interval of their share."""
    ties = f", {effect.ties} tied" if effect.ties else ""
    share = ""
    if effect.share_low is not None and effect.share_high is not None:
        share = f" ({100 * effect.share_low:.0f}–{100 * effect.share_high:.0f} %)"
    return f"{effect.ahead} of {effect.seeds}{noun}{ties}{share}"


def answer(effect: Effect) -> str:
    """Return the better arm, or why none is called better."""
    match effect.reason:
        case Reason.INTERVAL if effect.better is None:  # the metric has no better side
            return "lower" if (effect.value or 0) < neutral(effect) else "higher"
        case Reason.INTERVAL:
            return effect.better or ""
        case Reason.SHARE:
            return f"{effect.better}: reaches it in more seeds (p = {p_value(effect.p_value)})"
        case Reason.UNDECIDED:
            return f"undecided: the interval holds {neutral(effect)}"
        case Reason.FAILS_MORE:
            missing = "has no value" if effect.kind == "difference" else "never gets there"
            return (
                f"no verdict: the arm that looks better {missing} in more seeds "
                f"(this arm alone: {effect.only_baseline}, the baseline alone: {effect.only_arm})"
            )
        case Reason.TOO_FEW_PAIRS:
            return f"no verdict: {_count(effect.pairs, 'paired seed')}, {MIN_PAIRS} are needed"
        case Reason.TOO_MANY_MISSING:
            return f"no verdict: {effect.seeds - effect.pairs} of {effect.seeds} seeds have no pair"


def p_value(p: float | None) -> str:
    """Return a p-value to two digits."""
    return "none" if p is None else f"{p:.2g}"


def stated(judged: Judged) -> str:
    """Return "0.9449, reproduced"."""
    return f"{judged.claim.printed}, {judged.verdict}"


def stated_value(judged: Judged, metric: Metric) -> str:
    """Return the stated value as printed; a fraction with its percentage: "0.9449 (94.49 %)"."""
    printed, claim = judged.claim.printed, judged.claim.stated
    if claim is None or not metric.percent or printed.endswith("%"):
        return printed
    return f"{printed} ({number(claim.value, metric, 4)} %)"


def expected(judged: Judged, metric: Metric) -> str:
    """Return in a sentence where single runs of ours are expected to end; empty where there are too few of them."""
    one = judged.evidence
    if not isinstance(one, StatedValue) or one.low is None or one.high is None:
        return ""
    scale = scale_of(metric)
    low, high = scale.factor * one.low, scale.factor * one.high
    return f" By our {one.n} seeds, 95 % of single runs end in [{low:.4g}, {high:.4g}]{scale.unit}."


def neutral(effect: Effect) -> int:
    """Return the value that says that the arms are alike."""
    return 0 if effect.kind == "difference" else 1


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


SMALL = 1e-4
"""Numbers that are all smaller are written with a power of ten."""


def _alike(values: Sequence[float], digits: int, sign: str = "") -> list[str]:
    """Return the values with the same decimals: 0.0123, and of very small ones 1.2e-9, all with one power of ten.

    sign: "+" writes the sign of every number but 0.
    """
    largest = max(map(abs, values))
    power = math.floor(math.log10(largest)) if 0 < largest < SMALL else 0
    digits = max(0, digits + power) if largest > 0 else 0
    ending = f"e{power}" if power else ""

    def written(value: float) -> str:
        text = f"{value / 10.0**power:{sign}.{digits}f}"
        if float(text) == 0:
            return text.lstrip("+-") if value else "0"
        return text + ending

    return [written(value).replace("-", "−") for value in values]


def _decimals(size: float) -> int:
    """Return the decimals that show two digits of a size."""
    return max(0, 1 - math.floor(math.log10(size))) if size > 0 else 2
