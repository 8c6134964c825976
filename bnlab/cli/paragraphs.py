"""How every command prints sentences: lines of whole words."""

import shutil
import textwrap
from collections.abc import Iterable

import typer

MOST_COLUMNS = 100


def print_paragraphs(paragraphs: Iterable[str], *, bullet: str = "") -> None:
    """Print each paragraph on lines as wide as the terminal, at most MOST_COLUMNS; Markdown's bold is left out."""
    width = min(shutil.get_terminal_size().columns, MOST_COLUMNS)
    for paragraph in paragraphs:
        lines = textwrap.wrap(
            paragraph.replace("**", ""),
            width,
            initial_indent=bullet,
            subsequent_indent=" " * len(bullet),
            break_long_words=False,
            break_on_hyphens=False,
        )
        typer.echo("\n".join(lines))
