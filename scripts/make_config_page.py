"""Write docs/config.md: every field of a config, from the schema.

    python scripts/make_config_page.py

tests/test_docs_config.py compares the page with the schema.
"""

from itertools import groupby
from pathlib import Path

from bnlab.config import FieldDescription, describe_fields

PAGE = Path(__file__).resolve().parent.parent / "docs" / "config.md"

HEAD = """# Every field of a config

[All pages](README.md)

A config is a YAML file with these fields. `bnlab configs --fields [PREFIX]` prints the same, and `bnlab configs --schema` a
JSON Schema for editors. `--set model.norm.momentum=0.9` changes a field for one command. A field with a default may be left
out. A section with the default null may be left out as a whole; a section that is there needs its required fields.

This page is written by `scripts/make_config_page.py`.
"""


def make_page() -> str:
    """Return the page: a table for each section, in the order of a config file."""
    fields = describe_fields()
    tables = [HEAD]
    for section, own in groupby(sorted(fields, key=lambda field: _depth_first(field, fields)), key=_section):
        title = f"`{section}`" if section else "The whole config"
        rows = [
            f"| `{field.key.rpartition('.')[2]}` | {_cell(field.type)} | {_default(field)} | {_cell(field.description)} |"
            for field in own
        ]
        tables.append(
            "\n".join([f"## {title}\n", "| field | type | default | what it does |", "| --- | --- | --- | --- |", *rows, ""])
        )
    return "\n".join(tables)


def _section(field: FieldDescription) -> str:
    return field.key.rpartition(".")[0]


def _depth_first(field: FieldDescription, fields: list[FieldDescription]) -> int:
    """Return the place of the field's section among all: a section's own fields stay together."""
    sections = list(dict.fromkeys(map(_section, fields)))
    return sections.index(_section(field))


def _default(field: FieldDescription) -> str:
    return "required" if field.required else f"`{field.default}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(make_page(), encoding="utf-8")
