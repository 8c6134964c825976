"""`bnlab seed-check`."""

from typing import TYPE_CHECKING, Annotated

import typer

from bnlab.cli.options import ConfigArgument, Out, Quiet, Set
from bnlab.errors import RunFailed

if TYPE_CHECKING:
    from rich.table import Table

    from bnlab.seed_check.conditions import Outcome, Report


def seed_check(
    config: ConfigArgument,
    steps: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Check the first N steps; all of them up to 2,000 where not given."),
    ] = None,
    overrides: Set = None,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Prove or refute that a run can be repeated, and say at which step and array it first differs.

    Runs the config's first pair of seeds again and again: in other processes, resumed, among other seeds, on one thread,
    compiled and not, … Exit 1 where a condition did not give what it must. The last line is the path of seed_check.json.
    """
    from bnlab import runtime
    from bnlab.config import load_config

    loaded = load_config(config, overrides=overrides or ())
    runtime.configure()
    from bnlab.cli.progress import interruptible, progress
    from bnlab.runs import write_seed_check
    from bnlab.seed_check.conditions import seed_check as check

    with (
        interruptible("a check cannot be resumed"),
        progress(f"seed-check {loaded.name}", quiet=quiet, unit="conditions") as on,
    ):
        report = check(loaded, steps=steps, on_condition=on)
    path = write_seed_check(loaded, out, report.to_json())
    _show(report)
    typer.echo(path)
    failed = [outcome.name for outcome in report.outcomes if not outcome.ok]
    if failed:
        raise RunFailed(f"{loaded.name}: {len(failed)} of {len(report.outcomes)} conditions failed: {'; '.join(failed)}")


def _show(report: "Report") -> None:
    from rich.console import Console

    from bnlab.seed_check.conditions import RECORD_RTOL, SHORT_STEPS, STEP_RTOL

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=140, highlight=False)
    config, system = report.config, report.fingerprint
    (init, seed), *_ = config.seeds.pairs
    console.print(
        f"{config.name}: {config.num_steps:,} of {report.whole_steps:,} steps, init seed {init}, data seed {seed}; "
        f"it prints {report.line}"
    )
    packages = " ".join(f"{name} {version}" for name, version in system["packages"].items())
    console.print(
        f"{packages}, Python {system['python']}; {system['device']}, {system['cpu']['model']}, "
        f"{system['runtime']['workers']} threads, precision {system['precision']}"
    )
    console.print(_table(report))
    console.print(
        "digits: whether a metric of any record changes in the four digits printed; conclusion: whether a final one does.\n"
        "fresh process: of that PYTHONHASHSEED, LC_ALL and TZ, in a folder of its own.\n"
        f"within: the loss of each of {SHORT_STEPS} steps to {STEP_RTOL:g}, of each record to {RECORD_RTOL:g}; "
        "another program rounds elsewhere."
    )


def _table(report: "Report") -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("condition", "must be", "is", "first difference", "digits", "conclusion", ""):
        table.add_column(column, overflow="fold")
    for outcome in report.outcomes:
        table.add_row(
            outcome.name,
            {"differ": "different", "within tolerance": "within"}.get(outcome.must, outcome.must),
            _verdict(outcome),
            str(outcome.first or "–"),
            _change(outcome.digits),
            _change(outcome.conclusion),
            "ok" if outcome.ok else "FAILED",
        )
    return table


def _verdict(outcome: "Outcome") -> str:
    if outcome.losses is not None:
        return f"{outcome.verdict.removesuffix(' tolerance')} ({outcome.losses[0]:.0e}, {outcome.losses[1]:.0e})"
    return "different" if outcome.verdict == "not" else outcome.verdict


def _change(changed: bool | None) -> str:
    return "–" if changed is None else "change" if changed else "same"
