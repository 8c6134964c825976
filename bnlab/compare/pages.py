"""A comparison as tables, Markdown, CSV and JSON. What each number is, `analysis.Effect` and `analysis.Row` define."""

import csv
import dataclasses
import io
import json
import math
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from bnlab import __version__
from bnlab.compare.analysis import CONFIDENCE, Comparison, Effect, Measure, Metric, Row
from bnlab.compare.arms import seeds_text
from bnlab.statistics import MAX_MISSING, MIN_PAIRS, Summary


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
    "*difference* is the mean over the seeds of (arm − {baseline}), with its 95 % interval; *ahead* counts the seeds in "
    "which the arm is strictly better than {baseline}, with the 95 % interval of that share (Wilson)."
)


def _finals(comparison: Comparison) -> Table:
    judged = any(row.stated for row in comparison.rows)
    header = [
        "metric",
        "arm",
        "n",
        "mean ± std",
        "difference [95 %]",
        "ahead",
        "better",
        *(["article's run"] if judged else []),
    ]

    def cells(row: Row, metric: Metric) -> list[str]:
        one = row.stated
        stated = f"{_number(one.stated, metric, 4)}, {one.verdict}" if one else ""
        return [_label(metric), row.arm, *_against(row, metric), *([stated] if judged else [])]

    meaning = (
        "The last record of each seed. *n* seeds have a finite one, std is their standard deviation (n − 1). "
        + _PAIRED.format(baseline=comparison.baseline)
    )
    return _table(comparison, "Final values", meaning, header, "final", cells)


def _at_steps(comparison: Comparison) -> Table:
    header = ["metric", "step", "arm", "n", "mean ± std", "difference [95 %]", "ahead", "better"]
    meaning = "The metric after the step, as above."
    return _table(
        comparison,
        "At chosen steps",
        meaning,
        header,
        "step",
        lambda row, metric: [_label(metric), f"{row.at:,.0f}", row.arm, *_against(row, metric)],
    )


def _reach(comparison: Comparison) -> Table:
    header = ["metric", "level", "arm", "reached in", "median step", "ratio [95 %]", "ahead", "faster"]

    def cells(row: Row, metric: Metric) -> list[str]:
        s, effect = row.summary, row.effect
        sign = "≤" if metric.lower_is_better else "≥"
        level = f"{sign} {_number(row.at, metric, 6)}"
        there = [f"{s.n} of {s.n + s.failed}", "" if s.median is None else f"{s.median:,.0f}"]
        return [_label(metric), level, row.arm, *there, *(_effect_cells(effect, "", 1) if effect else [""] * 3)]

    first = comparison.step[0]
    every = "step" if first == 1 else f"{first:,} steps"
    meaning = (
        "The first record at which a seed has the level; it need not stay there. *median step* is that of the seeds that get "
        "there. *ratio* is the geometric mean over the seeds of the arm's steps divided by the baseline's, of those in which "
        "both get there, with its 95 % interval: below 1 the arm is faster. *ahead* counts all seeds; an arm that never gets "
        f"there is behind one that does. There is a record every {every}: the true crossing lies between it and the one "
        "before. Levels that were not given are chosen by the data: the late one is the worse arm's best median, the early "
        "one the geometric middle between it and the better arm's first record; both are rounded to two digits, to the "
        "easier side."
    )
    return _table(comparison, "Steps to reach a level", meaning, header, "reach", cells)


def _areas(comparison: Comparison) -> Table:
    header = ["metric", "arm", "n", "mean ± std", "difference [95 %]", "ahead", "better"]
    meaning = (
        "The area under the curve from the first record to the last, divided by the steps between them (trapezoid rule): "
        "the metric's mean over training. A seed with any record that is not finite has none."
    )
    return _table(
        comparison,
        "Area under the curve",
        meaning,
        header,
        "area",
        lambda row, metric: [_label(metric), row.arm, *_against(row, metric)],
    )


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
    s = row.summary
    n = f"{s.n} ({s.failed} failed)" if s.failed else str(s.n)
    spread = _mean_std(s, metric)
    if row.effect is None:
        return [n, spread, "", "", ""]
    points = " points" if metric.unit == "%" else ""
    return [n, spread, *_effect_cells(row.effect, points, 100 if metric.unit == "%" else 1)]


def _effect_cells(effect: Effect, unit: str, scale: float) -> list[str]:
    """Return the effect with its interval, the share of seeds ahead, and the better arm or why there is none."""
    seeds = effect.ahead + effect.behind + effect.ties + effect.both_failed
    ties = f", {effect.ties} tied" if effect.ties else ""
    share = ""
    if effect.share_low is not None and effect.share_high is not None:
        share = f" ({100 * effect.share_low:.0f}–{100 * effect.share_high:.0f} %)"
    return [_interval(effect, unit, scale), f"{effect.ahead} of {seeds}{ties}{share}", effect.better or effect.why]


def _label(metric: Metric) -> str:
    return metric.words + (", %" if metric.unit == "%" else "")


def _number(value: float | None, metric: Metric, digits: int) -> str:
    if value is None:
        return ""
    return f"{100 * value:.{digits}g}" if metric.unit == "%" else f"{value:.{digits}g}"


def _mean_std(summary: Summary, metric: Metric) -> str:
    """Return the mean to two digits of its standard deviation; accuracies in percent."""
    if summary.mean is None:
        return "none finite"
    scale = 100 if metric.unit == "%" else 1
    mean, std = scale * summary.mean, scale * (summary.std or 0)
    if not std:
        return f"{mean:.4g}" if summary.std is None else f"{mean:.4g} ± 0"
    digits = _decimals(std)
    return f"{mean:.{digits}f} ± {std:.{digits}f}"


def _interval(effect: Effect, unit: str, scale: float) -> str:
    """Return "−0.019 [−0.025, −0.013]", to two digits of the interval's half width."""
    if effect.value is None:
        return "none"
    sign = "+" if effect.kind == "difference" else ""
    value = scale * effect.value
    if effect.low is None or effect.high is None:
        return f"{value:{sign}.3g}{unit}".replace("-", "−")
    low, high = scale * effect.low, scale * effect.high
    digits = _decimals((high - low) / 2 or abs(value))
    # an end that would be rounded to the neutral value keeps the digits that tell them apart
    neutral = 0 if effect.kind == "difference" else 1
    ends = [end - neutral for end in (low, high) if end != neutral]
    digits = max([digits, *(_decimals(abs(end)) - 1 for end in ends if round(end, digits) == 0)])
    return f"{value:{sign}.{digits}f}{unit} [{low:{sign}.{digits}f}, {high:{sign}.{digits}f}]".replace("-", "−")


def _decimals(size: float) -> int:
    """Return the decimals that show two digits of a size."""
    return max(0, 1 - math.floor(math.log10(size))) if size > 0 else 2


# --- Files --------------------------------------------------------------------------------------------------


def to_json(comparison: Comparison, command: Sequence[str]) -> bytes:
    """Return comparison.json: strict JSON, in which fractions are fractions and what is not finite is null."""
    metrics: dict[str, Any] = {}
    for metric in comparison.metrics:
        tree = metrics[metric.name] = {"unit": metric.unit, "lower_is_better": metric.lower_is_better}
        for row in comparison.of(metric.name, "final", "area", "step", "reach"):
            leaf: dict[str, Any] = tree
            for key in (
                row.measure,
                *(() if row.at is None else (f"{row.at:g}" if row.measure == "reach" else f"{row.at}",)),
            ):
                leaf = leaf.setdefault(key, {})
            numbers = dataclasses.asdict(row.summary)
            numbers |= {"against_baseline": dataclasses.asdict(row.effect)} if row.effect else {}
            leaf[row.arm] = numbers | ({"stated": dataclasses.asdict(row.stated)} if row.stated else {})
    arms = [
        {
            "label": arm.label,
            "config": arm.config.name,
            "fingerprint": arm.config.fingerprint(),
            "run": str(arm.path),
            "sha256": {name: arm.run.summary["sha256"][name] for name in ("config.yaml", "curves.npz")} if arm.run else {},
            "trained_before": arm.reused,
        }
        for arm in comparison.arms
    ]
    pairs = comparison.arms[0].config.seeds.pairs
    document = {
        "bnlab": __version__,
        "command": list(command),
        "baseline": comparison.baseline,
        "arms": arms,
        "seeds": [init for init, _ in pairs],
        "data_seeds": [data for _, data in pairs],
        "confidence": CONFIDENCE,
        "min_pairs": MIN_PAIRS,
        "max_missing": MAX_MISSING,
        "paired": comparison.paired,
        "notes": comparison.notes,
        "metrics": metrics,
    }
    return (json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode()


CSV_SUMMARY = ("n", "failed", "mean", "std", "min", "median", "max")
CSV_EFFECT = ("kind", "value", "low", "high", "pairs", "only_arm", "only_baseline", "neither", "at_start", "ahead", "behind",
              "ties", "both_failed", "share", "share_low", "share_high", "better", "why")  # fmt: skip


def to_csv(comparison: Comparison) -> bytes:
    """Return comparison.csv: a row for each metric, measure and arm; cells of the baseline's effect are empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    effect_names = [f"effect_{name}" if name in ("kind", "value", "low", "high") else name for name in CSV_EFFECT]
    writer.writerow(["metric", "measure", "at", "arm", "baseline", *CSV_SUMMARY, *effect_names])
    for row in comparison.rows:
        summary = [getattr(row.summary, name) for name in CSV_SUMMARY]
        effect = [getattr(row.effect, name) if row.effect else None for name in CSV_EFFECT]
        writer.writerow([row.metric, row.measure, row.at, row.arm, comparison.baseline, *summary, *effect])
    return text.getvalue().encode()


def to_markdown(comparison: Comparison, figures: Iterable[str], command: Sequence[str]) -> bytes:
    """Return comparison.md: what was compared, what came out, and what every number is."""
    arms, baseline = comparison.arms, comparison.baseline
    others = ", ".join(arm.label for arm in arms[1:])
    lines = [f"# {others} against {baseline}", "", f"Made by `{shlex.join(command)}` (bnlab {__version__}).", ""]
    described = [
        [
            arm.label + (" (baseline)" if arm.label == baseline else ""),
            arm.config.description or arm.config.variant,
            f"`{arm.path}`",
            "before" if arm.reused else "now",
        ]
        for arm in arms
    ]
    lines += _markdown_table(["arm", "what it is", "run", "trained"], described, set())
    lines += ["", f"Seeds {seeds_text(arms[0].config)}, {comparison.seeds} in each arm. {' '.join(comparison.paired)}", ""]
    lines += [f"- {note}" for note in comparison.notes] + ([""] if comparison.notes else [])
    lines += ["## What came out", "", *findings(comparison), ""]
    for table in tables(comparison):
        lines += [f"## {table.title}", "", table.meaning, "", *_markdown_table(table.header, table.rows, table.won), ""]
    lines += ["## Figures", ""]
    for name in figures:
        lines += [f"![{name.removesuffix('.png')}]({name})", ""]
    lines += ["## How to read the numbers", "", *_reading(comparison), ""]
    return "\n".join(lines).encode()


def findings(comparison: Comparison) -> list[str]:
    """Return one line for each metric and arm: the final values, and whether they tell the arms apart."""
    lines: list[str] = []
    for metric in comparison.metrics:
        rows = list(comparison.of(metric.name, "final"))
        unit = f" {metric.unit}" if metric.unit == "%" else ""
        for row in rows[1:]:
            if row.effect is None:
                continue
            both = f"{_mean_std(row.summary, metric)}{unit} against {_mean_std(rows[0].summary, metric)}{unit}"
            points = " points" if metric.unit == "%" else ""
            difference, ahead, better = _effect_cells(row.effect, points, 100 if unit else 1)
            verdict = f"**{better}** is better" if row.effect.better else better
            lines.append(
                f"- Final {metric.words}, {row.arm} against {comparison.baseline}: {both}; difference {difference}, "
                f"ahead in {ahead} seeds; {verdict}."
            )
        for row in rows:
            if one := row.stated:
                scale = 100 if unit else 1
                where = (
                    f"; 95 % of single runs are expected in [{scale * one.low:.4g}, {scale * one.high:.4g}]{unit}"
                    if one.low is not None and one.high is not None
                    else ""
                )
                lines.append(
                    f"- The article's one run of {row.arm} ended at a {metric.words} of "
                    f"{_number(one.stated, metric, 9)}{unit}: {one.verdict}{where}."
                )
    return lines


def _reading(comparison: Comparison) -> list[str]:
    intervals = sum(1 for row in comparison.rows if row.effect and row.effect.low is not None)
    units = dict.fromkeys(
        f"{m.words}: {m.unit}, {'lower' if m.lower_is_better else 'higher'} is better" for m in comparison.metrics
    )
    lines = [f"- Metrics: {'; '.join(units)}. comparison.json and comparison.csv hold accuracies as fractions."]
    lines += [
        "- An interval is the BCa bootstrap's (9,999 resamples, fixed seed) of the mean over paired seeds, at a level "
        "widened for few seeds (Hesterberg 2015). It speaks of the mean over seeds, not of a single run.",
        f"- An arm is called better only where the interval excludes 0 (a ratio's: 1), at least {MIN_PAIRS} seeds "
        f"have a pair, at most {MAX_MISSING:.0%} lack one, and the arm does not fail in more seeds than the other.",
        f"- There are {intervals} intervals here, some of them of the same runs. Where there is no effect at all, about one "
        "in twenty excludes 0 by chance.",
        "- Where a few seeds lie far off, the mean and the share of seeds ahead may disagree; the figures show which seeds.",
        "- A seed whose value is not finite counts as failed. It is in no mean; it is behind one that did not fail.",
    ]
    if any(row.stated for row in comparison.rows):
        lines.append(
            "- The article's run: *reproduced* inside the 95 % prediction interval of one more run of ours, "
            "mean ± t·s·√(1 + 1/n), widened by half the last digit stated; *unusual draw* outside it but inside the 99.9 % "
            "one; *contradicted* beyond that with 20 seeds or more, else *underpowered*. One true value in twenty is outside."
        )
    return lines


def _markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], won: set[tuple[int, int]]) -> list[str]:
    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    marked = [[f"**{cell}**" if (i, j) in won else cell for j, cell in enumerate(row)] for i, row in enumerate(rows)]
    return [line(header), line("---" for _ in header), *map(line, marked)]


def file_contents(comparison: Comparison, figures: Mapping[str, bytes], command: Sequence[str]) -> dict[str, bytes]:
    """Return {name: content} of the whole folder, comparison.json last."""
    pictures = [name for name in figures if name.endswith(".png")]
    return {
        **figures,
        "comparison.csv": to_csv(comparison),
        "comparison.md": to_markdown(comparison, pictures, command),
        "comparison.json": to_json(comparison, command),
    }
