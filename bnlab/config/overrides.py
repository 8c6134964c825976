"""What `overrides` and `seeds` change in the fields of a config, before they are checked."""

import re
from typing import Any

from bnlab.config.strict_yaml import load_yaml
from bnlab.errors import UserError


def apply_override(fields: dict[str, Any], override: str) -> None:
    """Set the field that "a.b=value" names, making sections on the way. Raises: UserError."""
    path, separator, text = override.partition("=")
    keys = path.strip().split(".")
    if not separator or not all(keys):
        raise UserError(f"got '{override}', expected key=value such as model.norm.momentum=0.9", argument="overrides")
    section = fields
    for depth, key in enumerate(keys[:-1], start=1):
        here = ".".join(keys[:depth])
        if section.get(key) is None:
            if here == "model.norm" and keys[depth:] != ["kind"]:
                problem = "model.norm is null in this config; set model.norm.kind=batch first"
                raise UserError(f"{path}: {problem}", argument="overrides")
            section[key] = {}
        section = section[key]
        if not isinstance(section, dict):
            raise UserError(f"{path}: {here} is a value, it has no keys", argument="overrides")
    section[keys[-1]] = load_yaml(text, path, argument="overrides")


def parse_seeds(text: str) -> list[int]:
    """Return the seeds that "3", "0,1,5" or "0:16" (16 excluded) stand for. Raises: UserError."""
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
