"""The one way in which commands print tables: in a pipe, and on a terminal."""

import pytest
from rich import console

from bnlab.cli.tables import print_table

HEADER = ("name", "what")
ROWS = [("a", "x" * 100), ("longer", "[y]")]


def test_in_a_pipe_a_row_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "40")
    print_table(HEADER, ROWS, title="A title")
    out = capsys.readouterr().out
    assert out.splitlines() == [
        "A title",
        "",
        " name     what",
        " " + "─" * 109,
        " a        " + "x" * 100,
        " longer   [y]",
        "",
    ]


def test_a_terminal_folds_all_but_the_first_column(monkeypatch: pytest.MonkeyPatch):
    class Terminal(console.Console):
        def __init__(self, **_: object):
            super().__init__(force_terminal=True, width=20, color_system="standard", legacy_windows=False)

    said: list[str] = []
    monkeypatch.setattr(console, "Console", Terminal)
    monkeypatch.setattr(
        "typer.echo", lambda text, err: said.append(text)
    )  # which takes the colours off where there is no terminal
    print_table(HEADER, [("a-long-name", "x" * 8)], bold={(0, 0)})
    lines = [line.strip() for line in said[0].splitlines()]
    assert lines[-2:] == ["\x1b[1;32ma-long-name\x1b[0m   xxxx", "xxxx"]
