"""`bnlab runs`: what is in runs/, and what a run says."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from bnlab.cli import completing
from bnlab.cli.options import Json
from bnlab.errors import UserError
from bnlab.inline import count
from bnlab.options import ExportKind

if TYPE_CHECKING:
    from bnlab.runs import Entry


MOST_LISTED = 40
"""With more runs than this, `bnlab runs` has a line for each config."""


class _ListsByDefault(TyperGroup):
    """`bnlab runs` and `bnlab runs NAME` are `bnlab runs list …`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        return super().parse_args(ctx, args if first in (*self.commands, "-h", "--help") else ["list", *args])


app = typer.Typer(
    cls=_ListsByDefault,
    help="List, show, export and remove runs. `bnlab runs` alone lists all of them, `bnlab runs NAME` those of a config.",
)

_NAME = "The name of a config or of a run's folder, or the path of a folder with runs."
Names = Annotated[list[str], typer.Argument(metavar="NAME…", help=_NAME, autocompletion=completing.runs)]


@app.command(name="list")
def list_(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]…", help=f"{_NAME} Default: all of runs/.", autocompletion=completing.runs),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help=f"List every run, also where there are more than {MOST_LISTED}.")
    ] = False,
    json: Json = False,
) -> None:
    """List runs, by config, the newest first: seeds, state, age, size and the last metrics.

    Where no name is given and there are many runs, as after a sweep, each config has one line.
    """
    from bnlab.cli.tables import print_table
    from bnlab.runs import list_runs

    entries = list_runs(names or ())
    if json:
        _print_json(entries)
        return
    told = f"{count(len(entries), 'run')}, {_size(sum(entry.size for entry in entries))}"
    if len(entries) > MOST_LISTED and not (names or every):
        groups = [list(group) for _, group in groupby(entries, lambda entry: entry.name)]
        print_table(("config", "runs", "states", "newest", "size"), map(_group, groups))
        typer.echo(f"{told}; `bnlab runs NAME` lists those of a config, `bnlab runs --all` lists every run")
        return
    header = ("run", "seeds", "state", "age", "size", "last metrics")
    print_table(header, [(str(e.path), e.seeds, e.state, _age(e.modified), _size(e.size), e.last) for e in entries])
    typer.echo(told)


def _group(entries: Sequence["Entry"]) -> tuple[str, ...]:
    """Return a config's row: its name, how many runs it has, in which states, the age of the newest, and their size."""
    states = ", ".join(f"{number:,} {state}" for state, number in Counter(entry.state for entry in entries).items())
    newest = max(entry.modified for entry in entries)
    return entries[0].name, f"{len(entries):,}", states, _age(newest), _size(sum(entry.size for entry in entries))


@app.command()
def show(names: Names, json: Json = False) -> None:
    """Show what each run is, and where its numbers come from."""
    from bnlab.cli.paragraphs import print_paragraphs
    from bnlab.runs import State, list_runs, printed, read_run

    entries = list_runs(names)
    if json:
        _print_json(entries)
        return
    for entry in entries:
        typer.echo(f"{entry.path}: {entry.state}, {_age(entry.modified)} old, {_size(entry.size)}")
        lines = [entry.problem] if entry.problem else []
        if entry.config:
            lines += [f"{entry.name}: {entry.config.description}", f"seeds {entry.seeds}"]
        if entry.state is State.FINISHED:
            run = read_run(entry.path)
            packages = " ".join(f"{name} {version}" for name, version in run.environment["packages"].items())
            lines += [
                f"steps {int(run.step[-1]) if len(run.step) else 0:,}, {len(run.step):,} records",
                printed(run.summary["final"]),
                *(f"{one.seed}: the loss was not finite at step {one.step}" for one in run.failures),
                f"{packages}; {run.environment['device']}; {_commit(run.environment.get('git'))}",
                f"made by {' '.join(run.environment.get('command', []))}",
                f"files: {', '.join(sorted(file.name for file in entry.path.iterdir() if file.name != '.lock'))}",
            ]
        print_paragraphs(lines, bullet="  ")


def _commit(git: dict[str, Any] | None) -> str:
    if not git:
        return "no commit known"
    return f"commit {git['commit'][:12]}{', changed since' if git['dirty'] else ''}"


@app.command()
def export(
    names: Names,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A .csv file, or a .parquet file, which needs pyarrow. Default: CSV on standard output."
        ),
    ] = None,
    to: Annotated[
        tuple[ExportKind, Path] | None,
        typer.Option(
            metavar="tensorboard DIR", help="Write event files of TensorBoard below DIR instead; needs tensorboardX."
        ),
    ] = None,
) -> None:
    """Write the curves of finished runs as one table: run, config, seed, data_seed, step, and a column for each metric.

    With --to tensorboard DIR, write them as event files of TensorBoard. A NAME may also be the folder of a sweep: it stands
    for the runs of the sweep's points.
    """
    from bnlab.runs import State, csv_lines, list_runs, read_run, write_event_files, write_export

    if out and to:
        raise UserError("cannot be given together with --to", argument="out")
    entries = list_runs(names, sweeps=True)
    runs = [read_run(entry.path) for entry in entries if entry.state is State.FINISHED]
    for entry in entries:
        if entry.state is not State.FINISHED:
            typer.echo(f"{entry.path}: is {entry.state}, so that it is left out", err=True)
    if not runs:
        raise UserError(f"{', '.join(names)}: no finished run to export")
    if to:
        write_event_files(runs, to[1], argument="to")
        typer.echo(to[1])
    elif out is None:
        for line in csv_lines(runs):
            typer.echo(line)
    elif out.exists():
        raise UserError(f"{out}: is there already; choose another --out")
    else:
        write_export(runs, out)
        typer.echo(out)


@app.command()
def remove(names: Names, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Remove runs, after asking. Nothing is removed where a folder holds a file that bnlab did not write."""
    from bnlab.runs import check_removable, list_runs, remove_run

    entries = list_runs(names)
    for entry in entries:
        check_removable(entry.path)
    for entry in entries:
        typer.echo(f"{entry.path}: {entry.state}, {entry.seeds}, {_size(entry.size)}")
    if not yes:
        if not sys.stdin.isatty():
            raise UserError("there is no terminal to ask at", advice="add --yes to remove these runs")
        if not typer.confirm(f"Remove {count(len(entries), 'run')}?"):
            typer.echo("nothing was removed")
            return
    for entry in entries:
        remove_run(entry.path)
    typer.echo(f"removed {count(len(entries), 'run')}")


def _print_json(entries: Sequence["Entry"]) -> None:
    from bnlab.cli.answers import RunItem, RunsAnswer, print_answer

    print_answer(RunsAnswer(runs=[RunItem.of(entry) for entry in entries]))


def _age(modified: float) -> str:
    """Return how long ago a time is: "42 s", "5 min", "3 h", "12 days"."""
    seconds = max(0.0, time.time() - modified)
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _size(size: int) -> str:
    """Return a number of bytes: "312 kB", "4.1 MB"."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
