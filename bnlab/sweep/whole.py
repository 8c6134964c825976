"""A sweep from its file to its folder: planned, trained, analysed, written."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from bnlab import wording
from bnlab.errors import UserError, nearest
from bnlab.experiment import OnSteps, Trainer, preload, train_here
from bnlab.runs import sweep_folder, write_answers
from bnlab.sweep.analysis import Findings, analyse
from bnlab.sweep.best import Best, best_points
from bnlab.sweep.figures import draw
from bnlab.sweep.pages import document, to_csv, to_json, to_markdown
from bnlab.sweep.planning import Plan, plan_sweep
from bnlab.sweep.points import Point, Sweep
from bnlab.sweep.running import train_missing
from bnlab.sweep.words import findings_text, notes


@dataclass(frozen=True, repr=False)
class SweepResult:
    """A finished sweep: its points, what came out, and the folder that holds its answers."""

    found: Findings
    best: list[Best]
    folder: Path
    command: Sequence[str]
    figures: list[str]

    def __repr__(self) -> str:
        sweep = self.found.sweep
        return f"SweepResult({sweep.name}: {len(sweep.points)} points, {len(sweep.seeds)} seeds each; {self.folder})"

    @property
    def points(self) -> Sequence[Point]:
        """The points, in the order of every table."""
        return self.found.sweep.points

    @property
    def findings(self) -> list[str]:
        """What came out, in Markdown."""
        return findings_text(self.found, self.best)

    @property
    def notes(self) -> list[str]:
        """What else a reader should know."""
        return notes(self.found)

    def values(self, metric: str) -> Float[np.ndarray, "points seeds"]:
        """Return the final values of a metric at all points; NaN where a seed failed. Raises: UserError."""
        known = {one.name: one for one in self.found.sweep.measured}
        if metric not in known:
            raise UserError(f"metric: got '{metric}', expected one of {', '.join(known)}{nearest(metric, known)}")
        return self.found.values(known[metric])

    @property
    def table(self) -> list[dict[str, Any]]:
        """A row for each point: its label, arm, values on the axes, and the mean of every metric."""
        sweep = self.found.sweep
        rows: list[dict[str, Any]] = []
        for number, point in enumerate(sweep.points):
            places = zip(sweep.axes, point.place, strict=True)
            means = {metric.name: self.found.row(metric, number).summary.mean for metric in sweep.metrics}
            rows.append({"point": point.label, "arm": point.arm} | {axis.name: axis.labels[i] for axis, i in places} | means)
        return rows

    @property
    def document(self) -> Mapping[str, Any]:
        """What sweep.json holds."""
        return document(self.found, self.best, self.command)


@dataclass(frozen=True)
class SweepPlan:
    """A sweep that may be run: what finished runs hold of it, and the folder that its answers go to."""

    plan: Plan
    out: Path | None
    command: Sequence[str]

    @property
    def at_hand(self) -> str:
        """Say what there is of the sweep, and what is to be trained."""
        sweep, plan = self.plan.sweep, self.plan
        points, seeds = wording.count(len(sweep.points), "point"), wording.count(len(sweep.seeds), "seed")
        text = f"{sweep.name}: {points}, {seeds} each"
        alike = len(sweep.points) - len(plan.computations)
        if alike:
            text += f"; {alike:,} of the points compute the same as another"
        if not plan.missing:
            return f"{text}; all are in finished runs"
        text += f"; {plan.missing_seeds:,} of {len(sweep.seeds) * len(plan.computations):,} seeds to be trained"
        if plan.foreign_seeds:
            text += f"; {plan.foreign_seeds:,} of these are in runs made under other conditions, which are not used"
        return text

    def finish(self, on_steps: OnSteps | None = None, *, trainer: Trainer = train_here) -> SweepResult:
        """Train what is missing, write the folder, and return the sweep.

        Raises:
            UserError: a folder cannot be written.
            KeyboardInterrupt: see `train_missing`.
        """
        folder = sweep_folder(self.plan.sweep.name, self.out)
        try:
            if self.plan.missing:
                preload("bnlab.plots", "scipy.stats")
                train_missing(self.plan, on_steps=on_steps, trainer=trainer)
            found = analyse(self.plan.sweep, self.plan.outcomes)
            best = best_points(found)
            figures = draw(found)
            pictures = [name for name in figures if name.endswith(".png")]
            contents = {
                **figures,
                "sweep.yaml": self.plan.sweep.source.encode(),
                "sweep.csv": to_csv(found),
                "sweep.md": to_markdown(found, best, pictures, self.command),
                "sweep.json": to_json(found, best, self.command),
            }
            write_answers(folder, contents)
        except BaseException:
            with contextlib.suppress(OSError):  # it holds something
                folder.rmdir()
            raise
        return SweepResult(found, best, folder, self.command, pictures)


def make_plan(sweep: Sweep, *, out: Path | None = None, command: Sequence[str] = (), mixed: bool = False) -> SweepPlan:
    """Return the plan of a sweep; nothing is trained. mixed: seeds of any numerics count as trained.

    Raises:
        UserError: a point does not fit its data, or data cannot be loaded.
    """
    return SweepPlan(plan_sweep(sweep, mixed=mixed), out, command)
