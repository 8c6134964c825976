"""`bnlab train`."""

from pathlib import Path
from typing import Annotated

import typer

from bnlab.cli.options import ConfigsArgument, Out, Quiet, Seeds, SetForOne
from bnlab.errors import RunFailed


def train(
    configs: ConfigsArgument,
    seeds: Seeds = None,
    overrides: SetForOne = None,
    out: Out = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume an unfinished run of the same config.")] = False,
    tensorboard: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Add each record to TensorBoard's event files below this folder while training; needs tensorboardX.",
        ),
    ] = None,
    quiet: Quiet = False,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the resolved config, defaults included, and stop.")
    ] = False,
) -> None:
    """Train one or more configs and write a run folder for each. The last lines of the output are the folders' paths."""
    from bnlab.config import load_configs

    loaded = load_configs(configs, overrides=overrides or (), seeds=seeds)
    if print_config:
        typer.echo("---\n".join(config.to_yaml() for config in loaded), nl=False)
        return

    from bnlab.cli.progress import interruptible, progress
    from bnlab.experiment import plan_folders, run_all, to_tensorboard
    from bnlab.runs import printed

    plans = plan_folders(loaded, out, resume=resume)
    on_chunk = to_tensorboard(tensorboard, plans) if tensorboard else None
    label = ", ".join(config.name for config in loaded)
    with (
        interruptible("the same command with --resume continues"),
        progress(label, quiet=quiet) as on_steps,
    ):
        runs = run_all(plans, resume=resume, on_steps=on_steps, on_chunk=on_chunk)

    failures: list[str] = []
    for run in runs:
        typer.echo(f"{run.config.name}: {printed(run.summary['final'])}")
        failures += [
            f"{run.config.name}: {failure.seed}: the loss was not finite at step {failure.step}; "
            f"the curves up to it are in {run.path}"
            for failure in run.failures
        ]
    for run in runs:
        typer.echo(run.path)
    if failures:
        raise RunFailed("\n".join(failures))
