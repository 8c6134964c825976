"""A reproduction on the terminal: a table of verdicts for each source, at most 80 columns wide."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from bnlab.compare import wording
from bnlab.report.model import CheckedSource, Reproduction
from bnlab.statistics import Verdict

COLUMNS = {
    Verdict.REPRODUCED: "repro-\nduced",
    Verdict.UNUSUAL_DRAW: "unusual",
    Verdict.CONTRADICTED: "contra-\ndicted",
    Verdict.UNDERPOWERED: "under-\npowered",
    Verdict.UNDERSPECIFIED: "unspe-\ncified",
    Verdict.NOT_RUN: "not run",
}
"""{verdict: the head of its column}."""


class VerdictTable(NamedTuple):
    """A table as text."""

    title: str
    header: list[str]
    rows: list[list[str]]


def verdict_tables(reproduction: Reproduction) -> Iterator[VerdictTable]:
    """Yield for each source how many claims of each study have each verdict, and the single claims that need a look.

    These are the claims that are contradicted, or whose check ended with an error.
    """
    for source in reproduction.sources:
        yield _counts(source, quick=reproduction.quick)
        rows = [
            [one.claim.id, one.claim.printed, "error" if one.raised else one.verdict.value]
            for study in source.studies
            for one in study.judged
            if one.raised or one.verdict is Verdict.CONTRADICTED
        ]
        if rows:
            yield VerdictTable("", ["claim", "stated", "verdict"], rows)


def remarks(reproduction: Reproduction) -> Iterator[str]:
    """Yield sentences on curves that are judged whole, on studies without runs, and on checks that ended with an error."""
    for source in reproduction.sources:
        for study in source.studies:
            for curve in study.curves:
                yield (
                    f"{study.study.id}, {curve.arm}: the run as a whole: {curve.verdict.value}. {curve.outside} of its "
                    f"{curve.values} values lie outside their 95 % intervals; {curve.expected:g} are expected by chance."
                )
            if study.why_not:
                yield f"{study.study.id}: not run: {study.why_not}"
            yield from (f"{one.claim.id}: {one.why}" for one in study.judged if one.raised)
    if reproduction.quick:
        yield "This was a quick reproduction: few seeds and short trainings. Its verdicts are no answer about the sources."


def _counts(source: CheckedSource, *, quick: bool) -> VerdictTable:
    rows: list[list[str]] = []
    for study in source.studies:
        counts = Counter(one.verdict for one in study.judged)
        rows.append([study.study.id, *(str(counts[verdict] or "") for verdict in COLUMNS)])
    title = f"{wording.capital(source.source.name)}{' (quick)' if quick else ''}"
    return VerdictTable(title, ["study", *COLUMNS.values()], rows)
