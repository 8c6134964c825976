"""Numbers of metrics as text: accuracies in percent, as many digits as the spread or the interval has meaning for."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from bnlab.inline import count as count
from bnlab.metrics import Metric
from bnlab.statistics import Summary


class Scale(NamedTuple):
    """What a number is multiplied by, and the unit that is written after it, and after a difference."""

    factor: float
    unit: str
    difference: str


def scale_of(metric: Metric) -> Scale:
    """Return how the metric's values are shown."""
    return Scale(100, " %", " points") if metric.percent else Scale(1, "", "")


def label(metric: Metric) -> str:
    """Return the metric as a table's cell has it: "test accuracy, %"."""
    return metric.words + (", %" if metric.percent else "")


def capital(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]


def number(value: float | None, metric: Metric, digits: int) -> str:
    """Return a value of the metric to so many digits, without its unit."""
    return "" if value is None else f"{scale_of(metric).factor * value:.{digits}g}"


def mean_std(summary: Summary, metric: Metric) -> str:
    """Return the mean to two digits of its standard deviation; accuracies in percent."""
    if summary.mean is None:
        return "none finite"
    scale = scale_of(metric).factor
    mean, std = scale * summary.mean, scale * (summary.std or 0)
    if not std:
        return f"{mean:.4g}" if summary.std is None else f"{mean:.4g} ± 0"
    return " ± ".join(_alike([mean, std], decimals(std)))


def interval(value: float | None, low: float | None, high: float | None, scale: Scale, *, neutral: int = 0) -> str:
    """Return "−0.019 [−0.025, −0.013]", to two digits of the interval's half width.

    neutral: the value that says that there is no effect; 0 for a difference, whose sign is written, and 1 for a ratio.
    """
    if value is None:
        return "none"
    unit, sign = scale.difference, "" if neutral else "+"
    value = scale.factor * value
    if low is None or high is None:
        return f"{value:{sign}.3g}{unit}".replace("-", "−")
    low, high = scale.factor * low, scale.factor * high
    digits = decimals((high - low) / 2 or abs(value))
    # an end that would be rounded to the neutral value keeps the digits that tell them apart
    ends = [end - neutral for end in (low, high) if end != neutral]
    digits = max([digits, *(decimals(abs(end)) - 1 for end in ends if round(end, digits) == 0)])
    middle, first, last = _alike([value, low, high], digits, sign)
    return f"{middle}{unit} [{first}, {last}]"


def decimals(size: float) -> int:
    """Return the decimals that show two digits of a size."""
    return max(0, 1 - math.floor(math.log10(size))) if size > 0 else 2


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
