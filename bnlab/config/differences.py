"""In which fields configs differ, and how a value is written in a few letters."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from bnlab.config.schema import WORDS, Config

NOT_COMPUTED = {*WORDS, "seeds"}
MOST_NAMED = 20
"""So many seeds are named; of more only the first ones."""


def computed_fields(config: Config) -> dict[str, Any]:
    """Return the fields of a config that decide what one seed computes, as JSON has them."""
    fields = config.model_dump(mode="json", exclude={**dict.fromkeys(NOT_COMPUTED, True), "data": {"found"}})
    fields.setdefault("num_steps", None)  # where num_epochs says it
    return fields


def differing_keys(sections: Sequence[Mapping[str, Any]], above: str = "") -> Iterator[str]:
    """Yield the dotted keys in which the sections differ; a section that some lack, or that has other keys, is one key."""
    for key in sections[0]:
        values = [section.get(key) for section in sections]
        if all(value == values[0] for value in values):
            continue
        inner = [value for value in values if isinstance(value, dict)]
        if len(inner) == len(values) and len({tuple(section) for section in inner}) == 1:
            yield from differing_keys(inner, f"{above}{key}.")
        else:
            yield f"{above}{key}"


def value_at(fields: Mapping[str, Any], key: str) -> Any:
    """Return the value of a dotted key in sections of sections."""
    value: Any = fields
    for part in key.split("."):
        value = value[part]
    return value


def changes(before: Config, after: Config) -> list[str]:
    """Return what is computed otherwise in `after`, as "a.b=value"; of a new section, what is not at its default."""
    keys = differing_keys([computed_fields(before), computed_fields(after)])
    unused = "num_epochs" if after.num_epochs is None else "num_steps"
    return [f"{key}={_whole_text(_get(after, key))}" for key in keys if key != unused]


def value_text(value: object) -> str:
    """Return a value in its shortest form: a number by its digits, a section by its first value (a norm by its kind)."""
    if isinstance(value, dict):
        return value_text(next(iter(value.values()), None))
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else json.dumps(value).strip('"')


def _whole_text(value: object) -> str:
    if not isinstance(value, BaseModel):
        return value_text(value)
    first = next(iter(type(value).model_fields))
    shown = {first, *value.model_dump(exclude_defaults=True)}
    inner = (f"{name}: {_whole_text(getattr(value, name))}" for name in type(value).model_fields if name in shown)
    return f"{{{', '.join(inner)}}}"


def _get(config: Config, key: str) -> object:
    value: object = config
    for part in key.split("."):
        value = getattr(value, part)
    return value


def seeds_text(config: Config) -> str:
    """Return the config's seeds in few words: "0:16", "0, 1, 5", or "init 0, 1 with data 3, 3"."""
    inits, datas = zip(*config.seeds.pairs, strict=True)
    if inits != datas:
        return f"init {_numbers_text(inits)} with data {_numbers_text(datas)}"
    return _numbers_text(inits)


def seeds_argument(seeds: Sequence[int]) -> str:
    """Return what `--seeds` takes for these seeds: "0:16" or "0,1,5"."""
    if len(seeds) > 2 and all(one == seeds[0] + place for place, one in enumerate(seeds)):
        return f"{seeds[0]}:{seeds[-1] + 1}"
    return ",".join(map(str, seeds))


def _numbers_text(numbers: Sequence[int]) -> str:
    whole = seeds_argument(numbers)
    if len(numbers) <= MOST_NAMED or ":" in whole:
        return whole.replace(",", ", ")
    return f"{', '.join(map(str, numbers[:MOST_NAMED]))}, … ({len(numbers)} of them)"
