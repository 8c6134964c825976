"""What `overrides` and `seeds` change in the fields of a config, before they are checked."""

import copy
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from bnlab.config.strict_yaml import load_yaml
from bnlab.errors import UserError

Seeds = str | int | Iterable[int]
"""3, "0,1,5", "0:16" (16 is excluded), [0, 1, 5] or range(16)."""


class Setting(NamedTuple):
    """What "NAME:a.b=value" says: a field, its new value as YAML, and the config that takes it (None for all)."""

    name: str | None
    key: str
    text: str

    @property
    def keys(self) -> list[str]:
        """The keys from the outermost section to the field."""
        return self.key.split(".")

    @property
    def bare(self) -> str:
        """The setting without the name of a config."""
        return f"{self.key}={self.text}"


def parse_setting(
    text: str, *, argument: str = "overrides", expected: str = "key=value such as model.norm.momentum=0.9"
) -> Setting:
    """Return what a setting says. Raises: UserError, which names `argument` and what was expected."""
    path, separator, value = text.partition("=")
    name, colon, key = path.rpartition(":")
    setting = Setting(name.strip() if colon else None, key.strip(), value)
    if not separator or not all(setting.keys) or setting.name == "":
        raise UserError(f"got '{text}', expected {expected}", argument=argument)
    return setting


DISPLACES = {"num_epochs": "num_steps", "num_steps": "num_epochs"}
"""{field: another that says the same in another way, and goes where an override sets the field}."""


def apply_overrides(fields: dict[str, Any], overrides: Sequence[str]) -> None:
    """Set the fields that "a.b=value" name, one after the other, making sections on the way. Raises: UserError."""
    done: list[str] = []
    for override in overrides:
        setting = parse_setting(override)
        if setting.name is not None:
            problem = f"got '{override}', expected key=value without a name: there is one config alone"
            raise UserError(problem, argument="overrides")
        if DISPLACES.get(setting.key) in done:
            problem = f"got '{setting.key}' beside '{DISPLACES[setting.key]}', expected one of the two"
            raise UserError(problem, argument="overrides")
        set_field(fields, setting.key, load_yaml(setting.text, setting.key, argument="overrides"), argument="overrides")
        done.append(setting.key)


def set_field(fields: dict[str, Any], path: str, value: object, *, argument: str | None = None) -> None:
    """Set the field "a.b", making sections on the way. Raises: UserError, which names `argument`."""
    keys = path.split(".")
    section = fields
    for depth, key in enumerate(keys[:-1], start=1):
        here = ".".join(keys[:depth])
        if section.get(key) is None:
            if here == "model.norm" and keys[depth:] != ["kind"]:
                problem = "model.norm is null in this config; set model.norm.kind=batch (or another) first"
                raise UserError(f"{path}: {problem}", argument=argument)
            section[key] = {}
        section = section[key]
        if not isinstance(section, dict):
            raise UserError(f"{path}: {here} is a value, it has no keys", argument=argument)
    section[keys[-1]] = copy.deepcopy(value)
    fields.pop(DISPLACES.get(path, ""), None)
    if keys[0] == "data" and isinstance(fields["data"], dict) and path != "data.found":
        fields["data"].pop("found", None)  # it is of another file, or of the same file split in another way


def parse_seeds(written: Seeds) -> list[int]:
    """Return the seeds. Raises: UserError."""
    text = ",".join(map(str, written)) if isinstance(written, Iterable) and not isinstance(written, str) else str(written)
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,10})(?::(\d{1,10}))?\s*", part)
        if not match:
            expected = "a number, a list such as 0,1,5 or a range such as 0:16"
            raise UserError(f"got '{text}', expected {expected}", argument="seeds")
        first = int(match[1])
        last = first + 1 if match[2] is None else int(match[2])
        if last <= first:
            raise UserError(f"got '{part.strip()}', an empty range; its end is excluded", argument="seeds")
        if last > 2**32 or last - first > 1_000_000:
            raise UserError(f"got '{part.strip()}', expected at most 1,000,000 seeds below 2³²", argument="seeds")
        seeds += range(first, last)
    if len(set(seeds)) < len(seeds):
        raise UserError(f"got '{text}', expected every seed once", argument="seeds")
    return seeds
