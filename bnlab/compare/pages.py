"""A comparison as files: JSON and CSV for machines, Markdown for readers."""

import csv
import dataclasses
import io
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bnlab import __version__
from bnlab.claims import Judged
from bnlab.compare.analysis import Comparison
from bnlab.compare.effects import CONFIDENCE
from bnlab.compare.findings import findings
from bnlab.compare.recorded import origin
from bnlab.compare.tables import tables
from bnlab.config import seeds_text
from bnlab.runs import json_bytes
from bnlab.statistics import MAX_MISSING, MIN_PAIRS, StatedValue


def document(comparison: Comparison, command: Sequence[str]) -> dict[str, Any]:
    """Return what comparison.json holds: fractions are fractions, and what is not finite is None."""
    metrics: dict[str, Any] = {}
    for metric in comparison.metrics:
        tree = metrics[metric.name] = dataclasses.asdict(metric)
        for row in comparison.of(metric.name, "final", "area", "step", "reach"):
            leaf: dict[str, Any] = tree
            for key in (
                row.measure,
                *(() if row.at is None else (f"{row.at:.12g}" if row.measure == "reach" else f"{row.at}",)),
            ):
                leaf = leaf.setdefault(key, {})
            numbers = dataclasses.asdict(row.summary)
            numbers |= {"against_baseline": dataclasses.asdict(row.effect)} if row.effect else {}
            leaf[row.arm] = numbers | ({"stated": _stated_json(row.judged)} if row.judged else {})
    pairs = comparison.arms[0].config.seeds.pairs
    return {
        "bnlab": __version__,
        "command": list(command),
        "study": comparison.study.id if comparison.study else None,
        "baseline": comparison.baseline,
        "arms": [origin(arm) for arm in comparison.arms],
        "seeds": [init for init, _ in pairs],
        "data_seeds": [data for _, data in pairs],
        "confidence": CONFIDENCE,
        "min_pairs": MIN_PAIRS,
        "max_missing": MAX_MISSING,
        "paired": comparison.paired,
        "notes": comparison.notes,
        "metrics": metrics,
    }


def to_json(comparison: Comparison, command: Sequence[str]) -> bytes:
    """Return comparison.json: strict JSON."""
    return json_bytes(document(comparison, command))


def _stated_json(judged: Judged) -> dict[str, Any]:
    evidence = judged.evidence
    claim = {"claim": judged.claim.id, "source": judged.claim.source, "text": judged.claim.printed}
    return claim | (dataclasses.asdict(evidence) if isinstance(evidence, StatedValue) else {})


def to_csv(comparison: Comparison) -> bytes:
    """Return comparison.csv: a row for each metric, measure and arm; cells of the baseline's effect are empty."""
    text = io.StringIO(newline="")
    rows = list(comparison.records())
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def to_markdown(comparison: Comparison, figures: Iterable[str], command: Sequence[str]) -> bytes:
    """Return comparison.md: what was compared, what came out, and what every number is."""
    arms, baseline = comparison.arms, comparison.baseline
    against = f"{', '.join(arm.label for arm in arms[1:])} against {baseline}"
    title = f"{comparison.study.title}: {against}" if comparison.study else against
    lines = [f"# {title}", "", f"Made by `{shlex.join(command)}` (bnlab {__version__}).", ""]
    lines += ["## What came out", "", *(f"- {finding}" for finding in findings(comparison)), ""]
    lines += [f"- {note}" for note in comparison.notes] + ([""] if comparison.notes else [])
    lines += ["## Figures", ""]
    for name in figures:
        lines += [f"![{name.removesuffix('.png')}]({name})", ""]
    described: list[list[str]] = []
    for arm in arms:
        where = origin(arm)
        name = arm.label + (" (baseline)" if arm.label == baseline else "")
        what = arm.config.description or arm.config.variant
        runs = ", ".join(f"`{run['path']}`" for run in where["runs"])
        described.append([name, what, runs, f"{where['seeds_trained']} of {comparison.seeds}"])
    lines += ["## Arms", "", *_markdown_table(["arm", "what it is", "runs", "seeds trained now"], described, set())]
    lines += ["", f"Seeds {seeds_text(arms[0].config)}, {comparison.seeds} in each arm. {' '.join(comparison.paired)}", ""]
    for table in tables(comparison):
        lines += [f"## {table.title}", "", table.meaning, "", *_markdown_table(table.header, table.rows, table.won), ""]
    lines += ["## How to read the numbers", "", *(f"- {line}" for line in _reading(comparison)), ""]
    return "\n".join(lines).encode()


def _reading(comparison: Comparison) -> list[str]:
    intervals = sum(1 for row in comparison.rows if row.effect and row.effect.low is not None)
    units = [f"{m.words} ({m.unit}; {m.direction})" if m.unit else f"{m.words} ({m.direction})" for m in comparison.metrics]
    lines = [
        f"Metrics: {', '.join(units)}. comparison.json and comparison.csv hold accuracies as fractions.",
        "An interval is the BCa bootstrap's (9,999 resamples, fixed seed) of the mean over paired seeds. Its level is "
        "widened for few seeds (Hesterberg 2015). It is about the mean over seeds, not about a single run.",
        "An arm is called better only where the interval excludes 0 (a ratio's: 1), at least "
        f"{MIN_PAIRS} seeds have a pair, at most {MAX_MISSING:.0%} lack one, and the arm does not fail in more seeds than "
        "the other.",
        f"There are {intervals} intervals here, some of them of the same runs. Where there is no effect at all, about one in "
        "twenty excludes 0 by chance.",
        "Where a few seeds lie far off, the mean and the share of seeds ahead may disagree. The figures show which seeds.",
        "A seed whose value is not finite counts as failed. It is in no mean. It is behind a seed that did not fail.",
    ]
    if any(row.judged for row in comparison.rows):
        lines.append(
            "A stated run is *reproduced* inside the 95 % prediction interval of one more run of ours, "
            "mean ± t·s·√(1 + 1/n), widened by half the last digit stated. Outside it but inside the 99.9 % interval it is "
            "an *unusual draw*. Beyond that it is *contradicted* with 20 seeds or more, else *underpowered*. One true "
            "value in twenty is outside."
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
