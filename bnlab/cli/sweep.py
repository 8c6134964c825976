"""`bnlab sweep`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bnlab.cli.options import Json, Quiet, Seeds, Set
from bnlab.cluster import WAIT_SECONDS

if TYPE_CHECKING:
    from bnlab.sweep import SweepPlan

MOST_FINDINGS = 12
"""So many findings are printed; sweep.md has all."""
COLUMNS = 80
"""The width of a line of --dry-run."""

SweepArgument = Annotated[
    str, typer.Argument(metavar="SWEEP", help="A sweep's YAML file, or a shipped sweep's name (see `bnlab configs`).")
]


def sweep(
    source: SweepArgument,
    seeds: Seeds = None,
    overrides: Set = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="List the points and how many of their seeds exist, and estimate time and memory."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder of the answers, instead of runs/sweep/NAME-TIME.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Train on N worker processes on this machine, and not in this process.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Train on the workers of the Dask scheduler at tcp://… or tls://…."),
    ] = None,
    mixed: Annotated[
        bool,
        typer.Option(
            "--mixed", help="With --scheduler: also take workers of other versions or devices. The runs record which."
        ),
    ] = False,
    wait: Annotated[
        float,
        typer.Option(
            min=0, metavar="SECONDS", help="With --workers or --scheduler: how long to wait while there is no worker."
        ),
    ] = WAIT_SECONDS,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a grid over config fields × seeds, and write tables, response curves and heat maps.

    Every point's seeds are a run in runs/. Seeds that finished runs hold are taken from there, so that the same command goes
    on where a sweep was broken off, and a sweep that gets more values or seeds trains only these.

    Prints what came out. The last line of the output is the folder of the answers.
    """
    from bnlab.cli.paragraphs import print_paragraphs
    from bnlab.cli.progress import interruptible, progress
    from bnlab.cluster import open_trainer
    from bnlab.environment import command_line
    from bnlab.sweep import load_sweep, make_plan

    loaded = load_sweep(source, seeds=seeds, overrides=overrides or ())
    if dry_run:
        _print_plan(make_plan(loaded, mixed=mixed), json=json)
        return
    with (
        interruptible("the same command goes on with what is kept"),
        open_trainer(workers=workers, scheduler=scheduler, mixed=mixed, wait=wait) as trainer,
    ):
        plan = make_plan(loaded, out=out, command=command_line(), mixed=mixed)  # while workers start
        typer.echo(plan.at_hand, err=json)
        with progress(loaded.name, quiet=quiet or not plan.plan.missing) as on_steps:
            result = plan.finish(on_steps, trainer=trainer)
    if json:
        from bnlab.cli.answers import SweepAnswer, print_answer

        print_answer(SweepAnswer(folder=str(result.folder), figures=result.figures, **result.document))
        return
    typer.echo()
    print_paragraphs(result.findings[:MOST_FINDINGS], bullet="- ")
    if len(result.findings) > MOST_FINDINGS:
        typer.echo(f"- … and {len(result.findings) - MOST_FINDINGS} more in sweep.md")
    print_paragraphs(result.notes)
    typer.echo(f"Open {result.figures[0]} first, then sweep.md, both in" if result.figures else "Open sweep.md, in")
    typer.echo(result.folder)


def _print_plan(plan: "SweepPlan", *, json: bool) -> None:
    """Print every point with its seeds that are there, and what the others will cost."""
    from dataclasses import asdict

    from bnlab.cli.paragraphs import print_paragraphs
    from bnlab.sweep import estimate

    points, outcomes = plan.plan.sweep.points, plan.plan.outcomes
    seeds, cost = len(plan.plan.sweep.seeds), estimate(plan.plan)
    if json:
        from bnlab.cli.answers import PlannedPoint, SweepCost, SweepPlanAnswer, print_answer

        planned = [
            PlannedPoint(label=point.label, arm=point.arm, missing=[init for init, _ in outcome.missing])
            for point, outcome in zip(points, outcomes, strict=True)
        ]
        cost_of = SweepCost(**asdict(cost)) if cost else None
        print_answer(SweepPlanAnswer(name=plan.plan.sweep.name, seeds=plan.plan.sweep.seeds, points=planned, cost=cost_of))
        return
    for point, outcome in zip(points, outcomes, strict=True):
        there = f"{seeds - len(outcome.missing)} of {seeds} there"
        room = COLUMNS - len(there) - 2
        label = point.label if len(point.label) <= room else f"{point.label[: room - 1]}…"
        typer.echo(f"{label:{room}}  {there}")
    print_paragraphs([plan.at_hand, *([str(cost)] if cost else [])])
