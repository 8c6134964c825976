"""The arrays of a run, step by step, and the first difference between two runs.

A trace is taken from the chunks of `bnlab.experiment.run_all`, which trains every run. Nothing here trains by itself.
"""

import hashlib
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from bnlab.config import Config
from bnlab.experiment import OnSteps, run_all
from bnlab.models import to_arrays
from bnlab.runs import describe, printed
from bnlab.runs.arrays import npz_bytes
from bnlab.training import Chunk

Series = tuple[np.ndarray, np.ndarray]
"""(steps [n], values [n, …]): the values of one array after each of these steps."""

SEGMENT_STEPS = 20
"""The most steps of a trace's segment. The trace sees the optimizer's state only where a segment ends, so its segments are
short: they hold as many records as fit into 20 steps, but at least one. The cut must not change a run's bits, and one
condition checks this."""

KINDS = ("loss", "params", "moving", "optimizer", "metrics")


@dataclass(frozen=True)
class Trace:
    """The arrays of one seed of a run.

    series: "loss/batch" and "loss/penalty" of every step, before its update; "params/dense0/kernel", …, "moving/bn0/…" and
    "metrics/test_loss", … of every record; "optimizer/…" at the end of every segment. failed_step: the step at which the
    seed's loss was no longer finite; None also of a trace that was read.
    """

    series: dict[str, Series]
    failed_step: int | None = None

    @property
    def line(self) -> str:
        """The final metrics, as `bnlab train` prints them."""
        return printed({name: describe(values[None]) for name, (_, values) in self.of_kind("metrics").items()})

    @property
    def digits(self) -> dict[tuple[str, int], str]:
        """{(metric, step): value} for every metric of every record, rounded to the four printed digits."""
        metrics = self.of_kind("metrics").items()
        return {(name, int(s)): f"{v:.4g}" for name, (steps, values) in metrics for s, v in zip(steps, values, strict=True)}

    def of_kind(self, kind: str) -> dict[str, Series]:
        """Return the series of one of KINDS, by their names without the kind."""
        return {n.removeprefix(f"{kind}/"): series for n, series in self.series.items() if n.startswith(f"{kind}/")}

    def digests(self) -> list[dict[str, Any]]:
        """Return for each record {step, params, moving, optimizer, metrics}: 16 digits of the SHA-256 of the arrays' bytes.

        The lists of two machines show the first record that differs. A kind without a value at a step is left out.
        """
        rows: list[dict[str, Any]] = []
        for step in sorted({int(step) for steps, _ in self.of_kind("params").values() for step in steps}):
            row: dict[str, Any] = {"step": step}
            for kind in KINDS[1:]:
                at = [(name, values[steps == step]) for name, (steps, values) in sorted(self.of_kind(kind).items())]
                if any(len(values) for _, values in at):
                    content = b"".join(name.encode() + values.tobytes() for name, values in at)
                    row[kind] = hashlib.sha256(content).hexdigest()[:16]
            rows.append(row)
        return rows

    def to_npz(self) -> bytes:
        """Return the trace as an .npz."""
        steps = {f"steps/{name}": steps for name, (steps, _) in self.series.items()}
        return npz_bytes({**steps, **{f"values/{name}": values for name, (_, values) in self.series.items()}})

    @classmethod
    def from_npz(cls, content: bytes) -> "Trace":
        """Return the trace that `to_npz` wrote."""
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            names = [name.removeprefix("steps/") for name in file.files if name.startswith("steps/")]
            return cls({name: (file[f"steps/{name}"], file[f"values/{name}"]) for name in names})


def take_trace(
    config: Config,
    folder: Path,
    *,
    seed: int = 0,
    stops: Sequence[int] = (),
    draw: bool = False,
    on_steps: OnSteps | None = None,
    segment_steps: int = SEGMENT_STEPS,
) -> Trace:
    """Run the config in `folder` and return the trace of its `seed`-th seed.

    For each of `stops`, the run is interrupted at the first segment's end from that step on, as by Ctrl-C, and is resumed
    from its checkpoint.
    """
    chunks: list[Chunk] = []
    for stop in (*stops, None):
        stopped = False

        def watch(_: Config, index: int, chunk: Chunk, stop: int | None = stop) -> None:
            nonlocal stopped
            if index == seed:
                chunks.append(chunk)
                if stop is not None and stop <= chunk.segment.end < config.num_steps:
                    stopped = True
                    raise KeyboardInterrupt

        try:
            runs = run_all(
                [(config, folder)],
                resume=(folder / "config.yaml").exists(),
                on_steps=on_steps,
                on_chunk=watch,
                draw=draw,
                segment_steps=segment_steps,
            )
        except KeyboardInterrupt:
            if not stopped:  # the user's own Ctrl-C
                raise
            continue
        run = runs[0]
        metrics = {f"metrics/{name}": (run.step, values[seed]) for name, values in run.curves.items()}
        failed = {(one.init, one.data): one.step for one in run.failures}
        return Trace({**_series(chunks), **metrics}, failed.get(run.pairs[seed]))
    raise AssertionError("the last round has no stop")


def _series(chunks: Iterable[Chunk]) -> dict[str, Series]:
    parts: dict[str, list[Series]] = {}
    for chunk in chunks:
        segment, end = chunk.segment, chunk.segment.end
        every = np.arange(segment.start + 1, end + 1)
        records = np.array(segment.recorded)
        parts.setdefault("loss/batch", []).append((every, chunk.losses))
        parts.setdefault("loss/penalty", []).append((every, chunk.penalties))
        for kind, arrays in (
            ("params", to_arrays(chunk.recorded.params, {})),
            ("moving", to_arrays({}, chunk.recorded.batch_stats)),
        ):
            for name, values in arrays.items():
                parts.setdefault(f"{kind}/{name}", []).append((records, values))
        for path, leaf in jax.tree_util.tree_leaves_with_path(chunk.state.opt_state):
            name = jax.tree_util.keystr(path, simple=True, separator="/")
            parts.setdefault(f"optimizer/{name}", []).append((np.array([end]), np.asarray(leaf)[None]))
    return {
        name: (np.concatenate([steps for steps, _ in part]), np.concatenate([values for _, values in part]))
        for name, part in parts.items()
    }


@dataclass(frozen=True)
class Difference:
    """The first place where two traces differ.

    ulp: the largest distance of two values in this array at this step, in steps between representable numbers (`ulps`).
    """

    step: int
    array: str
    ulp: int

    def __str__(self) -> str:
        return f"step {self.step}, {self.array}, {self.ulp:,} ULP"


def first_difference(one: Trace, other: Trace) -> Difference | None:
    """Return the first place where a bit differs, among the steps of both traces. None: they are equal.

    Raises: ValueError where the traces have no common array or step, or do not end at the same step.
    """
    if set(one.series) != set(other.series):
        raise ValueError(f"only one of two traces has {sorted(set(one.series) ^ set(other.series))}")
    firsts: list[tuple[int, int, str]] = []
    for name in one.series:
        steps, a, b = _common(one, other, name)
        unequal = np.flatnonzero((_bytes(a) != _bytes(b)).any(1))
        if unequal.size:
            firsts.append((int(steps[unequal[0]]), KINDS.index(name.split("/")[0]), name))
    if not firsts:
        ends = [int(trace.series["loss/batch"][0][-1]) for trace in (one, other)]
        if ends[0] != ends[1]:
            raise ValueError(f"the traces end at steps {ends[0]} and {ends[1]}")
        return None
    step, _, name = min(firsts)
    steps, a, b = _common(one, other, name)
    at = int(np.flatnonzero(steps == step)[0])
    return Difference(step, name, int(ulps(a[at], b[at]).max()))


def worst_losses(one: Trace, other: Trace, losses: Sequence[str]) -> tuple[float, float]:
    """Return the largest |a − b| / |b| over the losses of all steps, and over the metrics `losses` of all records."""
    records = [f"metrics/{name}" for name in losses]
    worst = (max((_relative(one, other, name) for name in names), default=0.0) for names in (["loss/batch"], records))
    step, record = worst
    return step, record


def _relative(one: Trace, other: Trace, name: str) -> float:
    _, a, b = (np.asarray(values, np.float64) for values in _common(one, other, name))
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(a == b, 0.0, np.abs(a - b) / np.abs(b))
    return float(np.where(np.isnan(relative), np.inf, relative).max(initial=0.0))


def ulps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the number of steps between representable numbers from a to b (for integers: |a − b|).

    The distance between +0 and −0, which differ in a bit, is 1. NaNs count by their bits.
    """
    if np.issubdtype(a.dtype, np.floating):
        kind = np.dtype(f"i{a.dtype.itemsize}")
        x, y = (np.ascontiguousarray(values).view(kind).astype(object) for values in (a, b))
        lowest = int(np.iinfo(kind).min)
        # Read as integers, negative floats count upwards from the lowest integer. Here they count downwards from −0 = −1.
        x, y = (np.where(values < 0, lowest - values - 1, values) for values in (x, y))
        return np.abs(x - y)
    return np.abs(a.astype(object) - b.astype(object))


def _common(one: Trace, other: Trace, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    (steps, a), (others, b) = one.series[name], other.series[name]
    common, i, j = np.intersect1d(steps, others, assume_unique=True, return_indices=True)
    if not common.size and steps.size and others.size and name.startswith(("loss", "params")):
        raise ValueError(f"{name}: the traces have no step in common")
    return common, a[i], b[j]


def _bytes(values: np.ndarray) -> np.ndarray:
    size = values.dtype.itemsize * math.prod(values.shape[1:])  # said, because there may be no value: a seed has failed
    return np.ascontiguousarray(values).view(np.uint8).reshape(len(values), size)
