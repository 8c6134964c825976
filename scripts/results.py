#!/usr/bin/env python
"""Run the commands whose results the pages show, and put the commands' own words into the pages.

    python scripts/results.py [NAME…]         all results, or those named; --list shows them

A page (README.md, docs/*.md) shows a result between two comments:

    <!-- result: NAME: COMMAND -->
    <!-- end of result -->

The script runs COMMAND at the top of the clone and writes its words, with the date, the version and the commit, to
docs/results/NAME.md and between the comments of every page that shows NAME. The words of `bnlab compare` are the section
"What came out" of its comparison.md. The words of any other command are what it prints. Pictures that pages show as
images/NAME/FILE are copied from the folder that the command prints in its last line.

Nobody edits a result by hand: tests/test_results.py compares the pages with docs/results/. Results on MNIST need
BNLAB_DATA_DIR. A command that fails leaves its result as it was, and the script ends with 1.
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
BLOCK = re.compile(r"^<!-- result: ([\w.-]+): (.+) -->\n(.*?)^<!-- end of result -->$", re.DOTALL | re.MULTILINE)
PICTURE = re.compile(r"!\[[^\]]*\]\((?:docs/)?images/([\w.-]+)/([\w.-]+)\)")
SECTION = re.compile(r"^## What came out\n+(.*?)\n*(?=^## |\Z)", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A place in a page that shows a result: its name, its command, and the lines between the comments."""

    name: str
    command: str
    inside: str


def pages(root: Path) -> list[Path]:
    """Return the pages that may show results."""
    return [root / "README.md", *sorted((root / "docs").glob("*.md"))]


def blocks(text: str) -> list[Block]:
    """Return the results that a page's text shows."""
    return [Block(*match.groups()) for match in BLOCK.finditer(text)]


def commands(root: Path) -> dict[str, str]:
    """Return {name: command} of all results. Raises ValueError where two pages give one name to two commands."""
    found: dict[str, str] = {}
    for page in pages(root):
        for block in blocks(page.read_text(encoding="utf-8")):
            if found.setdefault(block.name, block.command) != block.command:
                raise ValueError(f"{page}: result {block.name}: got '{block.command}', elsewhere '{found[block.name]}'")
    return found


def stored(root: Path, name: str) -> Path:
    """Return the file that holds a result's text."""
    return root / "docs" / "results" / f"{name}.md"


def inside(root: Path, name: str) -> str:
    """Return what stands between a result's comments: its text, or nothing where it was never made."""
    path = stored(root, name)
    return f"\n{path.read_text(encoding='utf-8')}\n" if path.is_file() else ""


def run(root: Path, command: str) -> str:
    """Run a command of bnlab at the top of the clone and return what it prints. Raises: CalledProcessError."""
    program, *arguments = shlex.split(command)
    start = [sys.executable] if program == "python" else [sys.executable, "-m", "bnlab"]
    done = subprocess.run([*start, *arguments], cwd=root, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def words(root: Path, printed: str) -> str:
    """Return a command's own words: what came out of a comparison, or what was printed."""
    page = last_folder(root, printed) / "comparison.md"
    if not page.is_file():
        return f"```text\n{printed.strip()}\n```\n"
    section = SECTION.search(page.read_text(encoding="utf-8"))
    if section is None:
        raise ValueError(f"{page}: has no section 'What came out'")
    return f"{section[1]}\n"


def last_folder(root: Path, printed: str) -> Path:
    """Return the folder that a command's last line names."""
    return root / printed.rstrip().rpartition("\n")[2]


def origin(root: Path, command: str) -> str:
    """Return in a line by which command, when, and by which version and commit a result is made."""
    from bnlab import __version__

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout.strip()

    changed = " with changes" if git("status", "--porcelain", "--", "bnlab", "configs") else ""
    commit = git("rev-parse", "--short", "HEAD") + changed
    return f"Made by `{command}` on {time.strftime('%Y-%m-%d')}, bnlab {__version__}, commit {commit}:\n"


def make(root: Path, name: str, command: str) -> None:
    """Run a result's command, store its text, fill it into the pages, and copy the pictures that they show."""
    begun = origin(root, command)
    printed = run(root, command)
    path = stored(root, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{begun}\n{words(root, printed)}", encoding="utf-8")
    for page in pages(root):
        text = page.read_text(encoding="utf-8")
        page.write_text(BLOCK.sub(lambda match: _filled(root, match, name), text), encoding="utf-8")
        for owner, file in PICTURE.findall(text):
            if owner == name:
                (root / "docs" / "images" / name).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(last_folder(root, printed) / file, root / "docs" / "images" / name / file)


def _filled(root: Path, match: re.Match[str], name: str) -> str:
    if match[1] != name:
        return match[0]
    return f"<!-- result: {name}: {match[2]} -->\n{inside(root, name)}<!-- end of result -->"


def main(root: Path = ROOT, arguments: Sequence[str] | None = None) -> int:
    """Make the results that are asked for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="*", help="a result to make; all of them by default")
    parser.add_argument("--list", action="store_true", help="show the names and commands, and stop")
    options = parser.parse_args(arguments)
    known = commands(root)
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"got '{unknown[0]}', expected one of {', '.join(known)}")
    failed: list[str] = []
    for name in options.names or known:
        print(f"{name}: {known[name]}", flush=True)
        if options.list:
            continue
        try:
            make(root, name, known[name])
        except (subprocess.CalledProcessError, ValueError) as error:
            failed.append(f"{name}: {error}")
    for line in failed:
        print(line, file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
