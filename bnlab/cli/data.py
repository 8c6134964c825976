"""`bnlab data status` and `bnlab data fetch`."""

from typing import Annotated

import typer

from bnlab.errors import RunFailed

app = typer.Typer(help="Where each data set lies, whether it is whole; fetch it.", no_args_is_help=True)


@app.command()
def status() -> None:
    """Say where each data set lies and whether it is whole. Exit 1 where a file is damaged."""
    from bnlab.data import status as statuses

    records = statuses()
    for record in records:
        what = f"{record.dataset}  {record.file}".rstrip()
        where = str(record.path) if record.path else ""
        typer.echo("  ".join(part for part in (what, record.state, where, record.reason) if part))
    if any(record.state == "damaged" for record in records):
        raise RunFailed("a file is damaged; put a whole copy in its place, or delete it and run `bnlab data fetch mnist`")


@app.command()
def fetch(name: Annotated[str, typer.Argument(metavar="[NAME]", help="The data set.")] = "mnist") -> None:
    """Fetch and verify a data set; prints where its files lie."""
    from bnlab.data import fetch as fetch_data

    paths = fetch_data(name)
    for path in paths:
        typer.echo(path)
    if not paths:
        typer.echo(f"{name} needs no files")
