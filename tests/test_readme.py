"""Every command of the documentation is executed.

Commands are the lines of ```sh blocks that begin with `bnlab ` or `python -m bnlab`, after any `NAME=VALUE `; a line
that ends in a backslash goes on. Those of one page run in the page's order in one folder, which has the clone's
configs/, tests/ and scripts/. Commands on MNIST are skipped where its files are not, and $BNLAB_DATA_DIR is the
machine's own, whatever the page says. A comment in the line before a block says what else holds for it:

    <!-- test: slow -->    run by `scripts/test --slow` only
    <!-- test: skip -->    not run: say why beside it
    <!-- test: fails -->   its last command shows a refusal: it exits with 1 or 2
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [
    path for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))) if path.exists()
]
BLOCK = re.compile(r"^(?:<!-- test: (\w+)[^>]*-->\n)?```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^((?:[A-Z_]+=\S+ +)*)((?:bnlab |python -m bnlab).*)$")


class Command(NamedTuple):
    page: str
    line: str
    mark: str

    @property
    def needs_mnist(self) -> bool:
        return "mnist" in self.line and not re.search(r"--help|--print-config", self.line)


def commands_of(path: Path) -> list[Command]:
    commands: list[Command] = []
    for mark, block in BLOCK.findall(path.read_text(encoding="utf-8")):
        assert mark in ("", "slow", "skip", "fails"), f"{path}: <!-- test: {mark} --> says nothing"
        lines = [match[2] for line in block.replace("\\\n", " ").splitlines() if (match := COMMAND.match(line))]
        for number, line in enumerate(lines):
            last = number + 1 == len(lines)
            commands.append(Command(path.name, line, mark if mark != "fails" or last else ""))
    return commands


def parameters() -> list:
    every = [command for path in PAGES for command in commands_of(path)]
    return [
        pytest.param(command, id=f"{command.page}: {command.line}", marks=pytest.mark.slow if command.mark == "slow" else ())
        for command in every
        if command.mark != "skip"
    ]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A working folder for each page."""
    folders = {path.name: tmp_path_factory.mktemp(path.stem) for path in PAGES}
    for folder in folders.values():
        for name in ("configs", "tests", "scripts"):
            (folder / name).symlink_to(ROOT / name)
    return folders


@pytest.mark.parametrize("command", parameters())
def test_command(command: Command, folders: dict[str, Path], request: pytest.FixtureRequest) -> None:
    if command.needs_mnist:
        request.getfixturevalue("real_mnist")
    words = re.sub(r"^(bnlab|python -m bnlab)", f"{shlex.quote(sys.executable)} -m bnlab", command.line)
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", words],
        cwd=folders[command.page],
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    expected = (1, 2) if command.mark == "fails" else (0,)
    assert ended.returncode in expected, f"exit {ended.returncode}\n{ended.stdout}\n{ended.stderr}"


def test_how_commands_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        """
```sh
pip install .
bnlab train regression   # a comment
python -m bnlab.articles.article_004
BNLAB_DATA_DIR=data bnlab train mnist \\
    --seeds 0:2
```

<!-- test: slow, it takes a minute -->
```sh
bnlab train digits
```

<!-- test: fails -->
```sh
bnlab configs
bnlab train regresion
```

```
bnlab is not a command here
```
""",
        encoding="utf-8",
    )
    assert [(command.line, command.mark) for command in commands_of(page)] == [
        ("bnlab train regression   # a comment", ""),
        ("python -m bnlab.articles.article_004", ""),
        ("bnlab train mnist      --seeds 0:2", ""),
        ("bnlab train digits", "slow"),
        ("bnlab configs", ""),
        ("bnlab train regresion", "fails"),
    ]
