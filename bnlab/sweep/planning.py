"""What finished runs hold of a sweep's points, and what is to be trained."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from bnlab.config import Config, SeedPair
from bnlab.errors import UserError
from bnlab.experiment import ArmPlan, plan_arms
from bnlab.metrics import Metric
from bnlab.runs import Catalogue, Claims, Pool, Run, identity
from bnlab.sweep.points import Sweep
from bnlab.training import Checked, check


class Cost(NamedTuple):
    """What training takes on one thread: seconds a step, evaluation included; and seconds for compiling."""

    step: float
    compiling: float


@dataclass
class Outcome:
    """The final values of one computation, over the sweep's seeds. Curves are not kept: a thousand points would fill memory.

    finals: {metric: [seeds]}, NaN for a seed that failed or is missing. failed: {seed: the step at which its loss was no
    longer finite}. runs: the folders that the seeds lie in. costs: what their training took, where the runs say it.
    """

    config: Config
    metrics: Sequence[Metric]
    finals: dict[str, Float[np.ndarray, "seeds"]] = field(init=False)
    failed: dict[SeedPair, int] = field(default_factory=dict)
    runs: list[Path] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)

    def __post_init__(self) -> None:
        pairs = self.config.seeds.pairs
        self._places = {pair: place for place, pair in enumerate(pairs)}
        self._missing = dict.fromkeys(pairs)
        self.finals = {metric.name: np.full(len(pairs), np.nan) for metric in self.metrics}

    @property
    def missing(self) -> list[SeedPair]:
        """The seeds that no run has given yet."""
        return list(self._missing)

    def take(self, run: Run) -> None:
        """Take from a finished run the seeds that are missing."""
        failures = {(one["seed"], one.get("data_seed", one["seed"])): one["step"] for one in run.summary.get("failed", [])}
        whole = len(run.step) == self.config.num_records  # else every seed failed
        rows = [(row, pair) for row, pair in enumerate(run.pairs) if pair in self._missing]
        for row, pair in rows:
            del self._missing[SeedPair(*pair)]
            if pair in failures:
                self.failed[SeedPair(*pair)] = failures[pair]
                continue
            for metric in self.metrics:
                if whole and metric.name in run.curves:
                    self.finals[metric.name][self._places[SeedPair(*pair)]] = run.curves[metric.name][row, -1]
        if rows:
            self.runs.append(run.path)
            if speed := run.summary.get("steps_per_second"):
                self.costs.append(Cost(1 / speed, run.summary["seconds"]["compile"]))


@dataclass(frozen=True)
class Computation:
    """One computation of a sweep, which several points may share: what is known of it, and what is to be trained."""

    points: tuple[int, ...]
    outcome: Outcome
    checked: Checked
    arm: ArmPlan


@dataclass(frozen=True)
class Plan:
    """A sweep, what finished runs hold of it, and the claims on the folders of the others."""

    sweep: Sweep
    computations: tuple[Computation, ...]
    claims: Claims

    @property
    def outcomes(self) -> list[Outcome]:
        """The outcome of every point, in the sweep's order."""
        found = {point: one.outcome for one in self.computations for point in one.points}
        return [found[number] for number in range(len(self.sweep.points))]

    @property
    def missing(self) -> list[Computation]:
        """The computations with missing seeds."""
        return [one for one in self.computations if one.outcome.missing]

    @property
    def missing_seeds(self) -> int:
        """How many seeds are missing, over all computations."""
        return sum(len(one.outcome.missing) for one in self.computations)

    @property
    def foreign_seeds(self) -> int:
        """How many missing seeds finished runs hold under other numerics. They are trained anew."""
        return sum(one.arm.foreign for one in self.computations)


def plan_sweep(sweep: Sweep, *, mixed: bool = False) -> Plan:
    """Return what finished runs hold of a sweep. Every point is checked against its data first. mixed: see `plan_arms`.

    Raises:
        UserError: options of a point do not fit its data, with the point's label; or data cannot be loaded.
    """
    claims = Claims(point.config.name for point in sweep.points)  # before the catalogue is asked
    catalogue = Catalogue()
    alike: dict[str, list[int]] = {}
    for number, point in enumerate(sweep.points):
        alike.setdefault(identity(point.config), []).append(number)
    firsts = [points[0] for points in alike.values()]
    checking = check(sweep.points[number].config for number in firsts)
    found: list[Computation] = []
    for points in alike.values():
        point = sweep.points[points[0]]
        try:
            checked = next(checking)
        except UserError as error:
            problem = error.message.removeprefix(f"{point.config.name}: ")
            raise UserError(f"{sweep.path}: point {point.label}: {problem}", advice=error.advice) from None
        (arm,) = plan_arms([point.config], catalogue, mixed=mixed)
        outcome = Outcome(point.config, sweep.measured)
        for run in arm.held.runs:
            outcome.take(run)
        bare = replace(arm, held=Pool(point.config, (), ()))
        found.append(Computation(tuple(points), outcome, checked, bare))
    return Plan(sweep, tuple(found), claims)
