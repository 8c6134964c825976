"""`bnlab configs`."""

from typing import Annotated

import typer

from bnlab.cli.options import Json
from bnlab.errors import UserError


def configs(
    prefix: Annotated[
        str | None,
        typer.Argument(
            metavar="[PREFIX]", help="With --fields: show the fields whose names begin with this, such as model.norm."
        ),
    ] = None,
    fields: Annotated[
        bool, typer.Option("--fields", help="Show every field of a config: type, range, default, and what it does.")
    ] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of a config, with which editors complete and check it.")
    ] = False,
    json: Json = False,
) -> None:
    """List the configs, the studies and the sweeps that come with bnlab."""
    if prefix is not None and not fields:
        raise UserError(f"got '{prefix}', which only --fields takes; `bnlab train {prefix} --print-config` shows a config")
    if fields and schema:
        raise UserError("--fields and --schema are two questions; ask one at a time")
    if schema:
        _print_schema()
    elif fields:
        _print_fields(prefix or "", json=json)
    else:
        _print_names(json=json)


def _print_names(*, json: bool) -> None:
    from bnlab.cli.tables import print_table
    from bnlab.config import load_config, parse_fields, read_text, shipped_configs, shipped_sweeps
    from bnlab.sources import STUDIES

    loaded = {name: load_config(path) for name, path in shipped_configs().items()}
    sweeps = [
        {"name": name, "path": str(path), "description": parse_fields(read_text(path), str(path))["description"]}
        for name, path in shipped_sweeps().items()
    ]
    if json:
        from bnlab.cli.answers import ConfigItem, ConfigsAnswer, StudyItem, SweepItem, print_answer

        items = [
            ConfigItem(name=name, path=str(path), **loaded[name].model_dump(include={"article", "variant", "description"}))
            for name, path in shipped_configs().items()
        ]
        studies = [StudyItem.of(study) for study in STUDIES.values()]
        print_answer(ConfigsAnswer(configs=items, studies=studies, sweeps=[SweepItem(**sweep) for sweep in sweeps]))
        return
    rows = [(name, config.article or "", config.variant, config.description) for name, config in loaded.items()]
    print_table(("config", "article", "variant", "description"), rows)
    studies = [(study.id, ", ".join(arm.label for arm in study.arms), study.title) for study in STUDIES.values()]
    print_table(("study", "arms", "title"), studies)
    print_table(("sweep", "description"), [(sweep["name"], sweep["description"]) for sweep in sweeps])
    typer.echo("Train a config with `bnlab train NAME`. Show all its fields with `bnlab train NAME --print-config`.")
    typer.echo("Compare the arms of a study with `bnlab compare NAME`. `bnlab configs --fields` explains every field.")


def _print_fields(prefix: str, *, json: bool) -> None:
    from bnlab.cli.paragraphs import print_paragraphs
    from bnlab.config import describe_fields
    from bnlab.errors import nearest

    every = describe_fields()
    shown = [field for field in every if field.key.startswith(prefix)]
    if not shown:
        known = [field.key for field in every]
        raise UserError(f"{prefix}: no field begins so{nearest(prefix, known)}")
    if json:
        from bnlab.cli.answers import FieldItem, FieldsAnswer, print_answer

        print_answer(FieldsAnswer(fields=[FieldItem(**field._asdict()) for field in shown]))
        return
    for field in shown:
        default = "required" if field.required else f"default {field.default}"
        typer.echo(f"{field.key}: {field.type}; {default}")
        print_paragraphs([field.description], bullet="    ")


def _print_schema() -> None:
    import json

    from bnlab.config import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
