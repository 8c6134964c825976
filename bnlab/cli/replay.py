"""`bnlab replay`."""

from pathlib import Path
from typing import Annotated

import typer

from bnlab.cli.options import ConfigArgument, Set
from bnlab.errors import RunFailed


def replay(
    config: ConfigArgument,
    reference: Annotated[
        Path, typer.Argument(metavar="REFERENCE.npz", help="The file with the other framework's weights, batches and curves.")
    ],
    rtol: Annotated[float, typer.Option(help="The largest relative difference that passes.")] = 5e-3,
    steps: Annotated[int | None, typer.Option(metavar="N", min=1, help="Compare only the first N steps.")] = None,
    overrides: Set = None,
) -> None:
    """Train from another framework's first weights, on its batches, and compare all curves and final values.

    The last line of the output is the largest relative difference. Exit 1 if it is above --rtol.
    """
    from bnlab.config import load_config
    from bnlab.replay import replay as run_replay

    differences = run_replay(load_config(config, overrides=overrides or ()), reference, steps=steps)
    for difference in differences:
        typer.echo(str(difference))
    worst = max((d for d in differences if d.judged), key=lambda difference: difference.relative)
    typer.echo(f"largest relative difference {worst.relative:.3g} ({worst.name})")
    if not worst.relative <= rtol:
        raise RunFailed(f"{worst.name} differs by {worst.relative:.3g}, more than --rtol {rtol:g}")
