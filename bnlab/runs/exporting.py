"""Curves of several runs as one table: a row for each run, seed and step, a column for each metric."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bnlab.errors import UserError
from bnlab.files import write_atomically
from bnlab.runs.folders import disk_errors_explained
from bnlab.runs.reading import Run

KINDS = (".csv", ".parquet")


def csv_lines(runs: Sequence[Run]) -> Iterator[str]:
    """Yield the table's lines: run, config, seed, data_seed, step and every metric.

    A metric that a run does not record is empty; one that was no longer finite is nan. Nine digits tell every float32 apart.
    """
    metrics = _metrics(runs)
    yield ",".join(["run", "config", "seed", "data_seed", "step", *metrics])
    for run in runs:
        for row, (init, data) in enumerate(run.pairs):
            columns = [run.curves[name][row].tolist() if name in run.curves else None for name in metrics]
            for record, step in enumerate(run.step.tolist()):
                cells = ["" if column is None else f"{column[record]:.9g}" for column in columns]
                yield ",".join([_quoted(str(run.path)), run.config.name, str(init), str(data), str(step), *cells])


def write_export(runs: Sequence[Run], path: Path) -> None:
    """Write the table to a .csv file, or to a .parquet file where pyarrow is installed.

    Raises:
        UserError: another kind of file, no pyarrow, or a file that cannot be written.
    """
    if path.suffix not in KINDS:
        raise UserError(f"got '{path}', expected a file that ends in {' or '.join(KINDS)}", argument="out")
    content = _parquet(runs) if path.suffix == ".parquet" else "".join(f"{line}\n" for line in csv_lines(runs)).encode()
    with disk_errors_explained(path):
        write_atomically(path, content)


def _parquet(runs: Sequence[Run]) -> bytes:
    try:
        import pyarrow as pa  # pyright: ignore[reportMissingImports]
        import pyarrow.parquet as pq  # pyright: ignore[reportMissingImports]
    except ImportError:
        problem = "a .parquet file needs the package pyarrow, which is not installed"
        raise UserError(
            problem, argument="out", advice="install it with `pip install pyarrow`, or choose a .csv file"
        ) from None

    def rows(run: Run, values: np.ndarray) -> np.ndarray:
        return np.repeat(values, len(run.step))

    def column(run: Run, name: str) -> "pa.Array":
        if name in run.curves:
            return pa.array(run.curves[name].ravel(), pa.float32())
        return pa.nulls(len(run.pairs) * len(run.step), pa.float32())

    metrics = _metrics(runs)
    tables = [
        pa.table(
            {
                "run": pa.array([str(run.path)] * (len(run.pairs) * len(run.step))),
                "config": pa.array([run.config.name] * (len(run.pairs) * len(run.step))),
                "seed": rows(run, run.seeds),
                "data_seed": rows(run, run.data_seeds),
                "step": np.tile(run.step, len(run.pairs)),
                **{name: column(run, name) for name in metrics},
            }
        )
        for run in runs
    ]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.concat_tables(tables), sink)
    return sink.getvalue().to_pybytes()


def _metrics(runs: Sequence[Run]) -> list[str]:
    return list(dict.fromkeys(name for run in runs for name in run.curves))


def _quoted(text: str) -> str:
    """Return a cell of a CSV file."""
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n') else text
