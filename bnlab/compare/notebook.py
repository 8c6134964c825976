"""A comparison as a notebook shows it: what came out, the figure to look at first, and the final values."""

from bnlab import inline
from bnlab.compare.analysis import Comparison
from bnlab.compare.findings import findings
from bnlab.compare.tables import tables
from bnlab.compare.write import first_figure

MOST_FINDINGS = 6


def html(comparison: Comparison) -> str:
    """Return the comparison as HTML."""
    others = ", ".join(arm.label for arm in comparison.arms[1:])
    found, (finals, *_) = findings(comparison), tables(comparison)
    figure = first_figure(comparison)
    return inline.card(
        inline.title(f"{others} against {comparison.baseline}", inline.count(comparison.seeds, "seed"), comparison.folder),
        inline.sentences(found[:MOST_FINDINGS]),
        inline.picture(comparison.folder / figure, figure) if comparison.folder else "",
        inline.table(finals.header, finals.rows, finals.won),
    )
