"""The parts of the site that are made from the package, each as the ending of a page that is in the repository."""

import importlib
import inspect
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

from bnlab.claims import BetterThan, Bounded, Check, Claim, ExactValue, Fact, FasterThan, Open, RunValue
from bnlab.compare import wording
from bnlab.sources import SOURCES

MODULES = (
    "bnlab",
    "bnlab.nn",
    "bnlab.statistics",
    "bnlab.claims",
    "bnlab.studies",
    "bnlab.config",
    "bnlab.runs",
    "bnlab.training",
    "bnlab.models",
    "bnlab.optimizers",
    "bnlab.metrics",
    "bnlab.plots",
    "bnlab.data",
)
"""The modules of the API page, those for most readers first."""


def navigation(root: Path) -> str:
    """Return the tree of all pages, in the order of docs/README.md, under its headings and by the words of its links.

    A row's further pages, such as the report of a paper, stand below its first.
    """
    contents = (root / "docs" / "README.md").read_text(encoding="utf-8")
    parts: list[tuple[str, list[str]]] = [("Start", ["Start here <self>", "All pages <docs/README>"])]
    for section in contents.split("\n## ")[1:]:
        pages: list[str] = []
        for row in re.findall(r"^\| .*", section, re.MULTILINE):
            links = re.findall(r"\[([^\]]+)\]\(([\w/-]+)\.md\)", row)
            pages += [f"{'↳ ' if number else ''}{words} <docs/{page}>" for number, (words, page) in enumerate(links)]
        parts.append((section.partition("\n")[0], pages))
    parts.append(("Made from the package", ["docs/site/claims", "docs/site/api"]))
    parts.append(("Project", ["CHANGELOG", "CONTRIBUTING", "tests/reference/README"]))
    return "\n".join(_tree(caption, pages) for caption, pages in parts)


def _tree(caption: str, pages: Iterable[str]) -> str:
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])


def claims(_root: Path) -> str:
    """Return every study with its claims: what the source states, where, and how it is checked."""
    lines: list[str] = []
    for one in SOURCES.values():
        lines += [f"## {wording.capital(one.source.name)}: {one.source.title}", "", one.source.did, ""]
        for study in one.studies:
            lines += [f"### {study.title}", ""]
            if study.arms:
                arms = ", ".join(f"{arm.label} (`{' '.join([arm.config, *arm.overrides])}`)" for arm in study.arms)
                lines += [f"`bnlab compare {study.id}`. Seeds {study.seeds}. Arms: {arms}.", ""]
            if study.claims:
                lines += ["| place | what it says | stated | how it is checked |", "| --- | --- | --- | --- |"]
                lines += [_row(claim) for claim in study.claims] + [""]
    return "\n".join(lines)


def _row(claim: Claim) -> str:
    cells = (claim.place, claim.says, claim.printed, how_checked(claim.check))
    return "| " + " | ".join(cell.replace("|", r"\|").replace("\n", " ") for cell in cells) + " |"


def how_checked(check: Check) -> str:
    """Return in words how a claim is checked."""
    match check:
        case RunValue():
            return f"{check.metric} of {check.arm} after step {check.step:,}, among the same value of our seeds"
        case ExactValue(tolerance=0.0):
            return "computed; it must print the same digits"
        case ExactValue():
            return f"computed; tolerance {check.tolerance:g}: {check.reason}"
        case Fact():
            return f"computed; it must be {check.expected:g}" + (f" ± {check.tolerance:g}" if check.tolerance else "")
        case BetterThan(step=None):
            return f"{check.metric}, mean over training: {check.arm} better than {check.other}, paired over seeds"
        case BetterThan():
            return f"{check.metric} after step {check.step:,}: {check.arm} better than {check.other}, paired over seeds"
        case FasterThan():
            return f"steps to {check.metric} {check.level:g}: {check.arm} fewer than {check.other}, paired over seeds"
        case Bounded():
            return f"{check.quantity} of {check.arm}: {'at least' if check.above else 'at most'} {check.bound:g} in the mean"
        case Open():
            return f"not checked: {check.missing}"


def api(_root: Path) -> str:
    """Return the directives that show the docstrings of the public functions and classes, each once."""
    lines: list[str] = []
    shown: set[int] = set()
    for name in MODULES:
        module = importlib.import_module(name)
        lines += [name, "-" * len(name), "", f".. automodule:: {name}", "   :no-members:", "   :no-index:", ""]
        for member, value in _members(module):
            if id(value) not in shown:
                lines += [f".. {'autoclass' if inspect.isclass(value) else 'autofunction'}:: {name}.{member}", ""]
                shown.add(id(value))
    return "\n".join(lines)


def _members(module: ModuleType) -> list[tuple[str, object]]:
    """Return the functions and classes of `__all__` or, where there is none, the public ones that the module defines."""
    names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    members = [(name, getattr(module, name)) for name in names]
    shown = [(name, value) for name, value in members if inspect.isclass(value) or inspect.isroutine(value)]
    return shown if hasattr(module, "__all__") else [one for one in shown if one[1].__module__ == module.__name__]


ENDINGS: dict[str, Callable[[Path], str]] = {"README": navigation, "docs/site/claims": claims, "docs/site/api": api}
"""{page: what makes its ending}."""
