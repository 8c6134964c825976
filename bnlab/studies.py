"""Sources and their studies: which arms belong together, how they are compared, and which claims they decide."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from bnlab.claims import Claim, ExactValue, RunValue
from bnlab.config import Config, load_config
from bnlab.runs import Pool


@dataclass(frozen=True)
class Source:
    """An article or a paper: what it did, in our words, and how we repeat it.

    id: what `bnlab reproduce` takes: "000", "ioffe-szegedy-2015". name: how sentences call it: "article 000". title and
    system: as it calls itself, and under which release it ran. did: its experiments. left_open: what it does not state.
    assumed: what we chose there, and why. departures: where we do otherwise.
    """

    id: str
    name: str
    title: str
    system: str
    did: str
    left_open: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    departures: tuple[str, ...] = ()


@dataclass(frozen=True)
class StudyArm:
    """One arm of a study: a shipped config's name, what is changed in it ("a.b=value"), and its label in the study."""

    config: str
    label: str
    overrides: tuple[str, ...] = ()

    def load(self, seeds: str | None = None) -> Config:
        """Return the arm's config; `seeds` replace its own. Raises: UserError, as `load_config`."""
        return load_config(self.config, overrides=self.overrides, seeds=seeds)


@dataclass(frozen=True)
class Measured:
    """What a source's own system gave when it was run for this project.

    system: which one, and over how many seeds: "TensorFlow 1.8.0, five seeds". values: (what, its value as text): of one run
    "0.4", of a few runs "0.4, 0.5", or mean and standard deviation "0.45 ± 0.07". Fractions stay fractions. An exact value
    is one that a claim of the study is checked by.
    """

    system: str
    values: tuple[tuple[RunValue | ExactValue, str], ...]


@dataclass(frozen=True)
class Study:
    """One experiment of a source. The first arm is the baseline.

    id: the name that `bnlab compare` takes ("article-003"); no shipped config has it. source: the source's name. metrics:
    those that are compared. at: the steps at which it looks. levels: {metric: levels whose first step is compared}. What is
    empty is left to the comparison's own defaults. A study without arms trains nothing: its claims are exact values.
    measured: what the source's own system gave. few_seeds: why the study has no more than `seeds`; empty where a user's wish
    for more is cheap. quick_steps: how far a quick reproduction trains; None: to the end, 0: not at all.

    Raises ValueError for two arms or claims of one name, and for a claim on an arm that is not here.
    """

    id: str
    source: str
    title: str
    arms: tuple[StudyArm, ...] = ()
    seeds: str = "0:16"
    metrics: tuple[str, ...] = ()
    at: tuple[int, ...] = ()
    levels: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: MappingProxyType({}))
    claims: tuple[Claim, ...] = ()
    measured: Measured | None = None
    few_seeds: str = ""
    quick_steps: int | None = None

    def __post_init__(self) -> None:
        labels = [arm.label for arm in self.arms]
        for what, names in (("arms", labels), ("claims", [claim.id for claim in self.claims])):
            if len(set(names)) < len(names):
                raise ValueError(f"{what}: study {self.id} has two of one name")
        for claim in self.claims:
            for label in claim.check.arms:
                if label not in labels:
                    raise ValueError(f"claims: {claim.id} is about '{label}', and study {self.id} has no such arm")
        for check, text in self.measured.values if self.measured else ():
            if not set(check.arms) <= set(labels):
                raise ValueError(f"measured: {text} is about '{check.arms[0]}', and study {self.id} has no such arm")

    @property
    def baseline(self) -> StudyArm | None:
        """The arm with which the others are compared; None where nothing is trained."""
        return self.arms[0] if self.arms else None

    def stated_runs(self, label: str) -> tuple[Claim, ...]:
        """Return the claims on values of one run of this arm."""
        return tuple(claim for claim in self.claims if isinstance(claim.check, RunValue) and claim.check.arm == label)


Quantities = Mapping[str, Callable[[], float]]
"""{name: what computes it by shipped code}; the names are those that exact values and facts are checked by."""
SeedQuantities = Mapping[str, Callable[[Pool], Float[np.ndarray, "seeds"]]]
"""{name: what computes it from an arm's seeds}; the names are those that bounds are checked by."""


@dataclass(frozen=True)
class Article:
    """An article or a paper with its studies, and what computes the quantities that their claims name.

    quantities, seed_quantities: return the tables; only then is what computes imported. The functions of a fresh table of
    quantities may share what they compute.
    """

    source: Source
    studies: tuple[Study, ...]
    quantities: Callable[[], Quantities] = dict
    seed_quantities: Callable[[], SeedQuantities] = dict
