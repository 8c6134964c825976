"""`bnlab data status` and `bnlab data fetch`."""

from typing import Annotated

import typer

from bnlab.errors import RunFailed

app = typer.Typer(help="Show where each data set is and whether its files are whole, or fetch one.", no_args_is_help=True)


@app.command()
def status() -> None:
    """Show where each data set is and whether its files are whole. Exit 1 if a file is damaged."""
    from bnlab.cli.tables import print_table
    from bnlab.data import status as statuses

    records = statuses()
    rows = [(r.dataset, r.file, r.state, "" if r.path is None else str(r.path), r.reason) for r in records]
    print_table(("data set", "file", "state", "path", "remark"), rows)
    if any(record.state == "damaged" for record in records):
        raise RunFailed("a file is damaged; put a whole copy in its place, or delete it and run `bnlab data fetch mnist`")


@app.command()
def fetch(name: Annotated[str, typer.Argument(metavar="[NAME]", help="The data set.")] = "mnist") -> None:
    """Fetch a data set, verify its files, and print their paths."""
    from bnlab.data import fetch as fetch_data

    paths = fetch_data(name)
    for path in paths:
        typer.echo(path)
    if not paths:
        typer.echo(f"{name} needs no files")
