"""A sweep as files: JSON and CSV for machines, Markdown for readers."""

import csv
import dataclasses
import io
import shlex
from collections.abc import Iterable, Sequence
from typing import Any

from bnlab import __version__, wording
from bnlab.config import seeds_argument, seeds_text
from bnlab.runs import identity, json_bytes
from bnlab.statistics import MAX_MISSING, MIN_PAIRS, Settled
from bnlab.sweep.analysis import CONFIDENCE, Findings, Row
from bnlab.sweep.best import Best
from bnlab.sweep.words import findings_text, notes

FORMAT = "bnlab sweep 1"
MOST_ROWS = 200
"""So many points stand in the tables of sweep.md; sweep.csv has all."""


def document(findings: Findings, best: Sequence[Best], command: Sequence[str]) -> dict[str, Any]:
    """Return what sweep.json holds: fractions are fractions, and what is not finite is None."""
    sweep = findings.sweep
    return {
        "format": FORMAT,
        "bnlab": __version__,
        "command": list(command),
        "name": sweep.name,
        "description": sweep.specification.description,
        "file": str(sweep.path),
        "arms": list(sweep.arms),
        "baseline": sweep.baseline,
        "axes": [
            {"name": axis.name, "spacing": axis.spacing.value, "labels": list(axis.labels), "settings": list(axis.settings)}
            for axis in sweep.axes
        ],
        "seeds": sweep.seeds,
        "confidence": CONFIDENCE,
        "min_pairs": MIN_PAIRS,
        "max_missing": MAX_MISSING,
        "metrics": [dataclasses.asdict(metric) for metric in sweep.metrics],
        "selection": sweep.selection.name if sweep.selection else None,
        "points": [_point(findings, number) for number in range(len(sweep.points))],
        "best": [_best(findings, one) for one in best],
        "findings": findings_text(findings, list(best)),
        "notes": notes(findings),
    }


def _point(findings: Findings, number: int) -> dict[str, Any]:
    point, outcome = findings.sweep.points[number], findings.outcomes[number]
    return {
        "label": point.label,
        "arm": point.arm,
        "place": list(point.place),
        "identity": identity(point.config),
        "runs": [str(path) for path in outcome.runs],
        "failed": [{"seed": pair.init, "step": step} for pair, step in outcome.failed.items()],
        "final": {metric.name: _numbers(findings.row(metric, number), findings) for metric in findings.sweep.metrics},
    }


def _numbers(row: Row, findings: Findings) -> dict[str, Any]:
    values = findings.outcomes[row.point].finals[row.metric.name]
    numbers = dataclasses.asdict(row.summary) | {"per_seed": [float(v) if v == v else None for v in values]}
    if row.effect is None:
        return numbers | {"against_baseline": None}
    effect = row.effect
    return numbers | {
        "against_baseline": {
            "value": effect.mean,
            "low": effect.low,
            "high": effect.high,
            "pairs": effect.pairs,
            "ahead": effect.ahead.b_ahead,
            "behind": effect.ahead.a_ahead,
            "ties": effect.ahead.ties,
            "better": row.better,
            "settled": effect.settled.value,
        }
    }


def _best(findings: Findings, best: Best) -> dict[str, Any]:
    points = findings.sweep.points
    return {
        "arm": best.arm,
        "point": points[best.point].label,
        "number": best.point,
        "among": best.among,
        "chosen": dataclasses.asdict(best.chosen),
        "reported": dataclasses.asdict(best.reported),
        "rivals": None if best.rivals is None else [points[number].label for number in best.rivals],
    }


SUMMARY = ("n", "failed", "mean", "std", "min", "median", "max")
EFFECT = ("difference", "low", "high", "pairs", "ahead", "behind", "ties", "better", "settled")


def to_csv(findings: Findings) -> bytes:
    """Return sweep.csv: a row for each point and metric; cells of the baseline's effect are empty."""
    sweep, text = findings.sweep, io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["point", "arm", *(axis.name for axis in sweep.axes), "metric", *SUMMARY, *EFFECT, "runs"])
    for row in findings.rows:
        point, outcome, effect = sweep.points[row.point], findings.outcomes[row.point], row.effect
        values = [axis.labels[index] for axis, index in zip(sweep.axes, point.place, strict=True)]
        summary = [getattr(row.summary, name) for name in SUMMARY]
        cells = [None] * len(EFFECT)
        if effect:
            ahead = (effect.ahead.b_ahead, effect.ahead.a_ahead, effect.ahead.ties)
            cells = [effect.mean, effect.low, effect.high, effect.pairs, *ahead, row.better, effect.settled.value]
        runs = " ".join(map(str, outcome.runs))
        writer.writerow([point.label, point.arm, *values, row.metric.name, *summary, *cells, runs])
    return text.getvalue().encode()


def to_markdown(findings: Findings, best: Sequence[Best], figures: Iterable[str], command: Sequence[str]) -> bytes:
    """Return sweep.md: what was swept, what came out, the figures, and a table of all points."""
    sweep = findings.sweep
    title = sweep.specification.description or sweep.name
    lines = [f"# {title}", "", f"Made by `{shlex.join(command)}` (bnlab {__version__}).", ""]
    lines += ["## What came out", "", *(f"- {sentence}" for sentence in findings_text(findings, list(best))), ""]
    lines += [*(f"- {note}" for note in notes(findings)), ""]
    lines += ["## Figures", ""]
    for name in figures:
        lines += [f"![{name.rpartition('/')[2].removesuffix('.png')}]({name})", ""]
    if len(best) > 1:
        lines += ["## The best points in full", "", "`bnlab compare` shows their whole curves:", "", "```sh"]
        lines += [_compare(findings, best), "```", ""]
    lines += ["## Points", "", *_table(findings), ""]
    lines += ["## How to read the numbers", "", *(f"- {line}" for line in _reading(findings)), ""]
    return "\n".join(lines).encode()


def _compare(findings: Findings, best: Sequence[Best]) -> str:
    runs = [findings.outcomes[one.point].runs for one in best]
    configs = [f"{paths[0]}/config.yaml" for paths in runs if paths]
    return f"bnlab compare {' '.join(configs)} --seeds {seeds_argument(findings.sweep.seeds)}"


def _table(findings: Findings) -> list[str]:
    sweep = findings.sweep
    against = f"difference from {sweep.baseline} [95 %]"
    header = ["point", *(wording.label(metric) for metric in sweep.metrics)]
    if findings.others():
        header += [f"{wording.label(sweep.metrics[0])}: {against}", "better"]
    rows: list[list[str]] = []
    for number, point in enumerate(sweep.points[:MOST_ROWS]):
        cells = [findings.row(metric, number) for metric in sweep.metrics]
        row = [point.label, *(_mean(cell) for cell in cells)]
        if findings.others():
            row += effect_cells(cells[0])
        rows.append(row)
    lines = [_line(header), _line("---" for _ in header), *map(_line, rows)]
    rest = len(sweep.points) - MOST_ROWS
    return [*lines, "", f"… and {rest:,} more in sweep.csv"] if rest > 0 else lines


def _mean(row: Row) -> str:
    failed = f" ({row.summary.failed} failed)" if row.summary.failed else ""
    return wording.mean_std(row.summary, row.metric) + failed


def effect_cells(row: Row) -> list[str]:
    """Return the difference of a row from the baseline with its interval, and which arm is better."""
    if row.effect is None:
        return ["", ""]
    effect = row.effect
    difference = wording.interval(effect.mean, effect.low, effect.high, wording.scale_of(row.metric))
    undecided = "undecided" if effect.settled is Settled.UNDECIDED else f"no verdict: {effect.settled}"
    return [difference, f"**{row.better}**" if row.better else undecided if effect.settled.better is None else ""]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _reading(findings: Findings) -> list[str]:
    sweep = findings.sweep
    units = [f"{m.words} ({m.unit}; {m.direction})" if m.unit else f"{m.words} ({m.direction})" for m in sweep.metrics]
    lines = [
        f"Metrics: {', '.join(units)}. All are of the last record. sweep.json and sweep.csv hold accuracies as fractions.",
        f"Every point has the seeds {seeds_text(sweep.points[0].config)}. std is their standard deviation (n − 1). A seed "
        "whose value is not finite counts as failed and is in no mean.",
    ]
    if findings.others():
        effects = sum(1 for row in findings.rows if row.effect and row.effect.low is not None)
        lines += [
            f"The difference is the mean over seeds of (arm − {sweep.baseline}) at the same place, with the BCa bootstrap's "
            "95 % interval. An arm is called better by the rules of `bnlab compare`: the interval excludes zero, at least "
            f"{MIN_PAIRS} seeds have a pair, at most {MAX_MISSING:.0%} lack one, and the arm does not fail in more seeds.",
            f"There are {effects} intervals here. Without any effect, about one in twenty excludes zero by chance.",
        ]
    if sweep.selection:
        lines.append(
            f"The best point of an arm has the best mean {sweep.selection.words} among the points with the fewest failed "
            "seeds. The seeds cannot tell a point from it where the mean paired difference of the two has a 95 % interval "
            "(Student's t) that holds zero."
        )
    return lines


def to_json(findings: Findings, best: Sequence[Best], command: Sequence[str]) -> bytes:
    """Return sweep.json: strict JSON."""
    return json_bytes(document(findings, best, command))
