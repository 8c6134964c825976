"""Settings for several configs: which of them takes which, so that none turns one config into another."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from bnlab.config.loading import load_config
from bnlab.config.overrides import Seeds, Setting, parse_setting
from bnlab.config.schema import Config
from bnlab.errors import UserError, nearest


class Takers(NamedTuple):
    """One of several configs: the names that a setting may call it by, as it is, and the settings that it has already."""

    names: Collection[str]
    config: Config
    has: Sequence[str] = ()


def load_configs(sources: Sequence[str | Path], *, overrides: Sequence[str] = (), seeds: Seeds | None = None) -> list[Config]:
    """Return several configs as `load_config` does; an override "NAME:a.b=value" is for the config of this name alone.

    Raises:
        UserError: as `load_config` and `share_settings`.
    """
    plain = [load_config(source, seeds=seeds) for source in sources]
    if not overrides:
        return plain
    names = zip(sources, plain, strict=True)
    takers = [Takers(tuple(dict.fromkeys((str(source), config.name))), config) for source, config in names]
    shared = zip(sources, share_settings(takers, overrides), strict=True)
    return [load_config(source, overrides=own, seeds=seeds) for source, own in shared]


def share_settings(
    takers: Sequence[Takers], settings: Sequence[str], *, argument: str = "overrides", expected: str | None = None
) -> list[list[str]]:
    """Return for each config the settings that it takes, as "a.b=value".

    "a.b=value" is for all of them, "NAME:a.b=value" for those of this name. A setting for all never makes a section, such as
    `model.norm`, in configs that lack it beside others that have it: that would turn one arm into another.

    Raises:
        UserError: a name that no config has; a setting that only some of the configs can take, and which.
    """
    shared: list[list[str]] = [[] for _ in takers]
    words = {"argument": argument} | ({"expected": expected} if expected else {})
    for text in settings:
        setting = parse_setting(text, **words)
        known = dict.fromkeys(name for taker in takers for name in taker.names)
        if setting.name is not None and setting.name not in known:
            problem = f"got '{text}', expected one of {', '.join(known)} before the colon{nearest(setting.name, known)}"
            raise UserError(problem, argument=argument)
        chosen = [i for i, taker in enumerate(takers) if setting.name is None or setting.name in taker.names]
        if setting.name is None:
            _refuse_mixed(takers, shared, setting, argument)
        for i in chosen:
            shared[i].append(setting.bare)
    return shared


def _refuse_mixed(takers: Sequence[Takers], shared: Sequence[Sequence[str]], setting: Setting, argument: str) -> None:
    lacking = [_lacking(taker, [*taker.has, *own], setting) for taker, own in zip(takers, shared, strict=True)]
    sections = [section for section in lacking if section]
    if not sections or len(sections) == len(takers):
        return
    names = [next(iter(taker.names)) for taker in takers]
    without = ", ".join(name for name, section in zip(names, lacking, strict=True) if section)
    having = [name for name, section in zip(names, lacking, strict=True) if not section]
    verb = "has" if len(sections) == 1 else "have"
    problem = (
        f"{setting.bare}: {without} {verb} no {sections[0]}, and {', '.join(having)} {'has' if len(having) == 1 else 'have'}"
    )
    option = {"overrides": "--set", "vary": "--vary"}[argument]
    written = " ".join(f"{option} {name}:{setting.bare}" for name in having)
    raise UserError(f"{problem} one", argument=argument, advice=f"give it to those that have one: {written}")


def _lacking(taker: Takers, settings: Sequence[str], setting: Setting) -> str | None:
    """Return the outermost section above the field that the config lacks; None where it has them all."""
    made = {parse_setting(text).key for text in settings}
    made |= {".".join(key.split(".")[:depth]) for key in made for depth in range(1, len(key.split(".")))}
    value: object = taker.config
    for depth, key in enumerate(setting.keys[:-1], start=1):
        value = getattr(value, key, None)
        here = ".".join(setting.keys[:depth])
        if value is None and here not in made:
            return here
    return None
