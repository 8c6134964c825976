"""`bnlab reproduce`."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from bnlab.cli import completing
from bnlab.cli.options import Json, Quiet
from bnlab.errors import AnswerIsNo

SourcesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE…",
        help="Articles and papers, such as 000 and hoffer-2018. Default: all; with --quick, the articles.",
        show_default=False,
        autocompletion=completing.sources,
    ),
]


def reproduce(
    sources: SourcesArgument = None,
    seeds: Annotated[
        int, typer.Option(metavar="N", min=1, help="Train the seeds 0 to N (excluded) of every arm. Long studies have fewer.")
    ] = 20,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do a small version in under a minute. Its verdicts are no answer.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Give long studies all N seeds too. This may take hours.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if any claim is contradicted.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The report's folder, instead of runs/reproduce/TIME.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run the studies of articles and papers, check every claim, and write one report.

    Seeds that finished runs in runs/ hold are taken from there. Only the others are trained.

    The exit code is 0 if every check ran. The last line of the output is the report's path.
    """
    from bnlab import report
    from bnlab.cli.progress import interruptible, progress
    from bnlab.cli.tables import print_table
    from bnlab.environment import command_line
    from bnlab.experiment import OnSteps
    from bnlab.runs import report_folder

    def watch(what: str) -> AbstractContextManager[OnSteps | None]:
        return progress(what, quiet=quiet)

    folder = report_folder(out)
    with interruptible("the same command goes on with what is kept"):
        found = report.reproduce(
            sources or (),
            seeds=seeds,
            quick=quick,
            full=full,
            command=command_line(),
            watch=watch,
        )
        written = report.write(found, folder)
    if json:
        typer.echo(report.to_json(found), nl=False)
    for table in report.verdict_tables(found):
        print_table(table.header, table.rows, title=table.title, err=json)
    for sentence in report.remarks(found):
        typer.echo(sentence, err=json)
    typer.echo(written, err=json)
    if not found.every_check_ran:
        raise AnswerIsNo(f"{len(found.unchecked)} of {len(found.judged)} claims were not checked; the report says why")
    if strict and found.contradicted:
        raise AnswerIsNo(f"{len(found.contradicted)} of {len(found.judged)} claims are contradicted")
