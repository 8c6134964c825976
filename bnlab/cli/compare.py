"""`bnlab compare`."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bnlab.cli import completing
from bnlab.cli.options import Json, Quiet, Seeds, SetForOne
from bnlab.errors import UserError

MOST_FINDINGS = 12
"""So many findings are printed; comparison.md has all."""


ArmsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="CONFIG_OR_RUN…",
        help="Configs (files, or shipped names), folders of finished runs, or a study such as article-003.",
        autocompletion=completing.arms,
    ),
]


def compare(
    sources: ArmsArgument,
    seeds: Seeds = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="METRIC",
            help="A metric to compare, such as train_loss. May be repeated. Default: loss and accuracy on test and "
            "validation rows, where recorded.",
            autocompletion=completing.metrics,
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="STEPS", help="Recorded steps to compare at, such as 100,500,2000. Default: 5 %, 25 % and all of the run."
        ),
    ] = None,
    thresholds: Annotated[
        list[str] | None,
        typer.Option(
            "--threshold",
            metavar="[METRIC=]LEVEL",
            help="Compare the first step at this level, such as test_loss=2.5. May be repeated. Default: two levels that the "
            "median seed of every arm reaches.",
        ),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME:]KEY=VALUES",
            help="Make an arm for each value of a field, such as l2_penalty.scale=0,1e-4,1e-3. May be repeated: every "
            "combination is an arm. NAME: varies one arm alone.",
            autocompletion=completing.fields,
        ),
    ] = None,
    overrides: SetForOne = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The comparison's folder, instead of runs/compare/NAMES-TIME.")
    ] = None,
    tables: Annotated[bool, typer.Option("--tables", help="Also print all numbers as tables.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare two or more arms over the same seeds, and write figures and a summary. The first arm is the baseline.

    A study's name stands for its arms, with its seeds, metrics, steps and levels. An option replaces what the study says.

    Seeds are 0:16 unless --seeds, a study, or a run among the arms says otherwise.

    Seeds that finished runs in runs/ hold are taken from there. Only the others are trained.

    Prints what came out. The last line of the output is the comparison's folder.
    """
    from bnlab.api import plan_comparison
    from bnlab.cli.paragraphs import print_paragraphs
    from bnlab.cli.progress import interruptible, progress
    from bnlab.cli.tables import print_table
    from bnlab.compare import document, findings, first_figure, seeds_at_hand
    from bnlab.compare import tables as tables_of

    plan = plan_comparison(
        sources,
        seeds=seeds,
        overrides=overrides or (),
        vary=vary or (),
        metrics=metrics or (),
        at=_steps(at),
        thresholds=_levels(thresholds or (), metrics or ()),
        out=out,
    )
    for arm in plan.arms:
        typer.echo(f"{arm.label}: {seeds_at_hand(arm)}", err=json)
    missing = [arm.label for arm in plan.arms if arm.missing]
    with (
        interruptible("the same command goes on with what is kept"),
        progress(", ".join(missing), quiet=quiet or not missing) as on_steps,
    ):
        comparison = plan.finish(on_steps)

    found, first = findings(comparison), first_figure(comparison)
    if json:
        from bnlab.cli.answers import CompareAnswer, print_answer

        told = document(comparison, plan.command)
        print_answer(CompareAnswer(folder=str(plan.folder), findings=found, first_figure=first, **told))
        return
    for table in tables_of(comparison) if tables else ():
        print_table(table.header, table.rows, title=table.title, bold=table.won)
    typer.echo()
    print_paragraphs(found[:MOST_FINDINGS], bullet="- ")
    if len(found) > MOST_FINDINGS:
        typer.echo(f"- … and {len(found) - MOST_FINDINGS} more in comparison.md")
    print_paragraphs([" ".join(comparison.paired), *comparison.notes])
    typer.echo(f"Open {first} first, then comparison.md, both in")
    typer.echo(plan.folder)


def _steps(at: str | None) -> list[int]:
    parts = at.split(",") if at else []
    if not all(part.strip().isdecimal() for part in parts):
        raise UserError(f"--at: got '{at}', expected steps such as 100,500,2000")
    return [int(part) for part in parts]


def _levels(thresholds: Sequence[str], metrics: Sequence[str]) -> dict[str, list[float]]:
    levels: dict[str, list[float]] = {}
    for text in thresholds:
        name, _, number = text.rpartition("=")
        if not name and len(metrics) != 1:
            raise UserError(f"--threshold: got '{text}', expected METRIC=LEVEL such as test_loss=2.5 (or one --metric)")
        try:
            level = float(number)
        except ValueError:
            raise UserError(f"--threshold: got '{text}', expected a number after the =") from None
        if not math.isfinite(level):
            raise UserError(f"--threshold: got '{text}', expected a finite number")
        levels.setdefault(name or metrics[0], []).append(level)
    return levels
