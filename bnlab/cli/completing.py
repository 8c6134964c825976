"""What Tab completes: names of configs, studies, sources, runs, metrics and fields. None of it loads JAX or matplotlib.

`bnlab --install-completion` sets it up in the user's shell. Where nothing fits, the shell completes file names.
"""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from typer import Context

from bnlab.errors import UserError


def configs(incomplete: str) -> list[str]:
    """Return the names of shipped configs."""
    from bnlab.config import shipped_configs

    return _beginning(incomplete, shipped_configs())


def arms(incomplete: str) -> list[str]:
    """Return the names of shipped configs and of studies; folders of runs where the word begins so."""
    if incomplete.startswith("runs"):
        from bnlab.runs import RUNS
        from bnlab.runs.catalogue import run_folders

        return _beginning(incomplete, map(str, run_folders(RUNS)))
    from bnlab.sources import STUDIES

    return configs(incomplete) + _beginning(incomplete, (study.id for study in STUDIES.values() if study.arms))


def sources(incomplete: str) -> list[str]:
    """Return the ids of the sources that `bnlab reproduce` takes."""
    from bnlab.sources import SOURCES

    return _beginning(incomplete, SOURCES)


def runs(incomplete: str) -> list[str]:
    """Return the configs that runs/ has runs of, and the names of the runs' folders."""
    from bnlab.runs import RUNS
    from bnlab.runs.catalogue import run_folders

    folders = list(run_folders(RUNS))
    return _beginning(incomplete, [*(folder.parent.name for folder in folders), *(folder.name for folder in folders)])


def metrics(ctx: Context, incomplete: str) -> list[str]:
    """Return the metrics of the configs and runs that the command line names so far; of any data set where it names none."""
    from bnlab.config import load_config
    from bnlab.metrics import metrics_of, split_metric_names

    found: list[str] = []
    for source in ctx.args:  # not yet in ctx.params: the option that is being typed still lacks its value
        of_run = Path(source) / "config.yaml"
        with contextlib.suppress(UserError):
            found += [metric.name for metric in metrics_of(load_config(of_run if of_run.is_file() else source))]
    return _beginning(incomplete, found or sorted(split_metric_names()))


def fields(incomplete: str) -> list[tuple[str, str]]:
    """Return "a.b=" for every field of a config, with its type; after NAME: for one arm too."""
    from bnlab.config import describe_fields

    name, colon, key = incomplete.rpartition(":")
    return [(f"{name}{colon}{one.key}=", one.type) for one in describe_fields() if one.key.startswith(key)]


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]
