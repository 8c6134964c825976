"""What came out of a comparison, a short paragraph each, the answer first."""

from bnlab.claims import Judged
from bnlab.compare import wording
from bnlab.compare.analysis import Comparison, Row
from bnlab.compare.effects import Effect, Reason
from bnlab.metrics import Direction, Metric
from bnlab.statistics import MIN_PAIRS


def findings(comparison: Comparison) -> list[str]:
    """Return what came out in Markdown: final values, what a source states of them, and steps to reach levels.

    Levels are those of the first metric, and of others those that most seeds of an arm never reach.
    """
    paragraphs: list[str] = []
    for metric in comparison.metrics:
        first, *others = comparison.of(metric.name, "final")
        paragraphs += [_final_finding(row, row.effect, first, metric) for row in others if row.effect]
        paragraphs += [_stated_finding(row, row.judged, metric) for row in (first, *others) if row.judged]
    for metric in comparison.metrics:
        reached = list(comparison.of(metric.name, "reach"))
        baselines = {row.at: row for row in reached if row.effect is None}
        for row in reached:
            if row.effect and row.effect.reason is Reason.SHARE:
                paragraphs.append(_share_finding(row, row.effect, baselines[row.at], metric))
            elif row.effect and metric is comparison.metrics[0]:
                paragraphs.append(_reach_finding(row, row.effect, baselines[row.at], metric))
    return paragraphs


def _final_finding(row: Row, effect: Effect, baseline: Row, metric: Metric) -> str:
    scale = wording.scale_of(metric)
    ours, theirs = (wording.mean_std(one.summary, metric) for one in (row, baseline))
    low, high = ("lower", "higher") if metric.direction is Direction.NEITHER else ("better", "worse")
    if metric.higher_is_better:
        low, high = high, low
    verdict = _verdict(row, effect, baseline, low, high)
    text = f"Final {metric.words}: {verdict}, {ours}{scale.unit} against {theirs}{scale.unit}."
    ahead = "lower" if metric.direction is Direction.NEITHER else "ahead"
    return f"{text} Difference {wording.interval(effect, scale)}; {ahead} in {wording.ahead(effect, ' seeds')}."


def _reach_finding(row: Row, effect: Effect, baseline: Row, metric: Metric) -> str:
    level = f"{wording.capital(metric.words)} {wording.level(row.at, metric)}{wording.scale_of(metric).unit}"
    text = f"{level}: {_verdict(row, effect, baseline, 'faster', 'slower')}"
    if effect.value is not None:
        text += f", {wording.interval(effect, wording.STEPS)} times the steps"
    return f"{text}; ahead in {wording.ahead(effect, ' seeds')}."


def _verdict(row: Row, effect: Effect, baseline: Row, low: str, high: str) -> str:
    """Return whether the arm is `low` or `high`: whether its effect is below or above the neutral value; else why neither."""
    arm, other = row.arm, baseline.arm
    neutral = wording.neutral(effect)
    side = low if (effect.value or 0) < neutral else high
    match effect.reason:
        case Reason.INTERVAL:
            return f"**{arm}** is {side} than **{other}**"
        case Reason.UNDECIDED:
            return f"undecided between {arm} and {other}"
        case Reason.TOO_FEW_PAIRS if effect.value is None:
            return f"no verdict on {arm} and {other} without a paired seed ({MIN_PAIRS} are needed)"
        case Reason.TOO_FEW_PAIRS:
            so_far = f"{arm} and {other} are alike" if effect.value == neutral else f"{arm} is {side} than {other}"
            return f"{so_far} so far, without a verdict ({effect.pairs} of the {MIN_PAIRS} paired seeds that it needs)"
        case _:
            return f"{arm} and {other}: {wording.answer(effect)}"


def _share_finding(row: Row, effect: Effect, baseline: Row, metric: Metric) -> str:
    ours, theirs = (f"{one.arm} in {one.summary.n} of {one.summary.n + one.summary.failed} seeds" for one in (row, baseline))
    level = f"{wording.capital(metric.words)} {wording.level(row.at, metric)}{wording.scale_of(metric).unit}"
    return (
        f"{level}: **{effect.better}** reaches it in more seeds, {ours} and {theirs} "
        f"(McNemar's exact test, p = {wording.p_value(effect.p_value)})."
    )


def _stated_finding(row: Row, judged: Judged, metric: Metric) -> str:
    source = wording.capital(judged.claim.source)
    return (
        f"{source} states a final {metric.words} of {wording.stated_value(judged, metric)} for its one run of {row.arm}: "
        f"**{judged.verdict}**.{wording.expected(judged, metric)}"
    )
