"""Many stated values of one run, judged as the one draw that they are."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num

from bnlab.statistics.settled import MIN_PAIRS
from bnlab.statistics.stated import Verdict

SEEDS_TO_CONTRADICT_A_RUN = 999
"""The fewest seeds of ours that may contradict a whole run: 1 / (1 + n) is at most 0.1 %."""


@dataclass(frozen=True)
class WholeRun:
    """A stated run's largest standardized distance beside those of our `n` seeds.

    ours: the distance of each of our seeds from the others. share: the share of our seeds that lie as far out as the run.
    p_value: (1 + their number) / (1 + n). All but the counts are None for fewer than three seeds.
    """

    n: int
    failed: int
    verdict: Verdict
    distance: float | None = None
    ours: tuple[float, ...] = ()
    share: float | None = None
    p_value: float | None = None


def judge_whole_run(stated: Num[np.ndarray, "values"], values: Num[np.ndarray, "seeds values"]) -> WholeRun:
    """Return whether a run with all these stated values could be one of our seeds.

        distance(x; seeds) = max_k |x_k - mean_k| / (s_k * sqrt(1 + 1 / n))

    with mean_k and s_k over the n seeds. The stated run's distance from all our seeds has its place among the distances of
    each of our seeds from the others, with p = (1 + number of ours that are as large) / (1 + n). The verdict is

    - reproduced: p > 5 %, and at least one of ours lies as far out;
    - unusual draw: p <= 5 %, for which n must be 19 or more;
    - contradicted: p <= 0.1 %, for which n must be SEEDS_TO_CONTRADICT_A_RUN or more;
    - underpowered: farther out than all of ours, which are fewer than 19; or fewer than MIN_PAIRS seeds.

    A seed with a value that is not finite has failed, and is left out.

    Raises ValueError where the stated values do not fit ours.
    """
    if values.ndim != 2 or stated.shape != values.shape[1:]:
        raise ValueError(f"stated: got shape {stated.shape} beside values of shape {values.shape}")
    finite = values[np.isfinite(values).all(axis=1)].astype(np.float64)
    n, failed = len(finite), len(values) - len(finite)
    if n < 3:
        return WholeRun(n, failed, Verdict.UNDERPOWERED)
    distance = _distance(stated, finite)
    ours = [_distance(seed, np.delete(finite, i, axis=0)) for i, seed in enumerate(finite)]
    farther = sum(own >= distance for own in ours)
    p_value = (1 + farther) / (1 + n)
    if n < MIN_PAIRS or (not farther and p_value > 0.05):
        verdict = Verdict.UNDERPOWERED
    elif p_value > 0.05:
        verdict = Verdict.REPRODUCED
    else:
        verdict = Verdict.CONTRADICTED if p_value <= 0.001 else Verdict.UNUSUAL_DRAW
    return WholeRun(n, failed, verdict, distance, tuple(ours), farther / n, p_value)


def _distance(run: Float[np.ndarray, "values"], seeds: Float[np.ndarray, "seeds values"]) -> float:
    n = len(seeds)
    away = np.abs(run - seeds.mean(axis=0))
    width = seeds.std(axis=0, ddof=1) * np.sqrt(1 + 1 / n)
    with np.errstate(divide="ignore", invalid="ignore"):  # seeds that agree: any other value is infinitely far away
        return float(np.max(np.where(away == 0, 0.0, away / width)))
