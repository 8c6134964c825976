"""What came out of a sweep, in sentences."""

from collections import Counter

from bnlab import wording
from bnlab.metrics import Direction, Metric, Split
from bnlab.statistics import MIN_PAIRS, Settled
from bnlab.sweep.analysis import Findings
from bnlab.sweep.best import Best, best_difference

MOST_NAMED = 3
"""So many rivals of a best point are named; sweep.json has all."""


def findings_text(findings: Findings, best: list[Best]) -> list[str]:
    """Return what came out in Markdown: the arms place by place, the best points, and what to be careful about."""
    sweep = findings.sweep
    sentences = [_places(findings, arm, metric) for metric in sweep.metrics[:1] for arm in findings.others()]
    sentences += [_best(findings, one) for one in best]
    by_arm = {one.arm: one for one in best}
    if first := by_arm.get(sweep.baseline):
        sentences += [_against(findings, first, one) for one in best if one is not first]
    if best:
        sentences.append(_caution(findings, best))
    return sentences


def notes(findings: Findings) -> list[str]:
    """Return in sentences what else a reader should know."""
    sweep, sentences = findings.sweep, []
    failed = [(point, outcome) for point, outcome in zip(sweep.points, findings.outcomes, strict=True) if outcome.failed]
    if failed:
        seeds = sum(len(outcome.failed) for _, outcome in failed)
        named = "; ".join(
            f"{point.label}: {len(outcome.failed)} of {len(sweep.seeds)}, the first at step {min(outcome.failed.values()):,}"
            for point, outcome in failed[:MOST_NAMED]
        )
        more = "; …" if len(failed) > MOST_NAMED else ""
        points = wording.count(len(failed), "point")
        sentences.append(f"The loss of {wording.count(seeds, 'seed')} at {points} was no longer finite ({named}{more}).")
    if findings.others() and len(sweep.seeds) < MIN_PAIRS:
        have = "1 seed is" if len(sweep.seeds) == 1 else f"{len(sweep.seeds)} seeds are"
        sentences.append(f"{have} too few for a verdict: {MIN_PAIRS} are needed, such as seeds 0:{MIN_PAIRS}.")
    sizes = {(point.config.batch_size, point.config.batches) for point in sweep.points}
    same = "Seed s has the same batches at every point." if len(sizes) == 1 else (
        "Seed s has the same batches at all points of one batch size and order."
    )  # fmt: skip
    sentences.append(same)
    return sentences


def _places(findings: Findings, arm: str, metric: Metric) -> str:
    """Return in how many places an arm is better and worse than the baseline."""
    sweep = findings.sweep
    rows = [findings.row(metric, number) for number, point in enumerate(sweep.points) if point.arm == arm]
    effects = [row.effect for row in rows if row.effect]
    if metric.direction is Direction.NEITHER:
        lower = sum(effect.high is not None and effect.high < 0 for effect in effects)
        higher = sum(effect.low is not None and effect.low > 0 for effect in effects)
        return (
            f"Final {metric.words}: {arm} is lower than {sweep.baseline} at {lower} of {wording.count(len(rows), 'place')} "
            f"and higher at {higher}, by an interval that excludes zero."
        )
    counts = Counter(row.better for row in rows)
    undecided = sum(effect.settled is Settled.UNDECIDED for effect in effects)
    open_ = counts[None] - undecided
    text = (
        f"Final {metric.words}: **{arm}** is better than **{sweep.baseline}** at {counts[arm]} of "
        f"{wording.count(len(rows), 'place')}, worse at {counts[sweep.baseline]}, undecided at {undecided}"
    )
    return f"{text}, without a verdict at {open_}." if open_ else f"{text}."


def _best(findings: Findings, best: Best) -> str:
    sweep, metric = findings.sweep, findings.sweep.metrics[0]
    selection = sweep.selection or metric
    where = _inside(findings, best.point)
    chosen = f"{selection.words} {wording.mean_std(best.chosen, selection)}{wording.scale_of(selection).unit}"
    text = f"Best of the {wording.count(best.among, 'point')} of **{best.arm}** by {selection.words}: **{where}**, {chosen}"
    if selection != metric:
        text += f", {metric.words} {wording.mean_std(best.reported, metric)}{wording.scale_of(metric).unit}"
    if best.chosen.failed:
        text += f" ({wording.count(best.chosen.failed, 'seed')} failed)"
    if best.rivals is None:
        return f"{text}. One seed has no interval: the order of the points may be chance."
    if not best.rivals:
        return f"{text}. No other point lies inside its interval." if best.among > 1 else f"{text}."
    named = "; ".join(_inside(findings, number) for number in best.rivals[:MOST_NAMED])
    more = f"; and {len(best.rivals) - MOST_NAMED} more" if len(best.rivals) > MOST_NAMED else ""
    return f"{text}. The seeds cannot tell it from {wording.count(len(best.rivals), 'other point')}: {named}{more}."


def _against(findings: Findings, first: Best, best: Best) -> str:
    metric = findings.sweep.metrics[0]
    effect = best_difference(findings, first, best)
    difference = wording.interval(effect.mean, effect.low, effect.high, wording.scale_of(metric))
    name = {"a": f"**{first.arm}** is better", "b": f"**{best.arm}** is better", None: "undecided"}[effect.settled.better]
    if effect.settled not in (Settled.A_BETTER, Settled.B_BETTER, Settled.UNDECIDED):
        name = f"no verdict ({effect.settled})"
    return f"Best point against best point, {metric.words}: {name}; {best.arm} − {first.arm} {difference}."


def _caution(findings: Findings, best: list[Best]) -> str:
    sweep = findings.sweep
    selection = sweep.selection or sweep.metrics[0]
    most = max(one.among for one in best)
    if most == 1:
        return "Nothing was chosen: each arm has one point."
    if selection.split is Split.VALID and selection != sweep.metrics[0]:
        return (
            f"The best of {most} points is in part the luckiest. Its {selection.words} is therefore too good on average. Its "
            f"{sweep.metrics[0].words} is not: the test rows took no part in the choice."
        )
    rows = f"{selection.split.words} rows" if selection.split else "model itself"
    why = "" if selection.split is Split.VALID else ", because no validation rows measure it"
    return (
        f"The best of {most} points is in part the luckiest, and it was chosen on the {rows}{why}. Its {selection.words} is "
        "therefore too good on average; train it with new seeds before you rely on it."
    )


def _inside(findings: Findings, number: int) -> str:
    """Return a point's label without its arm."""
    point = findings.sweep.points[number]
    return point.label.removeprefix(f"{point.arm}, ")
