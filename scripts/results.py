#!/usr/bin/env python
"""Run the commands whose results the pages show, and put the commands' own words into the pages.

    python scripts/results.py [NAME…]         all results, or those named; --list shows them

A page (README.md, docs/*.md) shows a result between two comments:

    <!-- result: NAME: COMMAND -->
    <!-- end of result -->

The script runs COMMAND at the top of the clone and writes its words, with the date, the version and the commit, to
docs/results/ and between the comments of every page that shows NAME. The words of `bnlab compare` are the section "What came
out" of its comparison.md, or another section: `result: NAME, SECTION: COMMAND`. So are those of `bnlab reproduce`, of its
report.md; the whole report becomes the page docs/NAME.md. So are those of `bnlab sweep`, of its sweep.md, and those of
scripts/benchmark.py, of its benchmark.md. The words of any other command are what it prints, as Markdown if this has a table.
Pictures that pages show as images/NAME/FILE are copied from the folder that the command prints in its last line, or from its
folder plots/.

Nobody edits a result by hand: tests/test_results.py compares the pages with docs/results/. Results on MNIST need
BNLAB_DATA_DIR. A command that fails leaves its results as they were, and the script ends with 1.
"""

import argparse
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
FINDINGS = "What came out"
DOCUMENTS = ("comparison.md", "report.md", "sweep.md", "benchmark.md")
"""The files whose sections are a command's words."""
MADE = "<!-- made by scripts/results.py -->"
"""A line of the pages that are wholly made."""
BLOCK = re.compile(
    r"^<!-- result: (?P<name>[\w.-]+)(?:, (?P<section>[^:\n]+))?: (?P<command>[^\n]+) -->\n"
    r"(?P<inside>.*?)^<!-- end of result -->$",
    re.DOTALL | re.MULTILINE,
)
PICTURE = re.compile(r"!\[[^\]]*\]\((?:docs/)?images/([\w.-]+)/([\w.+-]+)\)")


class Block(NamedTuple):
    """A place in a page that shows a result: which section of which command's words, and the lines between the comments."""

    name: str
    section: str
    command: str
    inside: str

    @classmethod
    def of(cls, match: re.Match[str]) -> "Block":
        """Return the block that BLOCK matched."""
        return cls(match["name"], match["section"] or FINDINGS, match["command"], match["inside"])

    def stored(self, root: Path) -> Path:
        """Return the file that holds the text."""
        suffix = "" if self.section == FINDINGS else "-" + self.section.lower().replace(" ", "-")
        return root / "docs" / "results" / f"{self.name}{suffix}.md"

    def expected(self, root: Path) -> str:
        """Return what stands between the comments: the stored text, or nothing where the result was never made."""
        path = self.stored(root)
        return f"\n{path.read_text(encoding='utf-8')}\n" if path.is_file() else ""


def pages(root: Path) -> list[Path]:
    """Return the pages that may show results: those that people write."""
    every = [root / "README.md", *sorted((root / "docs").glob("*.md"))]
    return [page for page in every if MADE not in page.read_text(encoding="utf-8")]


def blocks(page: Path) -> list[Block]:
    """Return the results that a page shows."""
    return [Block.of(match) for match in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def find_results(root: Path) -> dict[str, list[Block]]:
    """Return {name: its blocks in all pages}. Raises ValueError where two blocks give one name to two commands."""
    found: dict[str, list[Block]] = {}
    for page in pages(root):
        for block in blocks(page):
            same = found.setdefault(block.name, [])
            if same and same[0].command != block.command:
                raise ValueError(f"{page}: result {block.name}: got '{block.command}', elsewhere '{same[0].command}'")
            same.append(block)
    return found


def make(root: Path, name: str, places: Sequence[Block]) -> None:
    """Run a result's command, store its words, fill them into the pages, and copy the pictures that they show.

    Raises CalledProcessError where the command fails, and ValueError for a section that its document does not have.
    """
    made = origin(root, places[0].command)
    printed = _run(root, places[0].command)
    folder = root / printed.rstrip().rpartition("\n")[2]
    if folder.name == "report.html":
        folder = folder.parent
        write_report_page(root, name, folder, made)
    for block in places:
        path, text = block.stored(root), _words(folder, printed, block.section)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{made}\n{text}\n", encoding="utf-8")
    for page in pages(root):
        fill(root, page)
        for owner, file in PICTURE.findall(page.read_text(encoding="utf-8")):
            if owner == name:
                picture = root / "docs" / "images" / name / file
                picture.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / file if (folder / file).is_file() else folder / "plots" / file, picture)


def write_report_page(root: Path, name: str, folder: Path, made: str) -> None:
    """Write the report as docs/NAME.md, and its figures into docs/images/NAME/, where nothing else is left."""
    title, _, rest = (folder / "report.md").read_text(encoding="utf-8").partition("\n")
    page = f"{title}\n\n[All pages](README.md)\n\n{MADE}\n\n{made.rstrip(':' + chr(10))}.\n{rest}"
    (root / "docs" / f"{name}.md").write_text(page.replace("](figures/", f"](images/{name}/"), encoding="utf-8")
    pictures = root / "docs" / "images" / name
    shutil.rmtree(pictures, ignore_errors=True)
    pictures.mkdir(parents=True)
    for picture in folder.glob("figures/*"):
        shutil.copyfile(picture, pictures / picture.name)


def fill(root: Path, page: Path) -> None:
    """Write the stored texts between the comments of a page."""

    def filled(match: re.Match[str]) -> str:
        opening = match[0].partition("\n")[0]
        return f"{opening}\n{Block.of(match).expected(root)}<!-- end of result -->"

    page.write_text(BLOCK.sub(filled, page.read_text(encoding="utf-8")), encoding="utf-8")


def _run(root: Path, command: str) -> str:
    program, *arguments = shlex.split(command)
    start = [sys.executable] if program == "python" else [sys.executable, "-m", program]
    return subprocess.run([*start, *arguments], cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout


def _words(folder: Path, printed: str, section: str) -> str:
    page = next((folder / name for name in DOCUMENTS if (folder / name).is_file()), None)
    if page is None:
        return printed.strip() if "\n| --- |" in printed else f"```text\n{printed.strip()}\n```"
    found = re.search(rf"^## {re.escape(section)}\n+(.*?)\s*(?=^## |\Z)", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    if found is None:
        raise ValueError(f"{page}: has no section '{section}'")
    return re.sub(r"\[([^\]]+)\]\(#[^)]*\)", r"\1", found[1])  # places in that document


def origin(root: Path, command: str) -> str:
    """Return in a line by which command, when, and by which version and commit a result is made."""
    from bnlab import __version__

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout.strip()

    commit = git("rev-parse", "--short", "HEAD")
    changed = " with changes" if git("status", "--porcelain", "--", "bnlab", "configs") else ""
    return f"Made by `{command}` on {time.strftime('%Y-%m-%d')}, bnlab {__version__}, commit {commit}{changed}:\n"


def main(root: Path = ROOT, arguments: Sequence[str] | None = None) -> int:
    """Make the results that are asked for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="*", help="a result to make; all of them by default")
    parser.add_argument("--list", action="store_true", help="show the names and commands, and stop")
    options = parser.parse_args(arguments)
    results = find_results(root)
    if unknown := [name for name in options.names if name not in results]:
        parser.error(f"got '{unknown[0]}', expected one of {', '.join(results)}")
    failed: list[str] = []
    for name in options.names or results:
        print(f"{name}: {results[name][0].command}", flush=True)
        if options.list:
            continue
        try:
            make(root, name, results[name])
        except (subprocess.CalledProcessError, ValueError) as error:
            failed.append(f"{name}: {error}")
    for line in failed:
        print(line, file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
