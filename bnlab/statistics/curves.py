"""One arm over steps: its area, its first step at a level, a smooth line, a band over seeds."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Num

from bnlab.statistics._values import check_steps, nan_where_failed


def area_under_curve(
    curves: Num[np.ndarray, "seeds records"], steps: Num[np.ndarray, "records"]
) -> Float[np.ndarray, "seeds"]:
    """Return integral(curve d step) / (last step - first step) per seed, by the trapezoid rule.

    This is the mean of the metric over training, in the metric's own unit. It is NaN for a seed with any record
    that is not finite.

    Raises ValueError for fewer than two records, or steps that do not increase or do not fit the curves.
    """
    check_steps(curves, steps)
    if len(steps) < 2:
        raise ValueError(f"steps: got {len(steps)} record, expected at least 2")
    return np.trapezoid(nan_where_failed(curves), steps, axis=1) / (steps[-1] - steps[0])


def steps_to_reach(
    curves: Num[np.ndarray, "seeds records"],
    steps: Num[np.ndarray, "records"],
    threshold: float,
    *,
    below: bool = True,
) -> Float[np.ndarray, "seeds"]:
    """Return the first recorded step with curve <= threshold (>= unless `below`) for each seed; NaN where there is none.

    The curve may cross the threshold again later. The true crossing lies between this record and the previous one. A
    record that is not finite does not reach the threshold.

    Raises ValueError where steps do not increase or do not fit the curves.
    """
    check_steps(curves, steps)
    curves = nan_where_failed(curves)
    reached = curves <= threshold if below else curves >= threshold
    return np.where(reached.any(axis=1), steps[reached.argmax(axis=1)], np.nan)


def ema(curve: Num[np.ndarray, "*seeds records"], weight: float) -> Float[np.ndarray, "*seeds records"]:
    """Return y[t] = sum_i weight**(t - i) x[i] / sum_i weight**(t - i), over i <= t with finite x[i].

    This is a smooth line to draw over the raw curve. `weight` is the weight of the past. Where every record is finite,
    the divisor is (1 - weight**(t + 1)) / (1 - weight), and y is Adam's bias-corrected average. A record that is not
    finite stays a gap, and the other records share its weight.

    Raises ValueError for a weight outside [0, 1).

    Source: Kingma and Ba, "Adam", section 3 (bias correction). The weights around gaps are those of pandas'
    `ewm(adjust=True, ignore_na=False)`; but pandas fills a gap with the last value.
    """
    if not 0 <= weight < 1:
        raise ValueError(f"weight: got {weight}, expected 0 <= weight < 1")
    finite = np.isfinite(curve)
    total = _decayed_sum(np.where(finite, curve, 0.0), weight)
    divisor = _decayed_sum(finite.astype(float), weight)
    return np.divide(total, divisor, out=np.full(np.shape(curve), np.nan), where=finite)


def _decayed_sum(values: Float[np.ndarray, "*seeds records"], weight: float) -> Float[np.ndarray, "*seeds records"]:
    """Return y[t] = weight · y[t-1] + x[t]. Importing scipy.signal takes longer than this loop over thousands of records."""
    sums, total = np.empty(values.shape), np.zeros(values.shape[:-1])
    for t in range(values.shape[-1]):
        total = weight * total + values[..., t]
        sums[..., t] = total
    return sums


class Band(NamedTuple):
    """A line with an interval at each record, over the `n` seeds that are finite there; NaN where there are too few."""

    center: Float[np.ndarray, "records"]
    low: Float[np.ndarray, "records"]
    high: Float[np.ndarray, "records"]
    n: Num[np.ndarray, "records"]


def quantile_band(curves: Num[np.ndarray, "seeds records"], q: tuple[float, float] = (0.1, 0.9)) -> Band:
    """Return the median and the quantiles `q` at each record, over the seeds that are finite there.

    Quantiles are linearly interpolated. The default band holds four of five runs. It shows where single runs lie; it is
    not a confidence interval of the median.

    Raises ValueError unless 0 <= q[0] <= 0.5 <= q[1] <= 1.

    Departure from `numpy.nanquantile`: inf counts as failed too, and one call handles all records.
    """
    if not 0 <= q[0] <= 0.5 <= q[1] <= 1:
        raise ValueError(f"q: got {q}, expected 0 <= q[0] <= 0.5 <= q[1] <= 1")
    # NaN sorts last, so the first n values are the finite ones
    ordered = np.sort(nan_where_failed(curves), axis=0)
    n = np.isfinite(ordered).sum(axis=0)
    records = np.arange(curves.shape[1])

    def quantile(fraction: float) -> Float[np.ndarray, "records"]:
        position = np.maximum(n - 1, 0) * fraction
        below = np.floor(position).astype(int)
        above = np.ceil(position).astype(int)
        low, high = ordered[below, records], ordered[above, records]
        return low + (position - below) * (high - low)

    return Band(quantile(0.5), quantile(q[0]), quantile(q[1]), n)
