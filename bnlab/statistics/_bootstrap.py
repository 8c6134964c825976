"""The bootstrap interval of a mean."""

import numpy as np
from jaxtyping import Float


def bca_interval(values: Float[np.ndarray, "n"], confidence: float, resamples: int, seed: int) -> tuple[float, float]:
    """Return the BCa bootstrap interval of mean(values), n >= 2 of them that differ, at the level

        level = 1 - 2 * Phi(-sqrt(n / (n - 1)) * t[n - 1, (1 + confidence) / 2])

    A bootstrap takes the variance as sum / n and a normal tail, and so is too short for few values. Of 95 %
    intervals at n = 6, plain BCa covers 86 % (normal data) and 82 % (exponential); expanded, 93 % and 90 %.
    At n = 20 these are 94 % and 93 %, and at n = 100, where the level is 95.4 %, both 95 %. No level mends
    long tails: log-normal data (sigma = 1) are covered in 84 % at n = 6, 89 % at n = 20 and 92 % at n = 100.
    The level stops where a tail would hold less than one resample.

    Source: Efron, "Better bootstrap confidence intervals" (1987), as `scipy.stats.bootstrap`; the level is
    that of Hesterberg, "What teachers should know about the bootstrap" (2015), who expands percentile
    intervals with it.
    """
    from scipy.stats import bootstrap, norm, t

    n = len(values)
    tail = norm.cdf(-np.sqrt(n / (n - 1)) * t.ppf((1 + confidence) / 2, n - 1))
    interval = bootstrap(
        (values,),
        np.mean,
        confidence_level=1 - 2 * max(float(tail), 1 / (resamples + 1)),
        n_resamples=resamples,
        batch=max(1, 2**22 // n),  # bounds the memory: 32 MiB of resampled values
        method="BCa",
        vectorized=True,
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(interval.low), float(interval.high)
