"""From what the user named to arms that may be compared: reads runs, loads configs, refuses, labels, trains."""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bnlab.compare.labels import make_labels, number_doubles
from bnlab.config import (
    Config,
    Seeds,
    Takers,
    load_config,
    parse_seeds,
    parse_setting,
    seeds_text,
    share_settings,
    shipped_configs,
    value_text,
)
from bnlab.errors import UserError
from bnlab.files import holds
from bnlab.runs import Pool, Run, gather, read_run, same_computation
from bnlab.studies import StudyArm

if TYPE_CHECKING:
    from bnlab.experiment import ArmPlan

DEFAULT_SEEDS = "0:16"
MOST_ARMS = 40
"""So many arms can be told apart in one figure (`plots.MAX_ARMS`)."""


@dataclass(frozen=True)
class Arm:
    """One arm: its label in figures and tables, its config (whose seeds are those wanted), and where its seeds come from.

    held: the seeds that finished runs hold. pool: all seeds, None until the missing ones are trained. plan: what is to be
    trained; None for an arm whose run folder the user named.
    """

    label: str
    config: Config
    held: Pool
    pool: Pool | None
    plan: "ArmPlan | None" = None

    @property
    def missing(self) -> int:
        """How many seeds are to be trained."""
        return len(self.plan.missing) if self.plan and self.pool is None else 0

    @property
    def trained(self) -> int:
        """How many seeds were trained for this comparison."""
        return len(self.plan.missing) if self.plan and self.pool is not None else 0

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs that its seeds lie in."""
        return (self.pool or self.held).runs


def find_arms(
    sources: Sequence[str | Path | StudyArm],
    *,
    seeds: Seeds | None = None,
    default_seeds: str = DEFAULT_SEEDS,
    overrides: Sequence[str] = (),
    vary: Sequence[str] = (),
) -> list[Arm]:
    """Return an arm for every source: a study's arm, a finished run's folder, a config file, or a shipped config's name.

    A config takes `overrides` ("a.b=value"), and with `vary` ("a.b=1,2,3") it makes an arm for each value; several make an
    arm for each combination, the first field changing slowest. "NAME:a.b=…" is for the source of this name alone. Seeds
    are `seeds`, else those of the runs among the sources, else `default_seeds`. They are taken from the finished runs of the
    same computation and numerics under runs/, and only the others are to be trained.

    Raises:
        UserError: a run that is not finished or was altered, a bad config, a setting that only some of the sources can
            take, or arms that cannot be compared, and why.
    """
    if not sources:
        raise UserError("got no arm, expected two or more")
    named = {i: read_run(s) for i, s in enumerate(sources) if not isinstance(s, StudyArm) and _is_folder(s)}
    if len(named) == len(sources) and (overrides or vary):
        argument = "overrides" if overrides else "vary"
        raise UserError("changes configs, and all arms are finished runs", argument=argument)
    pairs = [(seed, seed) for seed in parse_seeds(default_seeds if seeds is None else seeds)]
    if named and seeds is None:
        pairs = next(iter(named.values())).config.seeds.pairs
    variations = _variations([source for i, source in enumerate(sources) if i not in named], overrides, vary)
    arms: list[Arm] = []
    stated: list[str | None] = []  # the label of an arm as its study has it
    for i, source in enumerate(sources):
        if i in named:
            arms.append(_of_run(named[i], str(source), named[i].config.seeds.pairs if seeds is None else pairs))
            stated.append(None)
            continue
        own = next(variations)
        for settings, change in own:
            name = source.config if isinstance(source, StudyArm) else source
            config = load_config(name, overrides=[*settings, *change]).with_seeds(pairs)
            arms.append(Arm(" ".join([str(name), *change]), config, Pool(config, (), ()), None))
            stated.append(source.label if isinstance(source, StudyArm) and not change else None)
    if len(arms) < 2:
        raise UserError(
            f"{arms[0].label}: one arm alone",
            advice="name two or more, or give one config several values with --vary",
        )
    if len(arms) > MOST_ARMS:
        raise UserError(f"got {len(arms)} arms, expected at most {MOST_ARMS}, which figures can tell apart")
    check_comparable(arms)
    arms = _planned(arms)
    _refuse_same_runs(arms, changed=len(sources) > 1 and bool(overrides or vary))
    folders = [arm.runs[0].path.name if arm.plan is None else "" for arm in arms]
    labels = make_labels([arm.config for arm in arms], folders)
    labels = number_doubles([of_study or label for of_study, label in zip(stated, labels, strict=True)])
    return [replace(arm, label=label) for arm, label in zip(arms, labels, strict=True)]


def train_missing(arms: Sequence[Arm], on_steps: Callable[[int, int], None] | None = None) -> list[Arm]:
    """Return the arms with every seed there: what is missing is trained, all arms and seeds in one pool of threads.

    An unfinished run of missing seeds is resumed.

    Raises:
        UserError: data that cannot be had, a folder that cannot be written.
    """
    plans = [arm.plan for arm in arms if arm.plan and arm.missing]
    if not plans:
        return list(arms)
    from bnlab import experiment

    experiment.preload("bnlab.plots", "scipy.stats")
    pools = iter(experiment.complete(plans, on_steps=on_steps))
    return [replace(arm, pool=next(pools)) if arm.missing else arm for arm in arms]


def _of_run(run: Run, source: str, pairs: Sequence[tuple[int, int]]) -> Arm:
    pool, missing = gather(run.config.with_seeds(pairs), [run])
    if missing:
        holds, wanted = seeds_text(run.config), seeds_text(run.config.with_seeds(pairs))
        raise UserError(f"{source}: this run holds the seeds {holds}, expected {wanted}", argument="seeds")
    return Arm(source, pool.config, pool, pool)


def _planned(arms: Sequence[Arm]) -> list[Arm]:
    """Return the arms with what finished runs hold of their seeds."""
    if all(arm.pool for arm in arms):
        return list(arms)
    from bnlab import experiment

    plans = iter(experiment.plan_arms([arm.config for arm in arms if arm.pool is None]))
    made: list[Arm] = []
    for arm in arms:
        if arm.pool is None:
            plan = next(plans)
            arm = replace(arm, held=plan.held, pool=plan.held if plan.complete else None, plan=plan)
        made.append(arm)
    return made


def check_comparable(arms: Sequence[Arm]) -> None:
    """Raise UserError, with the reason, unless every arm has the data, loss, record steps and seeds of the first."""
    first = arms[0]
    for arm in arms[1:]:
        for field, why, got, expected in _conditions(arm.config, first.config):
            if got != expected:
                raise UserError(
                    f"{arm.label}: {field}: got {got}, expected {expected} as in {first.label}: {why} cannot be compared"
                )


def _refuse_same_runs(arms: Sequence[Arm], *, changed: bool) -> None:
    """Raise UserError where two arms are the same seeds of the same computation, so that they cannot differ.

    changed: settings that were for all arms may have made them so.
    """
    advice = "give a setting to one of them: --set NAME:KEY=VALUE" if changed else None
    for i, arm in enumerate(arms):
        for other in arms[:i]:
            if arm.plan and other.plan and same_computation(arm.config, other.config):
                same = f"{arm.label}: computes the same as {other.label}{' with these settings' if changed else ''}"
                raise UserError(f"{same}; there is nothing to compare", advice=advice)
            shared = {run.path.resolve() for run in arm.runs} & {run.path.resolve() for run in other.runs}
            if shared:
                raise UserError(f"{arm.label}: is the same run as {other.label}; there is nothing to compare")


def _conditions(config: Config, first: Config) -> Iterator[tuple[str, str, str, str]]:
    """Yield (field, what differs, got, expected) of all that arms must share."""
    yield "data.name", "arms on different data", config.data.name, first.data.name
    yield "data", "arms on different data", _data(config), _data(first)
    yield "loss", "losses of different kinds", config.loss, first.loss
    yield "record steps", "arms recorded at different steps", _record_steps(config), _record_steps(first)
    yield "seeds", "arms of different seeds", *_seeds(config, first)


def _seeds(config: Config, first: Config) -> tuple[str, str]:
    """Return the seeds of both in words. Of long lists that begin alike, these are the two seeds that differ first."""
    got, expected = config.seeds.pairs, first.seeds.pairs
    words = seeds_text(config), seeds_text(first)
    if words[0] != words[1] or got == expected:
        return words
    place = next(place for place, both in enumerate(zip(got, expected, strict=True)) if both[0] != both[1])
    one, other = (f"{seeds_text(config.with_seeds([seeds[place]]))} as seed {place + 1}" for seeds in (got, expected))
    return one, other


def _data(config: Config) -> str:
    """Return what decides the rows of a file of the user's own: its content, not its path."""
    found, fields = config.data.found, config.data.model_dump(mode="json", exclude={"path", "found"})
    content = [f"sha256 {found.sha256[:12]}…"] if found else []
    return ", ".join([*content, *(f"{name} {value_text(value)}" for name, value in fields.items())])


def _record_steps(config: Config) -> str:
    return f"every {config.record_every:,} up to {config.num_steps:,}"


def _is_folder(source: str | Path) -> bool:
    path = Path(source)
    try:
        return path.is_dir() and (holds(path, "config.yaml") or str(source) not in shipped_configs())
    except OSError:  # the search for a config says what is wrong
        return False


_VARY = "key=value,value,… such as l2_penalty.scale=0,1e-4,1e-3"


def _variations(
    sources: Sequence[str | Path | StudyArm], overrides: Sequence[str], vary: Sequence[str]
) -> Iterator[list[tuple[list[str], tuple[str, ...]]]]:
    """Yield for each config (its settings, the varied values) of every arm that it makes; one arm where nothing varies."""
    takers: list[Takers] = []
    for source in sources:
        of_study = isinstance(source, StudyArm)
        name, own = (source.config, source.overrides) if of_study else (source, ())
        config = load_config(name, overrides=own)
        names = [*([source.label] if of_study else []), str(name), config.name]
        takers.append(Takers(tuple(dict.fromkeys(names)), config, own))
    settings = [[*taker.has, *own] for taker, own in zip(takers, share_settings(takers, overrides), strict=True)]
    takers = [taker._replace(has=own) for taker, own in zip(takers, settings, strict=True)]
    for own, varied in zip(settings, share_settings(takers, vary, argument="vary", expected=_VARY), strict=True):
        yield [(own, change) for change in itertools.product(*_values(varied))]


def _values(vary: Sequence[str]) -> Iterator[list[str]]:
    """Yield the settings of each varied field: ["a.b=1", "a.b=2"]."""
    seen: set[str] = set()
    for text in vary:
        setting = parse_setting(text, argument="vary", expected=_VARY)
        if setting.key in seen:
            raise UserError(f"{setting.key}: is varied twice", argument="vary", advice="write all its values in one --vary")
        seen.add(setting.key)
        values = re.split(r",\s*(?![^\[{]*[\]}])", setting.text.strip())  # not at a comma in brackets
        if not all(values):
            raise UserError(f"got '{text}', expected {_VARY}", argument="vary")
        yield [f"{setting.key}={value}" for value in values]
