"""Numbers and answers as text: the one place where an enum becomes words. Fractions are shown as percent."""

from bnlab import wording
from bnlab.claims import Judged
from bnlab.compare.effects import Effect, Reason
from bnlab.metrics import Metric
from bnlab.statistics import MIN_PAIRS, StatedValue
from bnlab.wording import Scale, capital, count, label, mean_std, number, scale_of

__all__ = [
    "STEPS",
    "ahead",
    "answer",
    "capital",
    "expected",
    "interval",
    "label",
    "level",
    "mean_std",
    "neutral",
    "p_value",
    "scale_of",
    "stated",
    "stated_value",
]

STEPS = Scale(1, "", "")


def level(value: float | None, metric: Metric) -> str:
    """Return "≤ 2.2", or "≥ 90" for an accuracy."""
    return f"{'≤' if metric.lower_is_better else '≥'} {number(value, metric, 6)}"


def interval(effect: Effect, scale: Scale) -> str:
    """Return "−0.019 [−0.025, −0.013]", to two digits of the interval's half width."""
    return wording.interval(effect.value, effect.low, effect.high, scale, neutral=neutral(effect))


def ahead(effect: Effect, noun: str = "") -> str:
    """Return "8 of 10, 1 tied (49–94 %)": the seeds in which the arm is ahead, and the interval of their share."""
    ties = f", {effect.ties} tied" if effect.ties else ""
    share = ""
    if effect.share_low is not None and effect.share_high is not None:
        share = f" ({100 * effect.share_low:.0f}–{100 * effect.share_high:.0f} %)"
    return f"{effect.ahead} of {effect.seeds}{noun}{ties}{share}"


def answer(effect: Effect) -> str:
    """Return the better arm, or why none is called better."""
    match effect.reason:
        case Reason.INTERVAL if effect.better is None:  # the metric has no better side
            return "lower" if (effect.value or 0) < neutral(effect) else "higher"
        case Reason.INTERVAL:
            return effect.better or ""
        case Reason.SHARE:
            return f"{effect.better}: reaches it in more seeds (p = {p_value(effect.p_value)})"
        case Reason.UNDECIDED:
            return f"undecided: the interval holds {neutral(effect)}"
        case Reason.FAILS_MORE:
            missing = "has no value" if effect.kind == "difference" else "never gets there"
            return (
                f"no verdict: the arm that looks better {missing} in more seeds "
                f"(this arm alone: {effect.only_baseline}, the baseline alone: {effect.only_arm})"
            )
        case Reason.TOO_FEW_PAIRS:
            return f"no verdict: {count(effect.pairs, 'paired seed')}, {MIN_PAIRS} are needed"
        case Reason.TOO_MANY_MISSING:
            return f"no verdict: {effect.seeds - effect.pairs} of {effect.seeds} seeds have no pair"


def p_value(p: float | None) -> str:
    """Return a p-value to two digits."""
    return "none" if p is None else f"{p:.2g}"


def stated(judged: Judged) -> str:
    """Return "0.9449, reproduced"."""
    return f"{judged.claim.printed}, {judged.verdict}"


def stated_value(judged: Judged, metric: Metric) -> str:
    """Return the stated value as printed; a fraction with its percentage: "0.9449 (94.49 %)"."""
    printed, claim = judged.claim.printed, judged.claim.stated
    if claim is None or not metric.percent or printed.endswith("%"):
        return printed
    return f"{printed} ({number(claim.value, metric, 4)} %)"


def expected(judged: Judged, metric: Metric) -> str:
    """Return in a sentence where single runs of ours are expected to end; empty where there are too few of them."""
    one = judged.evidence
    if not isinstance(one, StatedValue) or one.low is None or one.high is None:
        return ""
    scale = scale_of(metric)
    low, high = scale.factor * one.low, scale.factor * one.high
    return f" By our {one.n} seeds, 95 % of single runs end in [{low:.4g}, {high:.4g}]{scale.unit}."


def neutral(effect: Effect) -> int:
    """Return the value that says that the arms are alike."""
    return 0 if effect.kind == "difference" else 1
