"""How every command prints a table."""

from collections.abc import Collection, Iterable, Sequence

import typer


def print_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str | None = None,
    bold: Collection[tuple[int, int]] = (),
    err: bool = False,
) -> None:
    """Print a table, with the (row, column) cells of `bold` in bold green; `err`: on standard error.

    A terminal folds long cells, but not those of the first column, which name the rows. In a file or a pipe the table is as
    wide as its longest cells, so that a row is one line.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    for i, name in enumerate(header):
        table.add_column(name, overflow="fold", no_wrap=i == 0)
    for i, row in enumerate(rows):
        table.add_row(*(Text(cell, style="bold green" if (i, j) in bold else "") for j, cell in enumerate(row)))
    console = Console()
    if not console.is_terminal:
        console = Console(width=Console(width=10_000).measure(table).maximum)
    with console.capture() as captured:
        console.print(table)
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()), err=err)
