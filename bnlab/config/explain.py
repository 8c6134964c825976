"""What a validation error means for the user: place, got, expected, nearest."""

import re
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from bnlab.config.schema import Config, NormConfig
from bnlab.errors import nearest
from bnlab.options import LIMITS, OptionError


def explain(error: ValidationError, schema: type[BaseModel] = Config) -> Iterable[str]:
    """Yield one line for each mistake in fields of the `schema`: place, got, expected, nearest."""
    seen: set[str] = set()
    for detail in error.errors():
        place = [str(part) for part in detail["loc"]]
        if detail["type"] != "extra_forbidden":  # its last part is the user's own word; others may name union members
            place = [part for part in place if not part.startswith(("constrained-", "tuple[", "function-"))]
            place = [part for part in place if part not in ("int", "Constrained")]
        tagged, place = place, [*place[:2], *place[3:]] if place[:2] == ["model", "norm"] else place  # without its kind
        where, got, kind, context = ".".join(place), detail["input"], detail["type"], detail.get("ctx", {})
        if kind == "extra_forbidden":
            known = _known_keys(schema, tagged[:-1])
            line = f"{where}: unknown key, expected one of {', '.join(known)}{nearest(place[-1], known)}"
            if tagged[:2] == ["model", "norm"] and place[-1] in NormConfig.model_fields:
                line = f"{where}: belongs to model.norm.kind batch, expected one of {', '.join(known)} with kind {tagged[2]}"
        elif kind == "union_tag_invalid":
            where, choices = f"{where}.kind", re.findall(r"'([^']*)'", context["expected_tags"])
            line = f"{where}: got '{context['tag']}', expected one of {', '.join(choices)}{nearest(context['tag'], choices)}"
        elif kind == "missing":
            line = f"{where}: is missing"
        elif kind == "literal_error":
            choices = re.findall(r"'([^']*)'", context["expected"])
            line = f"{where}: got {_short(got)}, expected one of {', '.join(choices)}{nearest(str(got), choices)}"
        elif kind == "value_error" and isinstance(context["error"], OptionError):
            where = ".".join([*place, context["error"].option])
            line = f"{where}: {context['error'].problem}"
        elif kind == "value_error":
            line = f"{where}: {context['error']}"
        elif limits := [f"{LIMITS[name]} {_bound(bound)}" for name, bound in context.items() if name in LIMITS]:
            line = f"{where}: got {_short(got)}, expected {limits[0]}"
        else:
            line = f"{where}: got {_short(got)}, expected {_expected(detail['msg'])}"
        if where not in seen:
            seen.add(where)
            yield line


def _expected(message: str) -> str:
    """Return what pydantic's message says was expected."""
    for pattern, words in (
        (r"Input should be a valid (dictionary|instance).*", "a section of keys and values"),
        (r"Input should be a valid tuple", "a list"),
        (r"Input should be (.*)", r"\1"),
        (r"\w+ should (.*)", r"it to \1"),
    ):
        if re.fullmatch(pattern, message):
            return re.sub(pattern, words, message)
    return message[0].lower() + message[1:]


def _bound(bound: float) -> str:
    """Return a bound in its shortest form; pydantic's own message writes 1.2e-38 with all its zeros."""
    return f"{bound:g}" if isinstance(bound, float) else str(bound)


def _known_keys(schema: type[BaseModel], place: list[str]) -> list[str]:
    """Return the keys that the section at `place` may have. A section of several kinds is followed by its kind."""
    found = [schema]
    for key in place:
        if len(found) > 1:
            found = [one for one in found if key in get_args(one.model_fields["kind"].annotation)]
        else:
            found = list(_sections(found[0].model_fields[key].annotation))
    return list(found[0].model_fields)


def _sections(annotation: Any) -> Iterable[type[BaseModel]]:
    """Yield the sections in a type and in its parts."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _sections(part)


def _short(value: object) -> str:
    words = {None: "null", True: "true", False: "false"}  # as YAML has them
    try:
        text = words[value] if value is None or isinstance(value, bool) else repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        text = "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}…"
