"""`bnlab data status` and `bnlab data fetch`."""

from typing import Annotated

import typer

from bnlab.cli.options import Json
from bnlab.errors import AnswerIsNo

app = typer.Typer(help="Show where each data set is and whether its files are whole, or fetch one.", no_args_is_help=True)


@app.command()
def status(json: Json = False) -> None:
    """Show where each data set is and whether its files are whole. Exit 1 if a file is damaged."""
    from bnlab.cli.tables import print_table
    from bnlab.data import status as statuses

    records = statuses()
    damaged = [record.dataset for record in records if record.state == "damaged"]
    if json:
        from bnlab.cli.answers import DataAnswer, DataItem, print_answer

        print_answer(DataAnswer(damaged=bool(damaged), files=[DataItem.of(record) for record in records]))
    else:
        rows = [(r.dataset, r.file, r.state, "" if r.path is None else str(r.path), r.reason) for r in records]
        print_table(("data set", "file", "state", "path", "remark"), rows)
    if damaged:
        advice = f"put a whole copy in its place, or delete it and run `bnlab data fetch {damaged[0]}`"
        raise AnswerIsNo(f"a file is damaged; {advice}")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="The data set, such as fashion_mnist.")] = "mnist",
) -> None:
    """Fetch a data set, verify its files, and print their paths."""
    from bnlab.data import fetch as fetch_data

    paths = fetch_data(name)
    for path in paths:
        typer.echo(path)
    if not paths:
        typer.echo(f"{name} needs no files")
