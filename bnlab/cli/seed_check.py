"""`bnlab seed-check`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bnlab.cli.options import ConfigArgument, Json, Quiet, Set
from bnlab.errors import AnswerIsNo

if TYPE_CHECKING:
    from bnlab.seed_check.conditions import SeedCheck


def seed_check(
    config: ConfigArgument,
    steps: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Check the first N steps. The default is all steps, but at most 2,000."),
    ] = None,
    overrides: Set = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder of seed_check.json, instead of runs/seed-check/NAME-ID.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check whether a run can be repeated, and show the first step and array that differ.

    Trains the config's first pair of seeds under many conditions, such as another process, one thread, or stop and resume.

    The last line of the output is the path of seed_check.json. Exit 1 if a condition fails.
    """
    from bnlab.config import load_config

    loaded = load_config(config, overrides=overrides or ())
    from bnlab.cli.progress import interruptible, progress
    from bnlab.runs import write_seed_check
    from bnlab.seed_check.conditions import seed_check as check

    with (
        interruptible("a seed-check cannot be resumed"),
        progress(f"seed-check {loaded.name}", quiet=quiet, unit="conditions") as on,
    ):
        report = check(loaded, steps=steps, on_condition=on)
    if not json:
        _show(report)  # before it is written: minutes of work are not lost where the disk refuses
    path = write_seed_check(loaded, out, report.to_json())
    if json:
        from bnlab.cli.answers import SeedCheckAnswer, print_answer

        print_answer(SeedCheckAnswer(path=str(path), **report.to_json()))
    else:
        typer.echo(path)
    failed = [outcome.name for outcome in report.outcomes if not outcome.ok]
    if failed:
        raise AnswerIsNo(f"{loaded.name}: {len(failed)} of {len(report.outcomes)} conditions failed: {'; '.join(failed)}")


def _show(report: "SeedCheck") -> None:
    from bnlab.cli.tables import print_table
    from bnlab.seed_check import table
    from bnlab.seed_check.conditions import RECORD_RTOL, SHORT_STEPS, STEP_RTOL

    config, system = report.config, report.environment
    pair = config.seeds.pairs[0]
    typer.echo(
        f"{config.name}: {config.num_steps:,} of {report.whole_steps:,} steps, init seed {pair.init}, data seed {pair.data}; "
        f"it prints {report.line}"
    )
    packages = " ".join(f"{name} {version}" for name, version in system["packages"].items())
    typer.echo(
        f"{packages}, Python {system['python']}; {system['device']}, {system['cpu']['model']}, "
        f"{system['runtime']['workers']} threads, precision {system['precision']}"
    )
    print_table(table.HEADER, [table.row(outcome) for outcome in report.outcomes])
    typer.echo(
        "digits: whether a metric of any record changes in the four digits that are printed.\n"
        "conclusion: whether a final metric changes in them.\n"
        "fresh process: a new process with that PYTHONHASHSEED, LC_ALL and TZ, in a new folder.\n"
        f"within: the loss of each of the first {SHORT_STEPS} steps agrees to {STEP_RTOL:g}, that of each record to "
        f"{RECORD_RTOL:g}.\n"
        "Another compiled program rounds differently, so its bits may differ."
    )
