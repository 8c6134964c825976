"""A reproduction as a document: every word and picture of the report, which each format only has to lay out."""

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bnlab import __version__
from bnlab.claims import BetterThan, Bounded, ExactValue, Fact, FasterThan, Judged, Open, RunValue
from bnlab.compare import wording
from bnlab.config import seeds_text
from bnlab.metrics import Metric
from bnlab.report import evidence, figures
from bnlab.report.figures import Pair
from bnlab.report.model import CheckedSource, CheckedStudy, CurveVerdict, Reproduction
from bnlab.report.seeds import SeedValues, metric_named, seed_values
from bnlab.report.strips import Strip, make_strip
from bnlab.report.text import slug
from bnlab.statistics import Verdict

SYMBOLS = {
    Verdict.REPRODUCED: "✓",
    Verdict.UNUSUAL_DRAW: "≈",
    Verdict.CONTRADICTED: "✗",
    Verdict.UNDERPOWERED: "…",
    Verdict.UNDERSPECIFIED: "?",
    Verdict.NOT_RUN: "–",
}
"""{verdict: its symbol}, in the order in which the report counts them."""

MEANINGS = {
    Verdict.REPRODUCED: "our runs agree with the source",
    Verdict.UNUSUAL_DRAW: "outside the 95 % interval of our single runs, inside the 99.9 % one",
    Verdict.CONTRADICTED: "our runs disagree with the source",
    Verdict.UNDERPOWERED: "too few seeds, or too even, to say",
    Verdict.UNDERSPECIFIED: "the source does not say enough to check it",
    Verdict.NOT_RUN: "not checked; the reason is beside it",
}

_LONG = 200  # characters beyond which a value of the environment is folded


@dataclass(frozen=True)
class Badge:
    """A verdict as it is shown: a symbol, a word, the name of its colour; quick: it is one of a small version."""

    symbol: str
    word: str
    kind: str
    quick: bool


@dataclass(frozen=True)
class ClaimPart:
    """One claim: what the source says, what we found, and the evidence.

    anchor: its place in the page. row: one number decides it, so a row shows all. checked: how it is
    checked. about: the metric that it is about; the arms, where it is about another quantity. per_seed: (seed, value).
    """

    anchor: str
    id: str
    source: str
    place: str
    says: str
    stated: str
    ours: evidence.Ours
    found: str
    badge: Badge
    why: str
    checked: str
    about: tuple[str, ...]
    conditions: str
    assumed: str
    row: bool
    strip: Strip | None
    per_seed: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class CurvePart:
    """Many stated values of one run, judged as one draw."""

    arm: str
    metrics: str
    values: int
    outside: str
    distance: str
    share: str
    badge: Badge
    strip: Strip | None


@dataclass(frozen=True)
class Drawn:
    """A figure, and the sayings that are about what it shows."""

    pair: Pair
    said: tuple[ClaimPart, ...]


@dataclass(frozen=True)
class StudyPart:
    """One study: its arms, figures and claims."""

    id: str
    title: str
    arms: tuple[tuple[str, str, str], ...]
    seeds: str
    command: str
    time: str
    why_not: str
    drawn: tuple[Drawn, ...]
    curves: tuple[CurvePart, ...]
    numbers: tuple[ClaimPart, ...]
    sayings: tuple[ClaimPart, ...]
    conditions: tuple[str, ...]
    assumed: tuple[str, ...]


@dataclass(frozen=True)
class SourcePart:
    """One source: what it did, its studies, what it left open. counts: how many claims have each verdict, as SYMBOLS."""

    id: str
    anchor: str
    name: str
    title: str
    system: str
    did: str
    left_open: tuple[str, ...]
    assumed: tuple[str, ...]
    departures: tuple[str, ...]
    measured: tuple[tuple[str, str], ...]
    studies: tuple[StudyPart, ...]
    counts: tuple[int, ...]

    @property
    def claims(self) -> tuple[ClaimPart, ...]:
        """All claims, the sayings of each study first."""
        return tuple(claim for study in self.studies for claim in (*study.sayings, *study.numbers))


@dataclass(frozen=True)
class Document:
    """The whole report. badges: the verdicts in the order of `counts`, each with its meaning and how often it was given."""

    title: str
    quick: bool
    summary: str
    seeds: int
    command: str
    date: str
    time: str
    version: str
    badges: tuple[tuple[Badge, str, int], ...]
    sources: tuple[SourcePart, ...]
    environment: tuple[tuple[str, str, bool], ...]

    @property
    def claims(self) -> int:
        """How many claims there are."""
        return sum(count for _, _, count in self.badges)


def make_document(reproduction: Reproduction) -> Document:
    """Return the document of a reproduction. It draws every figure."""
    counts = Counter(judged.verdict for judged in reproduction.judged)
    anchors: set[str] = set()
    sources = tuple(_source(source, reproduction.quick, anchors) for source in reproduction.sources)
    total = sum(counts.values())
    said = [f"{counts[verdict]} {verdict}" for verdict in SYMBOLS if counts[verdict]]
    return Document(
        title=f"bnlab report: {_count(total, 'claim')} of {_count(len(sources), 'source')}",
        quick=reproduction.quick,
        summary=f"{', '.join(said)}." if said else "No claim was checked.",
        seeds=reproduction.seeds,
        command=shlex.join(reproduction.command),
        date=reproduction.date,
        time=duration(reproduction.seconds),
        version=__version__,
        badges=tuple((_badge(verdict, reproduction.quick), MEANINGS[verdict], counts[verdict]) for verdict in SYMBOLS),
        sources=sources,
        environment=tuple((name, value, len(value) > _LONG) for name, value in _flat(reproduction.environment)),
    )


def duration(seconds: float) -> str:
    """Return "4.2 s", "3 min 20 s" or "2 h 5 min"."""
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _source(checked: CheckedSource, quick: bool, anchors: set[str]) -> SourcePart:
    source = checked.source
    counts = Counter(judged.verdict for study in checked.studies for judged in study.judged)
    shown: set[bytes] = set()
    return SourcePart(
        id=source.id,
        anchor=_anchor("source", source.id, anchors),
        name=wording.capital(source.name),
        title=source.title,
        system=source.system,
        did=source.did,
        left_open=source.left_open,
        assumed=source.assumed,
        departures=source.departures,
        measured=source.measured,
        studies=tuple(_study(study, source.id, quick, anchors, shown) for study in checked.studies),
        counts=tuple(counts[verdict] for verdict in SYMBOLS),
    )


def _new(pairs: Iterable[Pair], shown: set[bytes]) -> Iterator[Pair]:
    """Yield the figures that are not shown yet: two studies may draw the same arm."""
    for pair in pairs:
        if pair.one.png not in shown:
            shown.add(pair.one.png)
            yield pair


def _study(checked: CheckedStudy, source: str, quick: bool, anchors: set[str], shown: set[bytes]) -> StudyPart:
    claims = tuple(_claim(judged, checked, source, quick, anchors) for judged in checked.judged)
    numbers = tuple(claim for claim in claims if claim.row)
    pools = list(checked.pools.values())
    seeds = _count(len(pools[0].places), "seed") + f" ({seeds_text(pools[0].config)})" if pools else ""
    return StudyPart(
        id=checked.study.id,
        title=checked.study.title,
        arms=tuple((arm.label, arm.config, ", ".join(arm.overrides)) for arm in checked.study.arms),
        seeds=seeds,
        command=checked.command,
        time=_time(checked) if pools else "",
        why_not=checked.why_not,
        drawn=tuple(
            Drawn(pair, tuple(claim for claim in claims if not claim.row and pair.about in claim.about))
            for pair in _new(figures.draw(checked), shown)
        ),
        curves=tuple(_curve(curve, checked, quick) for curve in checked.curves),
        numbers=numbers,
        sayings=tuple(claim for claim in claims if not claim.row),
        conditions=_distinct(claim.conditions for claim in numbers),
        assumed=_distinct(claim.assumed for claim in numbers),
    )


def _time(checked: CheckedStudy) -> str:
    trained = f"{_count(checked.trained, 'seed')} of all arms trained now" if checked.trained else "nothing had to be trained"
    return f"{duration(checked.seconds)}; {trained}"


def _claim(judged: Judged, study: CheckedStudy, source: str, quick: bool, anchors: set[str]) -> ClaimPart:
    claim = judged.claim
    metric = metric_of(judged, study.metrics)
    seeds = seed_values(claim.check, study.pools, study.metrics)
    return ClaimPart(
        anchor=_anchor("claim", claim.id, anchors),
        id=claim.id,
        source=source,
        place=claim.place,
        says=claim.says,
        stated=evidence.stated(judged, metric),
        ours=evidence.ours(judged, metric),
        found=evidence.summary(judged, metric),
        badge=_badge(judged.verdict, quick),
        why=judged.why,
        checked=_checked(judged, metric),
        about=_about(judged),
        conditions=claim.conditions,
        assumed=claim.assumed,
        row=isinstance(claim.check, RunValue | ExactValue | Fact),
        strip=evidence.strip(judged, metric, seeds),
        per_seed=_per_seed(seeds) if judged.evidence else (),
    )


def metric_of(judged: Judged, metrics: Sequence[Metric]) -> Metric:
    """Return the metric that the claim's numbers are in; of an exact value and of a ratio it has no unit."""
    check = judged.claim.check
    return metric_named(check.metric if isinstance(check, RunValue | BetterThan) else "", metrics)


def _about(judged: Judged) -> tuple[str, ...]:
    check = judged.claim.check
    return (check.metric,) if isinstance(check, RunValue | BetterThan | FasterThan) else check.arms


def _checked(judged: Judged, metric: Metric) -> str:
    match judged.claim.check:
        case RunValue(arm, _, step):
            return f"{metric.words} of {arm} after step {step:,}"
        case ExactValue(quantity):
            return quantity
        case Fact(quantity, expected):
            return f"{quantity}, expected to be {expected:g}"
        case Bounded(arm, quantity, bound, above):
            return f"{quantity} of {arm}, {'at least' if above else 'at most'} {bound:g}"
        case Open(missing):
            return f"not checked: {missing}"
        case BetterThan(arm, other, _, step):
            return (
                f"{metric.words}, {arm} against {other}, {'mean over training' if step is None else f'after step {step:,}'}"
            )
        case FasterThan(arm, other, name, level):
            return f"steps until {name.replace('_', ' ')} is {level:g} or better, {arm} against {other}"


def _per_seed(seeds: SeedValues | None) -> tuple[tuple[str, str], ...]:
    if seeds is None:
        return ()
    return tuple(
        (f"{init}" if init == data else f"{init}/{data}", f"{value:.6g}" if np.isfinite(value) else "none")
        for (init, data), value in zip(seeds.pairs, seeds.values.tolist(), strict=True)
    )


def _curve(curve: CurveVerdict, study: CheckedStudy, quick: bool) -> CurvePart:
    known = bool(np.isfinite([curve.distance, curve.share]).all())
    distance = f"{curve.distance:.3g} standard deviations" if known else "none"
    share = f"{100 * curve.share:.0f} %" if known else "none"
    alt = f"The largest distance of the source's run: {distance}. Our seeds that are as far from the others: {share}."
    return CurvePart(
        arm=curve.arm,
        metrics=", ".join(metric_named(name, study.metrics).words for name in curve.metrics),
        values=curve.values,
        outside=f"{curve.outside} (by chance {curve.expected:.1f})",
        distance=distance,
        share=share,
        badge=_badge(curve.verdict, quick),
        strip=make_strip(curve.ours, alt=alt, show="{:.3g}".format, mark=curve.distance) if known else None,
    )


def _badge(verdict: Verdict, quick: bool) -> Badge:
    return Badge(SYMBOLS[verdict], str(verdict), verdict.name.lower().replace("_", "-"), quick)


def _anchor(kind: str, name: str, taken: set[str]) -> str:
    """Return an anchor that no other part has, and note it as taken."""
    anchor = base = f"{kind}-{slug(name)}"
    number = 1
    while anchor in taken:
        number += 1
        anchor = f"{base}-{number}"
    taken.add(anchor)
    return anchor


def _distinct(texts: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Yield (name, value) of nested values: {"git": {"dirty": True}} gives ("git, dirty", "yes")."""
    for name, value in values.items():
        label = f"{before}{name}"
        match value:
            case Mapping():
                yield from _flat(value, f"{label}, ")
            case list() | tuple():
                yield label, " ".join(map(str, value))
            case bool() | None:
                yield label, {True: "yes", False: "no", None: "none"}[value]
            case _:
                yield label, str(value)


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
