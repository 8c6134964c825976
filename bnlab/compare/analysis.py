"""From arms to numbers: what each arm did, what it did against the baseline, and what the arms share."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Num

from bnlab import statistics
from bnlab.compare.arms import Arm
from bnlab.config import CLASSIFICATIONS, LOSS_UNITS, Config
from bnlab.errors import UserError, nearest
from bnlab.statistics import MIN_PAIRS, PairedDifference, ReachRatio, ShareAhead, StatedValue, Summary

CONFIDENCE = 0.95
DEFAULT_METRICS = ("test_loss", "valid_loss", "test_accuracy", "valid_accuracy")
DEFAULT_AT = (0.05, 0.25, 1.0)
"""Fractions of the run at which arms are compared; each stands for the recorded step nearest to it."""

Measure = Literal["final", "area", "step", "reach"]


class Stated(NamedTuple):
    """A value that an article states of one run: the last_digit_unit of 0.9449 is 0.0001."""

    value: float
    last_digit_unit: float


class Metric(NamedTuple):
    """A metric's name in a run, its unit ("%" for fractions) and its direction."""

    name: str
    unit: str
    lower_is_better: bool

    @property
    def words(self) -> str:
        """The name as words: "test loss", "training loss"."""
        full = {"train": "training", "valid": "validation"}
        return " ".join(full.get(word, word) for word in self.name.split("_"))


@dataclass(frozen=True)
class Effect:
    """What an arm does against the baseline, paired over seeds.

    `value` is the mean of (arm - baseline); where `kind` is "ratio", the geometric mean of (arm's steps / baseline's).
    low to high is its 95 % interval: BCa bootstrap of the pairs, `statistics.paired_difference`.

    pairs + only_arm + only_baseline + neither + at_start = seeds: seeds with both, with the arm alone (the baseline failed,
    or never got there), the baseline alone, neither, and those in which an arm was there before its first step.
    ahead + behind + ties + both_failed = seeds: in how many the arm is strictly better than the baseline; one that failed
    is behind one that did not. `share` = ahead / seeds, with Wilson's interval.

    `better` is the label of the better arm, or None where the evidence does not settle it, and `why` says so.
    """

    kind: Literal["difference", "ratio"]
    value: float | None
    low: float | None
    high: float | None
    pairs: int
    only_arm: int
    only_baseline: int
    neither: int
    at_start: int
    ahead: int
    behind: int
    ties: int
    both_failed: int
    share: float | None
    share_low: float | None
    share_high: float | None
    better: str | None
    why: str


@dataclass(frozen=True)
class Row:
    """One measure of one metric for one arm, and its effect against the baseline (None for the baseline itself).

    measure: "final", the last record; "area", the area under the curve by the trapezoid rule over its span of steps, which
    is the metric's mean over training; "step", the metric after step `at`; "reach", the first recorded step with the metric
    at the threshold `at` or better. `stated`: where an article's run lies among the final values.
    """

    metric: str
    measure: Measure
    at: float | None
    arm: str
    summary: Summary
    effect: Effect | None
    stated: StatedValue | None = None


@dataclass(frozen=True)
class Comparison:
    """Arms, what was measured of them, and what is to be known of both. curves: {metric: {arm: [seeds, records]}}."""

    arms: list[Arm]
    metrics: list[Metric]
    step: Num[np.ndarray, "records"]
    curves: dict[str, dict[str, Float[np.ndarray, "seeds records"]]]
    rows: list[Row]
    paired: list[str]
    notes: list[str] = field(default_factory=list)
    stated: dict[str, dict[str, Stated]] = field(default_factory=dict)

    @property
    def baseline(self) -> str:
        """The label of the first arm."""
        return self.arms[0].label

    @property
    def seeds(self) -> int:
        """How many seeds each arm has."""
        return len(self.arms[0].config.seeds.pairs)

    def of(self, metric: str, *measures: Measure) -> Iterator[Row]:
        """Yield the rows of a metric and of these measures."""
        return (row for row in self.rows if row.metric == metric and row.measure in measures)


def check_requests(
    config: Config, metrics: Sequence[str], at: Sequence[int], thresholds: Mapping[str, Sequence[float]]
) -> None:
    """Raise UserError for what no run of this config can answer, before it is trained."""
    known = [f"{split}_loss" for split in ("train", "valid", "test")]
    if config.data.name in CLASSIFICATIONS:
        known += [f"{split}_accuracy" for split in ("train", "valid", "test")]
    known += ["penalty"]
    for argument, names in (("metrics", metrics), ("thresholds", thresholds)):
        if unknown := [name for name in names if name not in known]:
            hint = nearest(unknown[0], known)
            raise UserError(f"got '{unknown[0]}', expected one of {', '.join(known)}{hint}", argument=argument)
    recorded = set(config.record_steps)
    if missing := [step for step in at if step not in recorded]:
        near = sorted(sorted(recorded, key=lambda step: abs(step - missing[0]))[:2])
        expected = f"a recorded step (nearest: {', '.join(map(str, near))})"
        raise UserError(f"got {missing[0]}, expected {expected}", argument="at")


def analyse(
    arms: Sequence[Arm],
    *,
    metrics: Sequence[str] = (),
    at: Sequence[int] = (),
    thresholds: Mapping[str, Sequence[float]] | None = None,
    stated: Mapping[str, Mapping[str, Stated]] | None = None,
) -> Comparison:
    """Return the comparison of arms whose runs are there.

    metrics: those to compare; by default those of DEFAULT_METRICS that every arm records, else all that they share.
    at: recorded steps; by default those nearest to DEFAULT_AT. thresholds: {metric: levels}; by default two, see
    `default_thresholds`. stated: {arm's label: {metric: what an article states of its run's final value}}.

    Raises:
        UserError: a metric that an arm does not record, or that is not the same thing in all; see `check_requests`.
    """
    thresholds, stated = thresholds or {}, stated or {}
    check_requests(arms[0].config, metrics, at, thresholds)
    step = np.asarray(arms[0].config.record_steps)
    chosen = [describe_metric(name, arms[0].config) for name in _choose_metrics(arms, metrics)]
    if unused := [name for name in thresholds if name not in [metric.name for metric in chosen]]:
        problem = f"{unused[0]} is not compared"
        raise UserError(problem, argument="thresholds", advice=f"add --metric {unused[0]}")
    curves = {metric.name: {arm.label: curve(arm, metric.name) for arm in arms} for metric in chosen}
    rows: list[Row] = []
    for metric in chosen:
        values = curves[metric.name]
        levels = thresholds.get(metric.name) or default_thresholds(list(values.values()), metric)
        rows += _rows(metric, step, values, at or default_steps(step), levels, stated)
    return Comparison(
        arms=list(arms),
        metrics=chosen,
        step=step,
        curves=curves,
        rows=rows,
        paired=_pairing([arm.config for arm in arms]),
        notes=_notes(arms),
        stated={label: dict(values) for label, values in stated.items() if values},
    )


def curve(arm: Arm, metric: str) -> Float[np.ndarray, "seeds records"]:
    """Return the arm's metric at all record steps; NaN where a seed had failed (a run ends with its last seed)."""
    seeds, records = len(arm.config.seeds.pairs), len(arm.config.record_steps)
    own = _run(arm).curves.get(metric, np.zeros((seeds, 0), np.float32))
    return np.pad(own, ((0, 0), (0, records - own.shape[1])), constant_values=np.nan)


def describe_metric(name: str, config: Config) -> Metric:
    """Return a metric of the config's runs with its unit and direction."""
    if name.endswith("_accuracy"):
        return Metric(name, "%", lower_is_better=False)
    return Metric(name, LOSS_UNITS[config.loss] if name.endswith("_loss") else "", lower_is_better=True)


def default_steps(step: Num[np.ndarray, "records"]) -> list[int]:
    """Return the recorded steps nearest to DEFAULT_AT of the last one."""
    nearest_to = (int(step[np.abs(step - fraction * step[-1]).argmin()]) for fraction in DEFAULT_AT)
    return list(dict.fromkeys(nearest_to))


def default_thresholds(curves: Sequence[Float[np.ndarray, "seeds records"]], metric: Metric) -> list[float]:
    """Return an early and a late level of a metric, both of which the median seed of every arm reaches.

    Late: of the arms' best medians the worst. Early: the geometric middle between it and the best of the arms' medians at
    the first record; left out where it is not over a tenth above late. Both are of the loss, or of 1 - accuracy, and are
    rounded to two digits to the side that is easier to reach.
    """
    medians = [statistics.quantile_band(values if metric.lower_is_better else 1 - values).center for values in curves]
    medians = [median for median in medians if np.isfinite(median).any()]
    if not medians:
        return []
    late = max(float(np.nanmin(median)) for median in medians)
    start = min((float(median[0]) for median in medians if np.isfinite(median[0])), default=late)
    early = math.sqrt(max(start * late, 0))
    levels = [_round_up(early), _round_up(late)] if early > 1.1 * late else [_round_up(late)]
    return levels if metric.lower_is_better else [round(1 - level, 12) for level in levels]


def _round_up(value: float) -> float:
    """Return a positive value rounded up to two digits: 2.171 gives 2.2, 0.0445 gives 0.045."""
    if value <= 0:
        return value
    digits = 1 - math.floor(math.log10(value))
    return round(math.ceil(round(value * 10**digits, 9)) / 10**digits, max(digits, 0))


# --- Measures -----------------------------------------------------------------------------------------------


def _rows(
    metric: Metric,
    step: Num[np.ndarray, "records"],
    curves: Mapping[str, Float[np.ndarray, "seeds records"]],
    at: Sequence[int],
    thresholds: Sequence[float],
    stated: Mapping[str, Mapping[str, Stated]],
) -> Iterator[Row]:
    baseline = next(iter(curves))

    def reach(level: float) -> dict[str, Float[np.ndarray, "seeds"]]:
        below = metric.lower_is_better
        return {arm: statistics.steps_to_reach(c, step, level, below=below) for arm, c in curves.items()}

    # several measures may be of one record: the final value is that of the last step too
    record = {int(s): {arm: c[:, i] for arm, c in curves.items()} for i, s in enumerate(step) if s in (*at, step[-1])}
    areas = {arm: statistics.area_under_curve(c, step) for arm, c in curves.items()} if len(step) > 1 else {}
    measures: list[tuple[Measure, float | None, dict[str, Float[np.ndarray, "seeds"]]]] = [
        ("final", None, record[int(step[-1])]),
        ("area", None, areas),
        *(("step", s, record[s]) for s in at),
        *(("reach", level, reach(level)) for level in thresholds),
    ]

    @cache
    def difference_at(s: int, arm: str) -> Effect:
        return difference(record[s][baseline], record[s][arm], metric, baseline, arm)

    for measure, place, values in measures:
        for arm, numbers in values.items():
            effect = None
            if arm != baseline and measure == "reach":
                effect = ratio(values[baseline], numbers, baseline, arm)
            elif arm != baseline and measure == "area":
                effect = difference(values[baseline], numbers, metric, baseline, arm)
            elif arm != baseline:
                effect = difference_at(int(step[-1] if place is None else place), arm)
            one = stated.get(arm, {}).get(metric.name) if measure == "final" else None
            judged = statistics.judge_stated_value(*one, numbers) if one else None
            yield Row(metric.name, measure, place, arm, statistics.summarize(numbers), effect, judged)


def difference(a: Num[np.ndarray, "seeds"], b: Num[np.ndarray, "seeds"], metric: Metric, baseline: str, arm: str) -> Effect:
    """Return the effect b - a of the arm b against the baseline a.

    Where higher is better it is computed on the negatives, so that the rule that the arm which fails more never wins is
    applied to the arm that would win.
    """
    sign = 1 if metric.lower_is_better else -1
    paired = statistics.paired_difference(sign * a, sign * b, confidence=CONFIDENCE)
    value, low, high = (None if x is None else sign * x + 0.0 for x in (paired.mean, paired.low, paired.high))
    if sign < 0:
        low, high = high, low
    neither = int((~np.isfinite(a) & ~np.isfinite(b)).sum())
    counts = (paired.failed_a - neither, paired.failed_b - neither, neither, 0)
    ahead = statistics.share_ahead(b, a, lower_is_better=metric.lower_is_better, confidence=CONFIDENCE)
    return _effect("difference", value, low, high, paired, ahead, counts, baseline, arm)


def ratio(a: Num[np.ndarray, "seeds"], b: Num[np.ndarray, "seeds"], baseline: str, arm: str) -> Effect:
    """Return the effect b / a on the steps to reach a threshold."""
    paired = statistics.reach_ratio(a, b, confidence=CONFIDENCE)
    counts = (paired.only_b, paired.only_a, paired.neither, paired.at_start)
    ahead = statistics.share_ahead(b, a, confidence=CONFIDENCE)
    return _effect("ratio", paired.ratio, paired.low, paired.high, paired, ahead, counts, baseline, arm)


def _effect(
    kind: Literal["difference", "ratio"],
    value: float | None,
    low: float | None,
    high: float | None,
    paired: PairedDifference | ReachRatio,
    ahead: ShareAhead,
    counts: tuple[int, int, int, int],
    baseline: str,
    arm: str,
) -> Effect:
    only_arm, only_baseline, neither, at_start = counts
    better = {"a": baseline, "b": arm}.get(paired.verdict.split()[0])  # "a lower", "b faster"
    return Effect(
        kind=kind,
        value=value,
        low=low,
        high=high,
        pairs=paired.pairs,
        only_arm=only_arm,
        only_baseline=only_baseline,
        neither=neither,
        at_start=at_start,
        ahead=ahead.a_ahead,
        behind=ahead.b_ahead,
        ties=ahead.ties,
        both_failed=ahead.both_failed,
        share=ahead.share,
        share_low=ahead.low,
        share_high=ahead.high,
        better=better,
        why=_why(kind, paired, only_arm, only_baseline),
    )


def _why(kind: str, paired: PairedDifference | ReachRatio, only_arm: int, only_baseline: int) -> str:
    """Return why there is no verdict; empty where there is one."""
    missing = paired.ahead.seeds - paired.pairs
    neutral = 0 if kind == "difference" else 1
    if paired.verdict == "too few seeds":
        return f"no verdict: {paired.pairs} paired seed{'s' * (paired.pairs != 1)}, {MIN_PAIRS} are needed"
    if paired.verdict == "too many missing":
        return f"no verdict: {missing} of {paired.ahead.seeds} seeds have no pair"
    if paired.verdict != "undecided":
        return ""
    if "over the pairs" in paired.note:
        return (
            f"no verdict: the better arm over the pairs misses more seeds (alone: arm {only_arm}, baseline {only_baseline})"
        )
    return f"undecided: the interval holds {neutral}"


# --- What is compared, and what to know of it ---------------------------------------------------------------


def _choose_metrics(arms: Sequence[Arm], metrics: Sequence[str]) -> list[str]:
    """Return the metrics to compare. Raises: UserError."""
    # a run in which every seed failed before its first record has no curves; its values are missing in every metric
    recorded = {arm.label: list(_run(arm).curves) for arm in arms if _run(arm).curves}
    if not recorded:
        raise UserError(
            f"{arms[0].label}: no arm has a record: every seed failed before step {arms[0].config.record_steps[0]}"
        )
    shared = [name for name in next(iter(recorded.values())) if all(name in names for names in recorded.values())]
    for name in metrics:
        for label, names in recorded.items():
            if name not in names:
                raise UserError(f"{label}: does not record {name}, so that it cannot be compared (it has {', '.join(names)})")
    rows = {arm.config.evaluation.train_rows for arm in arms}
    chosen = list(dict.fromkeys(metrics)) or [name for name in DEFAULT_METRICS if name in shared] or shared
    if len(rows) > 1 and (names := [name for name in chosen if name.startswith("train_")]):
        raise UserError(
            f"{names[0]}: is of the step's batch in some arms and of the whole training split in others "
            "(evaluation.train_rows), so that it cannot be compared"
        )
    return chosen


def _pairing(configs: Sequence[Config]) -> list[str]:
    """Return in sentences what seed s of every arm shares, and what it does not."""
    first = configs[0]
    sentences: list[str] = []
    if all((c.batch_size, c.batches) == (first.batch_size, first.batches) for c in configs):
        sentences.append("Seed s has the same batches in every arm.")
    else:
        kinds = dict.fromkeys(f"{c.batch_size} ({c.batches})" for c in configs)
        sentences.append(
            f"The batches differ between arms (batch_size {' against '.join(kinds)}): seeds are paired by number alone."
        )
    if all((c.model.hidden, c.model.output_layer) == (first.model.hidden, first.model.output_layer) for c in configs):
        sentences.append("Seed s has the same first weights in every arm.")
    else:
        sentences.append("Seed s has the same first weights in those layers that have one shape in every arm.")
    return sentences


def _notes(arms: Sequence[Arm]) -> list[str]:
    """Return in sentences what else a reader should know."""
    notes: list[str] = []
    for arm in arms:
        if failed := _run(arm).summary.get("failed"):
            first = ", ".join(f"seed {one['seed']} at step {one['step']:,}" for one in failed[:10])
            more = ", …" if len(failed) > 10 else ""
            seeds = len(arm.config.seeds.pairs)
            notes.append(f"{arm.label}: the loss of {len(failed)} of {seeds} seeds was no longer finite: {first}{more}.")
    if len(arms[0].config.seeds.pairs) < MIN_PAIRS:
        seeds = len(arms[0].config.seeds.pairs)
        count = "1 seed is" if seeds == 1 else f"{seeds} seeds are"
        notes.append(f"{count} too few for a verdict: {MIN_PAIRS} are needed, such as --seeds 0:{MIN_PAIRS}.")
    ways = {(c.model.norm.evaluate_with, c.model.norm.update_moving) for c in (arm.config for arm in arms) if c.model.norm}
    if len(ways) > 1:
        notes.append(
            "The arms with batch norm do not evaluate alike (moving averages, or the statistics of the rows at hand)."
        )
    environments = {arm.label: _environment(arm) for arm in arms}
    if len(set(environments.values())) > 1:
        notes.append(
            "The runs were made under different conditions, which alone can move numbers: "
            + "; ".join(f"{label}: {text}" for label, text in environments.items())
            + "."
        )
    return notes


def _environment(arm: Arm) -> str:
    """Return in a few words what the run's bits depend on besides its config."""
    try:
        environment = _run(arm).environment
        packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
        return f"{packages}, {environment['device']}"
    except (UserError, OSError, ValueError, KeyError, AttributeError, TypeError):
        return "unknown (environment.json is missing or damaged)"


def _run(arm: Arm):
    if arm.run is None:
        raise ValueError(f"{arm.label}: is not trained yet")
    return arm.run
