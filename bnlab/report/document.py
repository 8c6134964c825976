"""A reproduction as a document: every word and picture of the report, which each format only has to lay out."""

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bnlab import __version__
from bnlab.claims import BetterThan, Bounded, Check, ExactValue, Fact, FasterThan, Judged, Open, RunValue
from bnlab.compare import wording
from bnlab.config import seeds_text
from bnlab.inline import count
from bnlab.metrics import Metric
from bnlab.report import evidence, figures
from bnlab.report.figures import Pair
from bnlab.report.model import BesideSystem, CheckedSource, CheckedStudy, CurveVerdict, Reproduction, training_seconds
from bnlab.report.seeds import SeedValues, metric_named
from bnlab.report.strips import Strip, make_strip
from bnlab.report.text import slug
from bnlab.statistics import SEEDS_TO_CONTRADICT_A_RUN, Verdict

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

    anchor: its place in the page. row: one number decides it, so a row shows all. checked: how it is checked; empty where
    the saying says so itself. about: the metric that it is about; the arms, where it is about another quantity. per_seed:
    (seed, value). unsettled: why our seeds do not settle it, where they do not.
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
    unsettled: str
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
class BesidePart:
    """One value three times: as the source states it (or ""), as its own system gave it for us, and as we have it."""

    what: str
    stated: str
    system: str
    ours: str
    n: str
    strip: Strip | None


@dataclass(frozen=True)
class Drawn:
    """A figure, and the sayings that are about what it shows."""

    pair: Pair
    said: tuple[ClaimPart, ...]


@dataclass(frozen=True)
class StudyPart:
    """One study: its arms, figures and claims. system: what gave the values in `beside` that are neither stated nor ours."""

    id: str
    title: str
    arms: tuple[tuple[str, str, str], ...]
    seeds: str
    command: str
    time: str
    why_not: str
    drawn: tuple[Drawn, ...]
    system: str
    beside: tuple[BesidePart, ...]
    curves: tuple[CurvePart, ...]
    curves_note: str
    numbers: tuple[ClaimPart, ...]
    sayings: tuple[ClaimPart, ...]
    conditions: tuple[str, ...]
    assumed: tuple[str, ...]


@dataclass(frozen=True)
class SourcePart:
    """One source: what it did, its studies, what it left open.

    counts: how many claims have each verdict, in the order of SYMBOLS. seeds: how many its arms have: "6, 20". training: how
    long their training took when it was done.
    """

    id: str
    anchor: str
    name: str
    title: str
    system: str
    did: str
    left_open: tuple[str, ...]
    assumed: tuple[str, ...]
    departures: tuple[str, ...]
    studies: tuple[StudyPart, ...]
    counts: tuple[int, ...]
    seeds: str
    training: str

    @property
    def claims(self) -> tuple[ClaimPart, ...]:
        """All claims, the sayings of each study first."""
        return tuple(claim for study in self.studies for claim in (*study.sayings, *study.numbers))


@dataclass(frozen=True)
class Document:
    """The whole report.

    time: how long this reproduction took. training: how long training its seeds took when it was done, now or before.
    badges: the verdicts in the order of `counts`, each with its meaning and how often it was given.
    """

    title: str
    quick: bool
    summary: str
    seeds: int
    command: str
    date: str
    time: str
    training: str
    version: str
    badges: tuple[tuple[Badge, str, int], ...]
    sources: tuple[SourcePart, ...]
    environment: tuple[tuple[str, str, bool], ...]

    @property
    def claims(self) -> int:
        """How many claims there are."""
        return sum(count for _, _, count in self.badges)

    @property
    def claims_in_order(self) -> tuple[ClaimPart, ...]:
        """All claims, source by source."""
        return tuple(claim for source in self.sources for claim in source.claims)

    @property
    def exceptions(self) -> tuple[ClaimPart, ...]:
        """The claims that were to be checked and are not reproduced; a quick reproduction checks those that it runs."""
        fine = (Verdict.REPRODUCED, Verdict.UNDERSPECIFIED, *([Verdict.NOT_RUN] if self.quick else []))
        well = [_badge(verdict, self.quick) for verdict in fine]
        return tuple(claim for claim in self.claims_in_order if claim.badge not in well)


def make_document(reproduction: Reproduction) -> Document:
    """Return the document of a reproduction. It draws every figure."""
    counts = Counter(judged.verdict for judged in reproduction.judged)
    anchors: set[str] = set()
    sources = tuple(_source(source, reproduction.quick, anchors) for source in reproduction.sources)
    total = sum(counts.values())
    said = [f"{counts[verdict]} {verdict}" for verdict in SYMBOLS if counts[verdict]]
    return Document(
        title=f"bnlab report: {count(total, 'claim')} of {count(len(sources), 'source')}",
        quick=reproduction.quick,
        summary=f"{', '.join(said)}." if said else "No claim was checked.",
        seeds=reproduction.seeds,
        command=shlex.join(reproduction.command),
        date=reproduction.date,
        time=duration(reproduction.seconds),
        training=duration(reproduction.training_seconds),
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
        studies=tuple(_study(study, wording.capital(source.name), quick, anchors, shown) for study in checked.studies),
        counts=tuple(counts[verdict] for verdict in SYMBOLS),
        seeds=", ".join(map(str, sorted({len(pool.places) for study in checked.studies for pool in study.pools.values()}))),
        training=duration(training) if (training := training_seconds(checked.studies)) else "",
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
    seeds = count(len(pools[0].places), "seed") + f" ({seeds_text(pools[0].config)})" if pools else ""
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
        system=checked.study.measured.system if checked.study.measured else "",
        beside=tuple(_beside(one, checked) for one in checked.beside),
        curves=tuple(_curve(curve, checked, quick) for curve in checked.curves),
        curves_note=_curves_note(checked.curves),
        numbers=numbers,
        sayings=tuple(claim for claim in claims if not claim.row),
        conditions=_distinct(claim.conditions for claim in numbers),
        assumed=_distinct(claim.assumed for claim in numbers),
    )


def _time(checked: CheckedStudy) -> str:
    trained = f"{count(checked.trained, 'seed')} of all arms trained now" if checked.trained else "nothing had to be trained"
    return f"{duration(checked.seconds)}; {trained}"


def _claim(judged: Judged, study: CheckedStudy, source: str, quick: bool, anchors: set[str]) -> ClaimPart:
    claim = judged.claim
    metric = metric_of(claim.check, study.metrics)
    seeds = study.seeds.get(claim.id)
    checked = _checked(judged.claim.check, metric)
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
        unsettled=evidence.unsettled(judged),
        checked="" if checked in claim.says else checked,
        about=_about(judged),
        conditions=claim.conditions,
        assumed=claim.assumed,
        row=isinstance(claim.check, RunValue | ExactValue | Fact),
        strip=evidence.strip(judged, metric, seeds),
        per_seed=_per_seed(seeds),
    )


def metric_of(check: Check, metrics: Sequence[Metric]) -> Metric:
    """Return the metric that a check's numbers are in; of an exact value and of a ratio it has no unit."""
    return metric_named(check.metric if isinstance(check, RunValue | BetterThan) else "", metrics)


def _about(judged: Judged) -> tuple[str, ...]:
    check = judged.claim.check
    return (check.metric,) if isinstance(check, RunValue | BetterThan | FasterThan) else check.arms


def _checked(check: Check, metric: Metric) -> str:
    match check:
        case RunValue(arm, _, step):
            return f"{metric.words} of {arm} after step {step:,}"
        case ExactValue(quantity) | Fact(quantity):
            return quantity
        case Bounded(arm, quantity, bound, above):
            return f"{arm}: {quantity}, {'at least' if above else 'at most'} {bound:g}"
        case Open():
            return ""
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


def _beside(one: BesideSystem, study: CheckedStudy) -> BesidePart:
    metric = metric_of(one.check, study.metrics)
    ours = evidence.ours_beside(one, metric)
    return BesidePart(
        what=wording.capital(_checked(one.check, metric)),
        stated=evidence.in_unit(one.claim.printed, metric) if one.claim else "",
        system=evidence.in_unit(one.system, metric),
        ours=ours.value,
        n=ours.n,
        strip=evidence.strip_beside(one, metric),
    )


def _curves_note(curves: Sequence[CurveVerdict]) -> str:
    """Return what so many seeds can say of a whole run at most."""
    n = max((len(curve.ours) for curve in curves), default=0)
    if not n or n >= SEEDS_TO_CONTRADICT_A_RUN:
        return ""
    return (
        f"A run that lies beyond all of our {n} seeds is the first among {n + 1}, which is {100 / (n + 1):.1f} %. The "
        f'verdict "{Verdict.CONTRADICTED}" takes 0.1 %, and so {SEEDS_TO_CONTRADICT_A_RUN} seeds or more. With {n} seeds no '
        "run as a whole can get it."
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
