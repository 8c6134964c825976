"""A comparison as tables of text. What each number is, `effects.Effect` and `analysis.Row` define."""

from collections.abc import Callable
from typing import NamedTuple

from bnlab.compare import wording
from bnlab.compare.analysis import Comparison, Measure, Row
from bnlab.metrics import Metric


class Table(NamedTuple):
    """A table as text: its title, what its columns mean, and its cells; `won` holds the (row, column) of each winner."""

    title: str
    meaning: str
    header: list[str]
    rows: list[list[str]]
    won: set[tuple[int, int]]


def tables(comparison: Comparison) -> list[Table]:
    """Return the comparison's tables: final values, the metric at chosen steps, steps to reach levels, mean over training."""
    made = [_finals(comparison), _at_steps(comparison), _reach(comparison), _areas(comparison)]
    return [table for table in made if table.rows]


_PAIRED = (
    "*difference* is the mean over the seeds of (arm − {baseline}), with its 95 % interval. *ahead* counts the seeds in "
    "which the arm is strictly better than {baseline}, with the 95 % interval of that share (Wilson)."
)


def _finals(comparison: Comparison) -> Table:
    judged = any(row.judged for row in comparison.rows if row.measure == "final")
    header = ["metric", "arm", "n", "mean ± std", "difference [95 %]", "ahead", "better"]

    def cells(row: Row, metric: Metric) -> list[str]:
        stated = [wording.stated(row.judged) if row.judged else ""] if judged else []
        return [wording.label(metric), row.arm, *_against(row, metric), *stated]

    meaning = (
        "The last record of each seed. *n* seeds have a finite one. std is their standard deviation (n − 1). "
        + _PAIRED.format(baseline=comparison.baseline)
    )
    return _table(comparison, "Final values", meaning, [*header, *(["stated run"] if judged else [])], "final", cells)


def _at_steps(comparison: Comparison) -> Table:
    header = ["metric", "step", "arm", "n", "mean ± std", "difference [95 %]", "ahead", "better"]

    def cells(row: Row, metric: Metric) -> list[str]:
        return [wording.label(metric), f"{row.at:,.0f}", row.arm, *_against(row, metric)]

    return _table(
        comparison,
        "At chosen steps",
        "The metric after the step.",
        header,
        "step",
        cells,
    )


def _reach(comparison: Comparison) -> Table:
    header = ["metric", "level", "arm", "reached in", "median step", "ratio [95 %]", "ahead", "faster"]

    def cells(row: Row, metric: Metric) -> list[str]:
        s, effect = row.summary, row.effect
        there = [f"{s.n} of {s.n + s.failed}", "" if s.median is None else f"{s.median:,.0f}"]
        against = (
            [wording.interval(effect, wording.STEPS), wording.ahead(effect), wording.answer(effect)] if effect else [""] * 3
        )
        return [wording.label(metric), wording.level(row.at, metric), row.arm, *there, *against]

    first = comparison.step[0]
    every = "step" if first == 1 else f"{first:,} steps"
    meaning = (
        "The first record at which a seed has the level; it need not stay there. *median step* is that of the seeds that get "
        "there. *ratio* is the geometric mean over the seeds of the arm's steps divided by the baseline's, of those in which "
        "both get there, with its 95 % interval. Below 1 the arm is faster. *ahead* counts all seeds; an arm that never gets "
        "there is behind one that does. Where most seeds of an arm never get there, the shares of seeds that do are compared "
        f"(McNemar's exact test). There is a record every {every}: the true crossing lies between it and the one before. "
        "Levels that were not given are chosen by the data. The late one is the worse arm's best median. The early one is "
        "the geometric middle between it and the better arm's first record. Both are rounded to two digits, to the easier "
        "side."
    )
    return _table(comparison, "Steps to reach a level", meaning, header, "reach", cells)


def _areas(comparison: Comparison) -> Table:
    header = ["metric", "arm", "n", "mean ± std", "difference [95 %]", "ahead", "better"]
    meaning = (
        "The area under the curve from the first record to the last, divided by the steps between them (trapezoid rule): "
        "the metric's mean over training. A seed with any record that is not finite has none."
    )

    def cells(row: Row, metric: Metric) -> list[str]:
        return [wording.label(metric), row.arm, *_against(row, metric)]

    return _table(comparison, "Area under the curve", meaning, header, "area", cells)


def _table(
    comparison: Comparison,
    title: str,
    meaning: str,
    header: list[str],
    measure: Measure,
    cells: Callable[[Row, Metric], list[str]],
) -> Table:
    """Return the table of one measure: a row a metric and arm, the winner's column being the one called better or faster."""
    winner = next(i for i, name in enumerate(header) if name in ("better", "faster"))
    rows: list[list[str]] = []
    won: set[tuple[int, int]] = set()
    for metric in comparison.metrics:
        for row in comparison.of(metric.name, measure):
            if row.effect and row.effect.better:
                won.add((len(rows), winner))
            rows.append(cells(row, metric))
    return Table(title, meaning, header, rows, won)


def _against(row: Row, metric: Metric) -> list[str]:
    """Return n, mean ± std, difference, ahead and better of a row in the metric's unit."""
    s, effect = row.summary, row.effect
    n = f"{s.n} ({s.failed} failed)" if s.failed else str(s.n)
    if effect is None:
        return [n, wording.mean_std(s, metric), "", "", ""]
    difference = wording.interval(effect, wording.scale_of(metric))
    return [n, wording.mean_std(s, metric), difference, wording.ahead(effect), wording.answer(effect)]
