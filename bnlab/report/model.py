"""What is known after a reproduction: sources, their studies, every claim's verdict and evidence. Data only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from bnlab.claims import Judged
from bnlab.metrics import Metric
from bnlab.runs import Pool
from bnlab.statistics import Verdict
from bnlab.studies import Study


@dataclass(frozen=True)
class Source:
    """An article or a paper: what it did, in our words, and how we repeat it.

    id: "000"; title and system: as it calls itself, and under which release it ran. did: its experiments. left_open: what it
    does not state. assumed: what we chose there, and why. departures: where we do otherwise. measured: what the original
    system gave when it was run for us, as (what, value) rows; empty where it was not.
    """

    id: str
    title: str
    system: str
    did: str
    left_open: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    departures: tuple[str, ...] = ()
    measured: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class CurveVerdict:
    """Many stated values of one run of one arm, judged as one draw.

    distance: the largest standardized distance of a stated value from our seeds' mean. ours: the same of each of our seeds,
    left out in turn. share: the share of our seeds whose distance is at least the run's. outside: how many single values lie
    outside their 95 % interval; expected: how many of `values` do by chance.
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
class CheckedStudy:
    """One study: its arms' seeds and curves, and the verdict on each of its claims.

    pools: {arm's label: its seeds}; empty where nothing was trained. metrics: those that the arms record. command: what
    repeats it. seconds: what training and checking took this time. trained: how many seeds were trained for it. why_not: why
    its arms were not trained; empty if they were.
    """

    study: Study
    judged: tuple[Judged, ...]
    pools: Mapping[str, Pool] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    curves: tuple[CurveVerdict, ...] = ()
    command: str = ""
    seconds: float = 0.0
    trained: int = 0
    why_not: str = ""


@dataclass(frozen=True)
class CheckedSource:
    """A source and its checked studies."""

    source: Source
    studies: tuple[CheckedStudy, ...]


@dataclass(frozen=True)
class Reproduction:
    """All that one `bnlab reproduce` found. quick: a small version, whose verdicts are no answer about the articles."""

    sources: tuple[CheckedSource, ...]
    seeds: int
    quick: bool
    command: tuple[str, ...]
    date: str
    seconds: float
    environment: Mapping[str, Any]

    @property
    def judged(self) -> tuple[Judged, ...]:
        """Every claim's verdict, in the sources' order."""
        return tuple(one for source in self.sources for study in source.studies for one in study.judged)
