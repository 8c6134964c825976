"""What is known after a reproduction: sources, their studies, every claim's verdict and evidence. Data only."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from bnlab.claims import Claim, ExactValue, Judged, RunValue
from bnlab.frames import data_frame
from bnlab.metrics import Metric
from bnlab.report.seeds import SeedValues
from bnlab.runs import Pool
from bnlab.statistics import Verdict
from bnlab.studies import Source, Study

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class CurveVerdict:
    """Many stated values of one run of one arm, judged as one draw.

    distance: the largest standardized distance of a stated value from our seeds' mean. ours: the same of each of our seeds,
    left out in turn. share: the share of our seeds whose distance is at least the run's. With fewer than three seeds distance
    and share are NaN and ours is empty. outside: how many single values lie outside their 95 % interval; expected: how many
    of `values` do by chance.
    """

    arm: str
    metrics: tuple[str, ...]
    values: int
    distance: float
    ours: Float[np.ndarray, "seeds"]
    share: float
    outside: int
    expected: float
    verdict: Verdict


@dataclass(frozen=True)
class BesideSystem:
    """A value that the source's own system gave (see `Measured`), the claim that states it, where one does, and ours.

    ours: of a run, one value for each of our seeds; of an exact value, one; empty where we have none.
    """

    check: RunValue | ExactValue
    system: str
    claim: Claim | None
    ours: Float[np.ndarray, "seeds"]


@dataclass(frozen=True)
class CheckedStudy:
    """One study: its arms' seeds and curves, and the verdict on each of its claims.

    seeds: {claim's id: what each seed says of it}. beside: what the source's own system gave, beside ours. pools: {arm's
    label: its seeds}; empty where nothing was trained. metrics: those that the arms record. command: what repeats it.
    seconds: what training and checking took this time. trained: how many seeds were trained for it. why_not: why its arms
    were not trained; empty if they were.
    """

    study: Study
    judged: tuple[Judged, ...]
    seeds: Mapping[str, SeedValues] = field(default_factory=dict)
    beside: tuple[BesideSystem, ...] = ()
    pools: Mapping[str, Pool] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    curves: tuple[CurveVerdict, ...] = ()
    command: str = ""
    seconds: float = 0.0
    trained: int = 0
    why_not: str = ""


def training_seconds(studies: Iterable[CheckedStudy]) -> float:
    """Return how long training the runs behind the studies took, summed over threads; a run that two share counts once."""
    runs = {run.path: run for study in studies for pool in study.pools.values() for run in pool.runs}
    return sum(run.summary.get("seconds", {}).get("train", 0.0) for run in runs.values())


@dataclass(frozen=True)
class CheckedSource:
    """A source and its checked studies."""

    source: Source
    studies: tuple[CheckedStudy, ...]


@dataclass(frozen=True, repr=False)
class Reproduction:
    """All that one `bnlab reproduce` found. quick: a small version, whose verdicts are no answer about the sources."""

    sources: tuple[CheckedSource, ...]
    seeds: int
    quick: bool
    command: tuple[str, ...]
    date: str
    seconds: float
    environment: Mapping[str, Any]
    folder: Path | None = None

    def __repr__(self) -> str:
        counts = Counter(one.verdict.value for one in self.judged)
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
        place = f"; {self.folder}" if self.folder else ""
        return f"Reproduction({', '.join(source.source.id for source in self.sources)}: {verdicts}{place})"

    def _repr_html_(self) -> str:
        from bnlab.report.notebook import html  # it needs this class

        return html(self)

    def to_pandas(self) -> "pd.DataFrame":
        """Return a pandas table with a row for each claim: its source, what is stated, the verdict and why.

        Raises:
            UserError: pandas is not installed.
        """
        return data_frame(
            {
                "claim": one.claim.id,
                "source": one.claim.source,
                "stated": one.claim.printed,
                "verdict": one.verdict.value,
                "why": one.why,
            }
            for one in self.judged
        )

    @property
    def judged(self) -> tuple[Judged, ...]:
        """Every claim's verdict, in the sources' order."""
        return tuple(one for source in self.sources for study in source.studies for one in study.judged)

    @property
    def training_seconds(self) -> float:
        """How long the training of all seeds took when it was done, in seconds of one thread each; a run counts once."""
        return training_seconds(study for source in self.sources for study in source.studies)

    @property
    def every_check_ran(self) -> bool:
        """Whether no claim is `unchecked`."""
        return not self.unchecked

    @property
    def unchecked(self) -> tuple[Judged, ...]:
        """The claims that were not checked. A quick reproduction may leave some out; of it, only errors count."""
        return tuple(one for one in self.judged if one.raised or (one.verdict is Verdict.NOT_RUN and not self.quick))

    @property
    def contradicted(self) -> tuple[Judged, ...]:
        """The claims that are contradicted."""
        return tuple(one for one in self.judged if one.verdict is Verdict.CONTRADICTED)
