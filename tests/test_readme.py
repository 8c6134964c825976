"""Every command on a page is executed, every link leads to a file, and the table of contents has every page.

Commands are the lines of ```sh blocks that begin with `bnlab ` or `python -m bnlab`, after any `NAME=VALUE `. A backslash
at the end continues a line. The commands of one page run in its order in one folder, which has the clone's configs/, tests/
and scripts/. Commands on MNIST are skipped where its files are missing. $BNLAB_DATA_DIR is the machine's own, whatever the
page says. A comment in the line before a block marks it:

    <!-- test: slow -->    only `scripts/test --slow` runs it
    <!-- test: long -->    it takes more than some minutes: `scripts/test --slow` runs a slice of it, `bnlab reproduce` with
                           --quick and `bnlab sweep` with --dry-run
    <!-- test: skip -->    no test runs it; give the reason beside it
    <!-- test: fails -->   its last command shows a refusal and exits with 1 or 2
"""

import html
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS]
BLOCK = re.compile(r"^(?:<!-- test: (\w+)[^>]*-->\n)?```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^((?:[A-Z_]+=\S+ +)*)((?:bnlab |python -m bnlab).*)$")
SLICES = {"reproduce": " --quick", "sweep": " --dry-run"}
"""What makes a long command short."""
LINK = re.compile(r"\]\(([^)]+)\)")


class Command(NamedTuple):
    page: Path
    line: str
    mark: str

    @property
    def needs_mnist(self) -> bool:
        return "mnist" in self.line and not re.search(r"--help|--print-config", self.line)

    @property
    def run(self) -> str:
        """What the test runs."""
        return self.line + (SLICES[self.line.split()[1]] if self.mark == "long" else "")


def commands_of(path: Path) -> list[Command]:
    commands: list[Command] = []
    for mark, block in BLOCK.findall(path.read_text(encoding="utf-8")):
        assert mark in ("", "slow", "long", "skip", "fails"), f"{path}: <!-- test: {mark} --> says nothing"
        lines = [match[2] for line in block.replace("\\\n", " ").splitlines() if (match := COMMAND.match(line))]
        for number, line in enumerate(lines):
            last = number + 1 == len(lines)
            commands.append(Command(path, line, mark if mark != "fails" or last else ""))
    return commands


def parameters() -> list:
    every = [command for path in PAGES for command in commands_of(path)]
    return [
        pytest.param(
            command,
            id=f"{command.page.relative_to(ROOT)}: {command.run}",
            marks=pytest.mark.slow if command.mark in ("slow", "long") else (),
        )
        for command in every
        if command.mark != "skip"
    ]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Path]:
    """A working folder for each page."""
    folders = {path: tmp_path_factory.mktemp(path.stem) for path in PAGES}
    for folder in folders.values():
        for name in ("configs", "tests", "scripts"):
            (folder / name).symlink_to(ROOT / name)
    return folders


@pytest.mark.parametrize("command", parameters())
def test_command(command: Command, folders: dict[Path, Path], request: pytest.FixtureRequest) -> None:
    if command.needs_mnist:
        request.getfixturevalue("real_mnist")
    words = re.sub(r"^(bnlab|python -m bnlab)", f"{shlex.quote(sys.executable)} -m bnlab", command.run)
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

<!-- test: long, it takes an hour -->
```sh
bnlab reproduce 002
bnlab sweep digits_grid
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
    assert [(command.run, command.mark) for command in commands_of(page)] == [
        ("bnlab train regression   # a comment", ""),
        ("python -m bnlab.articles.article_004", ""),
        ("bnlab train mnist      --seeds 0:2", ""),
        ("bnlab train digits", "slow"),
        ("bnlab reproduce 002 --quick", "long"),
        ("bnlab sweep digits_grid --dry-run", "long"),
        ("bnlab configs", ""),
        ("bnlab train regresion", "fails"),
    ]


def lost_links(page: Path) -> list[str]:
    """Return the links of a page, pictures included, to files and headings that are not there."""
    lost: list[str] = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        place, _, heading = link.partition("#")
        if place.startswith(("http://", "https://")):
            continue
        target = page.parent / place if place else page
        if not target.exists() or (heading and heading not in anchors(target)):
            lost.append(link)
    return lost


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings, as a reader sees them: with & for &amp;."""
    headings = re.findall(r"^#+ (.+)$", html.unescape(page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    assert lost_links(page) == []


def test_lost_links_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# Only Heading\n[a](page.md) [b](gone.md) [c](#only-heading) [d](page.md#gone) ![e](gone.png) [f](https://x.y)\n",
        encoding="utf-8",
    )
    assert lost_links(page) == ["gone.md", "page.md#gone", "gone.png"]


def test_the_table_of_contents_has_every_page_and_every_page_links_back():
    contents = ROOT / "docs" / "README.md"
    rows = "\n".join(re.findall(r"^\| .*", contents.read_text(encoding="utf-8"), re.MULTILINE))
    listed = re.findall(r"\]\(([^)]+)\)", rows)
    assert sorted(listed) == [page.name for page in DOCS if page != contents]
    for page in DOCS:
        if page != contents:
            assert page.read_text(encoding="utf-8").splitlines()[2] == "[All pages](README.md)", page


def test_the_readme_stays_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 110
