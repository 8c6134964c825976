"""`bnlab configs`."""

import typer


def configs() -> None:
    """List the shipped configs: name, article, variant, and one line each."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from bnlab.config import load_config, shipped_configs

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("config", "article", "variant", "what it is"):
        table.add_column(column, overflow="fold", no_wrap=column == "config")
    for name, path in shipped_configs().items():
        config = load_config(path)
        table.add_row(name, config.article or "", config.variant, config.description)
    console = Console()
    if not console.is_terminal:
        console = Console(width=140)
    console.print(table)
    typer.echo("Train one with `bnlab train NAME`; see all its fields with `bnlab train NAME --print-config`.")
