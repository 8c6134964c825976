"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from bnlab.cli import completing
from bnlab.errors import UserError

OPTIONS = {
    "seeds": "--seeds",
    "overrides": "--set",
    "vary": "--vary",
    "metrics": "--metric",
    "at": "--at",
    "thresholds": "--threshold",
    "steps": "--steps",
    "out": "--out",
    "workers": "--workers",
    "scheduler": "--scheduler",
    "mixed": "--mixed",
    "to": "--to",
    "tensorboard": "--tensorboard",
}
"""The option of the command line for each argument that a UserError may name."""

ConfigArgument = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG",
        help="A config file, or a shipped config's name (see `bnlab configs`).",
        autocompletion=completing.configs,
    ),
]
ConfigsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="CONFIG…",
        help="Config files, or shipped configs' names (see `bnlab configs`).",
        autocompletion=completing.configs,
    ),
]
Seeds = Annotated[
    str | None,
    typer.Option(
        metavar="SEEDS", help="Seeds such as 3, or 0,1,5, or 0:16 (16 is excluded). They replace both seeds of the config."
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a field, such as model.norm.momentum=0.9. May be repeated.",
        autocompletion=completing.fields,
    ),
]
SetForOne = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="[NAME:]KEY=VALUE",
        help="Change a field in all configs, such as num_steps=500, or in one of them alone, such as "
        "digits_bn:model.norm.momentum=0.9. May be repeated.",
        autocompletion=completing.fields,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The folder to write, instead of runs/NAME/ID. Several configs write DIR/NAME each."),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print the answer as one JSON document (docs/json.md), and all else on standard error."),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


def message_of(error: UserError) -> str:
    """Return what the command line says of the error: its argument's option, the message, the advice."""
    message = error.message if error.argument is None else f"{OPTIONS.get(error.argument, error.argument)}: {error.message}"
    return message if error.advice is None else f"{message}; {error.advice}"
