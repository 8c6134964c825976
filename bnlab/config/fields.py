"""Every field of a config, explained from the schema: its type, choices, range, default and effect."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bnlab.config.differences import value_text
from bnlab.config.schema import Config
from bnlab.options import LARGEST, LIMITS

_LIMITS = {"minimum": "ge", "exclusiveMinimum": "gt", "maximum": "le", "exclusiveMaximum": "lt"}
"""The limits of JSON Schema, by the names of `annotated_types`."""


class FieldDescription(NamedTuple):
    """One field: its dotted key, its type with choices and range, its default as YAML has it, and what it does."""

    key: str
    type: str
    required: bool
    default: str | None
    description: str


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a config file.

    Rules between fields, such as a loss that fits the data, are not in it; bnlab checks them when it loads a config.
    """
    schema = Config.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "bnlab config"}


def describe_fields() -> list[FieldDescription]:
    """Return every field in the order of a config file; a section comes before its own fields."""
    schema = Config.model_json_schema()
    found: dict[str, FieldDescription] = {}
    for field in _fields(schema, schema["$defs"], ""):  # a section of several kinds comes once for each
        first = found.setdefault(field.key, field)
        if field.type != first.type:
            found[field.key] = first._replace(type=f"{first.type} | {field.type}")
    return list(found.values())


def _fields(section: Mapping[str, Any], sections: Mapping[str, Any], above: str) -> Iterator[FieldDescription]:
    for name, field in section["properties"].items():
        key, required = f"{above}{name}", name in section.get("required", ())
        default = None if required else _default(field.get("default"))
        yield FieldDescription(key, _type(field), required, default, field["description"])
        for inner in _sections(field, sections):
            yield from _fields(inner, sections, f"{key}.")


def _default(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_default(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return repr(value) if value == "" else value_text(value)


def _sections(field: Mapping[str, Any], sections: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the sections that the field may be."""
    if "$ref" in field:
        yield sections[field["$ref"].removeprefix("#/$defs/")]
    for option in (*field.get("anyOf", ()), *field.get("oneOf", ())):
        yield from _sections(option, sections)


def _type(field: Mapping[str, Any]) -> str:
    """Return a field's type in words: "number greater than or equal to 0, less than 1", "adam | sgd"."""
    if "anyOf" in field:
        return " or ".join(_type(option) for option in field["anyOf"])
    if "$ref" in field or "oneOf" in field:
        return "section"
    if "const" in field or "enum" in field:
        return " | ".join(map(str, field.get("enum", [field.get("const")])))
    if field["type"] == "array":
        inner = field.get("items") or next(iter(field.get("prefixItems", ())), {})
        fixed = "maxItems" in field and field.get("minItems") == field["maxItems"]
        count = f"{field['maxItems']} values" if fixed else "list"
        return f"{count}, each {_type(inner)}" if inner else count
    bounds = {name: field[limit] for limit, name in _LIMITS.items() if limit in field}
    told = {name: bound for name, bound in bounds.items() if abs(bound) < LARGEST}  # float32's own end is no rule of ours
    limits = [f"{LIMITS[name]} {bound:{',' if isinstance(bound, int) else 'g'}}" for name, bound in told.items()]
    pattern = [f"of the form {field['pattern']}"] if "pattern" in field else []
    return " ".join([field["type"], ", ".join([*limits, *pattern])]).strip()
