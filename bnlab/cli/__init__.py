"""The command line: one short file a command, which parses, calls, prints and sets the exit code."""

import typer

from bnlab.cli import compare, configs, data, replay, reproduce, runs, seed_check, sweep, train

app = typer.Typer(
    name="bnlab",
    help="Run, repeat and compare the batch-normalization studies of five articles and of classic papers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(train.train)
app.command()(compare.compare)
app.command()(sweep.sweep)
app.command()(reproduce.reproduce)
app.command()(seed_check.seed_check)
app.command()(replay.replay)
app.add_typer(runs.app, name="runs")
app.add_typer(data.app, name="data")
app.command()(configs.configs)


def _version(wanted: bool) -> None:
    if wanted:
        from bnlab import __version__

        typer.echo(f"bnlab {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: bool = typer.Option(False, "--version", help="Show the version and exit.", callback=_version, is_eager=True),
) -> None:
    del version
