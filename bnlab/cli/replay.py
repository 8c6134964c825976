"""`bnlab replay`."""

from pathlib import Path
from typing import Annotated

import typer

from bnlab.cli.options import ConfigArgument, Set
from bnlab.errors import RunFailed


def replay(
    config: ConfigArgument,
    reference: Annotated[Path, typer.Argument(metavar="REFERENCE.npz", help="Weights, batches and curves to follow.")],
    rtol: Annotated[float, typer.Option(help="The largest relative difference that passes.")] = 5e-3,
    steps: Annotated[int | None, typer.Option(metavar="N", min=1, help="Follow the first N steps only.")] = None,
    overrides: Set = None,
) -> None:
    """Start from another framework's weights and batches and compare every curve and final value with its own.

    The last line is the largest relative difference of all. Exit 1 above --rtol.
    """
    from bnlab import runtime
    from bnlab.config import load_config

    runtime.configure()
    from bnlab.replay import replay as run_replay

    differences = run_replay(load_config(config, overrides=overrides or ()), reference, steps=steps)
    for difference in differences:
        typer.echo(str(difference))
    worst = max((d for d in differences if d.judged), key=lambda difference: difference.relative)
    typer.echo(f"largest relative difference {worst.relative:.3g} ({worst.name})")
    if not worst.relative <= rtol:
        raise RunFailed(f"{worst.name} differs by {worst.relative:.3g}, more than --rtol {rtol:g}")
