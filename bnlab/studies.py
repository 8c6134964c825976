"""Studies: which arms belong together, over which seeds and metrics they are compared, and which claims they decide."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bnlab.claims import Claim
from bnlab.config import Config, load_config


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
class Study:
    """One experiment of a source. The first arm is the baseline.

    id: the name that `bnlab compare` takes ("article-003"); no shipped config has it. metrics: those that are compared.
    at: the steps at which it looks. levels: {metric: levels whose first step is compared}. What is empty is left to the
    comparison's own defaults. A study without arms trains nothing: its claims are exact values.

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

    def __post_init__(self) -> None:
        labels = [arm.label for arm in self.arms]
        for what, names in (("arms", labels), ("claims", [claim.id for claim in self.claims])):
            if len(set(names)) < len(names):
                raise ValueError(f"{what}: study {self.id} has two of one name")
        for claim in self.claims:
            for label in claim.check.arms:
                if label not in labels:
                    raise ValueError(f"claims: {claim.id} is about '{label}', and study {self.id} has no such arm")

    @property
    def baseline(self) -> StudyArm | None:
        """The arm with which the others are compared; None where nothing is trained."""
        return self.arms[0] if self.arms else None
