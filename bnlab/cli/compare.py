"""`bnlab compare`."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bnlab.cli.options import Quiet, Seeds, Set
from bnlab.errors import UserError

ArmsArgument = Annotated[
    list[str],
    typer.Argument(metavar="CONFIG_OR_RUN…", help="Configs (files, or shipped names) and folders of finished runs, mixed."),
]


def compare(
    sources: ArmsArgument,
    seeds: Seeds = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="METRIC",
            help="A metric to compare, as train_loss; may be repeated. Without it test_loss, valid_loss, test_accuracy and "
            "valid_accuracy, where recorded.",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="STEPS", help="Recorded steps to compare at, as 100,500,2000; else 5 %, 25 % and all of the run."
        ),
    ] = None,
    thresholds: Annotated[
        list[str] | None,
        typer.Option(
            "--threshold",
            metavar="[METRIC=]LEVEL",
            help="A level whose first step is compared, as test_loss=2.5; may be repeated. Else two that every arm reaches.",
        ),
    ] = None,
    vary: Annotated[
        str | None,
        typer.Option(metavar="KEY=VALUES", help="An arm for each value of a field, as l2_penalty.scale=0,1e-4,1e-3."),
    ] = None,
    overrides: Set = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The comparison's folder, instead of runs/compare/NAMES-TIME.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Compare two or more arms over the same seeds, the first being the baseline, and write figures and a summary.

    Seeds are 0:16 unless --seeds or a run among the arms says otherwise. What is not trained yet is trained into runs/, and
    finished runs there are used again. The comparison's folder is the last line of the output.
    """
    from bnlab import compare as comparing
    from bnlab.articles import stated_values
    from bnlab.cli.progress import interruptible, progress
    from bnlab.cli.tables import print_table
    from bnlab.runs import comparison_folder

    steps, levels = _steps(at), _levels(thresholds or (), metrics or ())
    arms = comparing.find_arms(sources, seeds=seeds, overrides=overrides or (), vary=vary)
    comparing.check_requests(arms[0].config, metrics or (), steps, levels)
    folder = comparison_folder([arm.config.name for arm in arms], out)
    for arm in arms:
        typer.echo(f"{arm.label}: {arm.path}{'' if arm.run else ' (to be trained)'}")
    missing = [arm.label for arm in arms if arm.run is None]
    with (
        interruptible("the same command goes on with what is kept"),
        progress(", ".join(missing), quiet=quiet or not missing) as on_steps,
    ):
        arms = comparing.train_missing(arms, on_steps)
        stated = {arm.label: stated_values(arm.config) for arm in arms}
        comparison = comparing.analyse(arms, metrics=metrics or (), at=steps, thresholds=levels, stated=stated)
        comparing.write(comparison, folder, [Path(sys.argv[0]).name, *sys.argv[1:]])

    for table in comparing.tables(comparison):
        print_table(table.header, table.rows, title=table.title, bold=table.won)
    for sentence in [*comparison.paired, *comparison.notes]:
        typer.echo(sentence)
    typer.echo(folder)


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
