"""Sources to verdicts: trains the seeds that no finished run holds, and judges every claim."""

import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from bnlab import claims, data, experiment, runtime
from bnlab.claims import BetterThan, Bounded, Claim, ExactEvidence, ExactValue, Fact, FasterThan, Judged, Open, RunValue
from bnlab.config import Config, parse_seeds
from bnlab.environment import describe_environment
from bnlab.errors import UserError, nearest
from bnlab.experiment import OnSteps
from bnlab.metrics import find_metric, metrics_of
from bnlab.papers import PAPERS
from bnlab.report.model import BesideSystem, CheckedSource, CheckedStudy, CurveVerdict, Reproduction
from bnlab.report.seeds import SeedValues, measured, one_per_seed
from bnlab.runs import Pool
from bnlab.sources import SOURCES
from bnlab.statistics import MIN_PAIRS, StatedValue, judge_whole_run
from bnlab.studies import Article, Quantities, Study

Watch = Callable[[str], AbstractContextManager[OnSteps | None]]
"""Given what is trained, returns a context that shows its progress."""

TOO_LONG = "quick: this study is too long for a quick reproduction"
CHANCE_OUTSIDE = 0.05
"""The share of true values that lie outside their 95 % interval."""

Pools = Mapping[str, Pool]
"""{an arm's label: its seeds}."""


def reproduce(
    sources: Sequence[str] = (),
    *,
    seeds: int = 20,
    quick: bool = False,
    full: bool = False,
    command: Sequence[str] = ("bnlab", "reproduce"),
    known: Mapping[str, Article] = SOURCES,
    watch: Watch = lambda what: nullcontext(),
) -> Reproduction:
    """Train what is missing of the sources' studies, check each of their claims, and return what was found.

    sources: ids of `known` ones, such as "003"; all for none. seeds: 0 to this number, excluded, in every arm. A study with
    a reason for few seeds (`Study.few_seeds`) has no more than its own, unless `full`. quick: MIN_PAIRS seeds and short
    trainings, and papers only where they are named. Seeds that finished runs hold are taken from there, and unfinished runs
    are resumed.

    A check that raises an error is *not run*, with the error, and the others go on. So are the claims of a study whose data
    cannot be had.

    Raises:
        UserError: an unknown source, or fewer than one seed.
        KeyboardInterrupt: Ctrl-C; its message says what was kept.
    """
    if seeds < 1:
        raise UserError(f"got {seeds}, expected 1 or more", argument="seeds")
    if unknown := [source for source in sources if source not in known]:
        raise UserError(f"{unknown[0]}: expected one of {', '.join(known)}{nearest(unknown[0], known)}")
    runtime.configure()
    began = time.perf_counter()
    seeds = min(seeds, MIN_PAIRS) if quick else seeds
    data_problem = _data_problems(quick)
    checked: list[CheckedSource] = []
    for id in dict.fromkeys(sources or (id for id in known if not (quick and id in PAPERS))):
        article, studies = known[id], []
        for study in article.studies:
            left_out = TOO_LONG if quick and study.arms and study.quick_steps == 0 else ""
            studies.append(_check_study(article, study, seeds, quick, full, left_out, data_problem, watch))
        checked.append(CheckedSource(article.source, tuple(studies)))
    return Reproduction(
        sources=tuple(checked),
        seeds=seeds,
        quick=quick,
        command=tuple(command),
        date=time.strftime("%Y-%m-%d"),
        seconds=time.perf_counter() - began,
        environment=describe_environment(),
    )


class Checked(NamedTuple):
    """A claim with its verdict, and what each seed says of it; None where no seed is asked."""

    judged: Judged
    seeds: SeedValues | None = None


def check_claim(claim: Claim, article: Article, quantities: Quantities, pools: Pools) -> Checked:
    """Check the claim by its arms' seeds, or by what its quantity comes to."""
    check = claim.check
    match check:
        case Open():
            return Checked(claims.underspecified(claim, check.missing))
        case ExactValue() | Fact():
            return Checked(claims.judge_exact(claim, quantities[check.quantity]()))
        case RunValue() | Bounded() | BetterThan() | FasterThan():
            own = pools[check.arm].config
            arms = [measured(check, pools[label], article.seed_quantities()) for label in check.arms]
            match check:
                case RunValue():
                    judged = claims.judge_run(claim, *arms)
                case Bounded():
                    judged = claims.judge_bound(claim, *arms)
                case BetterThan() | FasterThan():
                    lower = find_metric(check.metric, own).lower_is_better
                    judged = claims.judge_order(claim, *arms, lower_is_better=lower)
            return Checked(judged, one_per_seed(check, arms, own.seeds.pairs))


def judge_curves(study: Study, pools: Pools) -> tuple[CurveVerdict, ...]:
    """Return the verdict on all stated values of each arm's run together, for every arm with two or more."""
    verdicts: list[CurveVerdict] = []
    for label, pool in pools.items():
        stated = [
            (claim, claim.check)
            for claim in study.stated_runs(label)
            if isinstance(claim.check, RunValue) and claim.check.step <= pool.config.num_steps
        ]
        if len(stated) < 2:
            continue
        by_claim = [measured(check, pool, {}) for _, check in stated]
        values = np.stack(by_claim, axis=1)
        whole = judge_whole_run(np.array([claim.stated.value for claim, _ in stated if claim.stated]), values)
        singles = [claims.judge_run(claim, column).evidence for (claim, _), column in zip(stated, values.T, strict=True)]
        verdicts.append(
            CurveVerdict(
                arm=label,
                metrics=tuple(dict.fromkeys(check.metric for _, check in stated)),
                values=len(stated),
                distance=np.nan if whole.distance is None else whole.distance,
                ours=np.array(whole.ours),
                share=np.nan if whole.share is None else whole.share,
                outside=sum(isinstance(single, StatedValue) and _is_outside(single) for single in singles),
                expected=CHANCE_OUTSIDE * len(stated),
                verdict=whole.verdict,
            )
        )
    return tuple(verdicts)


def _check_study(
    article: Article,
    study: Study,
    seeds: int,
    quick: bool,
    full: bool,
    why_not: str,
    data_problem: Callable[[str], str],
    watch: Watch,
) -> CheckedStudy:
    """Train the study's arms, unless `why_not` says why they are left out, and check its claims."""
    began = time.perf_counter()
    count = seeds if full or not study.few_seeds else min(seeds, len(parse_seeds(study.seeds)))
    configs = {arm.label: arm.load(f"0:{count}") for arm in study.arms}
    all_steps = {label: config.num_steps for label, config in configs.items()}
    if quick and study.quick_steps:
        configs = {label: _cut(config, study.quick_steps) for label, config in configs.items()}
    pools, trained = {}, 0
    if configs and not why_not:
        try:
            pools, trained = _train(study.id, configs, data_problem, watch)
        except UserError as error:
            why_not = _said(error)
    quantities = article.quantities()

    def check(claim: Claim) -> Checked:
        if why_not:
            return Checked(claims.not_run(claim, why_not))
        for label in claim.check.arms:
            steps = pools[label].config.num_steps
            if steps < (_step_of(claim) or all_steps[label]):
                short = f"quick: trained for {steps:,} steps only, which is too short for this claim"
                return Checked(claims.not_run(claim, short))
        checked = _check(claim, article, quantities, pools)
        return checked._replace(judged=_with_quick_note(checked.judged, pools)) if quick else checked

    checked = [check(claim) for claim in study.claims]
    judged = tuple(one.judged for one in checked)
    return CheckedStudy(
        study=study,
        judged=judged,
        seeds={one.judged.claim.id: one.seeds for one in checked if one.seeds},
        beside=tuple(beside_system(study, judged, pools)),
        pools=pools,
        metrics=metrics_of(next(iter(configs.values()))) if configs else (),
        curves=judge_curves(study, pools),
        command=_command(article, study, count),
        seconds=time.perf_counter() - began,
        trained=trained,
        why_not=why_not,
    )


def _train(
    name: str, configs: Mapping[str, Config], data_problem: Callable[[str], str], watch: Watch
) -> tuple[dict[str, Pool], int]:
    plans = experiment.plan_arms(list(configs.values()))
    missing = sum(len(plan.missing) for plan in plans)
    if missing:
        for needed in dict.fromkeys(plan.config.data.name for plan in plans if plan.missing):
            if problem := data_problem(needed):
                raise UserError(problem)
        with watch(name) as on_steps:
            pools = experiment.complete(plans, on_steps=on_steps)
    else:
        pools = [plan.held for plan in plans]
    return dict(zip(configs, pools, strict=True)), missing


def _check(claim: Claim, article: Article, quantities: Quantities, pools: Pools) -> Checked:
    """Return what `check_claim` does; where it raises an error, that the claim was not checked."""
    try:
        return check_claim(claim, article, quantities, pools)
    except UserError as error:  # data that cannot be had
        return Checked(claims.not_run(claim, _said(error)))
    except Exception as error:  # whatever is wrong with one check must not take the others down
        why = f"the check ended with {type(error).__name__}: {error}"
        return Checked(claims.not_run(claim, why, raised=True))


def beside_system(study: Study, judged: Iterable[Judged], pools: Pools) -> Iterator[BesideSystem]:
    """Yield each value that the source's own system gave, with the stated one and ours."""
    claimed = {one.claim.check: one for one in judged}
    for check, text in study.measured.values if study.measured else ():
        one, ours = claimed.get(check), np.zeros(0)
        if one and isinstance(one.evidence, ExactEvidence):
            ours = np.array([one.evidence.ours])
        elif isinstance(check, RunValue) and check.arm in pools and check.step in pools[check.arm].step:
            ours = measured(check, pools[check.arm], {})
        yield BesideSystem(check, text, one.claim if one else None, ours)


def _said(error: UserError) -> str:
    """Return what was wrong, and what to do about it."""
    return "; ".join(filter(None, [str(error), error.advice]))


def _with_quick_note(judged: Judged, pools: Pools) -> Judged:
    """Return the verdict of a quick reproduction with why it is weak, after its own reason, where it has one."""
    arms = [pools[label].config for label in judged.claim.check.arms]
    small = (
        f"quick: {len(arms[0].seeds.pairs)} seeds of {arms[0].num_steps:,} steps" if arms else "quick: nothing was left out"
    )
    return replace(judged, why=f"{judged.why.removesuffix('.')}; {small}" if judged.why else small)


def _step_of(claim: Claim) -> int | None:
    """Return the step that the claim is about; None where that is the whole training."""
    return claim.check.step if isinstance(claim.check, RunValue | BetterThan) else None


def _is_outside(evidence: StatedValue) -> bool:
    return evidence.low is not None and evidence.high is not None and not evidence.low <= evidence.stated <= evidence.high


def _cut(config: Config, steps: int) -> Config:
    return config.with_steps(min(steps, config.num_steps))


def _command(article: Article, study: Study, seeds: int) -> str:
    """Return the command that repeats a study."""
    if not study.arms:
        return f"bnlab reproduce {article.source.id}"
    return shlex.join(["bnlab", "compare", study.id, "--seeds", f"0:{seeds}"])


def _data_problems(quick: bool) -> Callable[[str], str]:
    """Return a function that says why a data set cannot be had; empty where it can. It asks for each data set once."""

    @cache
    def problem(name: str) -> str:
        if quick and (missing := [file for file in data.status() if file.dataset == name and file.state == "missing"]):
            return (
                f"{name}: {missing[0].file} is missing, and a quick reproduction fetches nothing; run bnlab data fetch {name}"
            )
        try:
            data.load(name)
        except UserError as error:
            return _said(error)
        return ""

    return problem
