"""Follow another framework's run: its first weights and its batches through our compiled program.

A reference .npz holds `batches` int32 [steps, batch] (row numbers of the training set) and the first weights:
`init/dense0/kernel`, `init/bn0/gamma`, …. It also holds at least one of these, to compare with: `train_loss`, `test_loss`, …
[steps] (after each update), `loss_before_update` and `penalty_before_update` [steps], `final/dense0/kernel`, …, and scalars
`final_test_loss`, `final_test_accuracy`, …. State that it does not hold (of renormalization or zero debiasing) starts at
our own first values.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bnlab import runtime
from bnlab.config import Config, ProbesConfig
from bnlab.errors import UserError
from bnlab.metrics import split_metric_names
from bnlab.models import from_arrays, to_arrays
from bnlab.training import Scheduler, prepare

_BEFORE = ("loss_before_update", "penalty_before_update")


@dataclass(frozen=True)
class Difference:
    """How far one of our values, curves or arrays is from the reference's.

    relative: for a curve or a value max |ours − theirs| / |theirs| over the steps; for an array of weights
    max |ours − theirs| / max |theirs|, because single weights may be nearly zero.
    judged: whether it counts. Final weights are shown but not judged. A bias that batch norm subtracts again has a gradient
    of exactly zero, so rounding alone decides how Adam moves it, in the reference as in our run.
    """

    name: str
    relative: float
    detail: str
    judged: bool = True

    def __str__(self) -> str:
        line = f"{self.name:<28} {self.relative:<9.3g} {self.detail}"
        return line if self.judged else f"{line}  (not judged)"


def replay(config: Config, reference: str | Path, *, steps: int | None = None) -> list[Difference]:
    """Train from the reference's first weights, on its batches. Return the difference from each curve and value it holds.

    With `steps` the run has only this many steps. Final values are compared only where it has all steps of the reference.

    Raises:
        UserError: the file is not such a reference, or does not fit the config.
    """
    arrays = _load(Path(reference))
    batches = arrays["batches"]
    total = len(batches)
    if steps is not None and steps < 1:
        raise UserError(f"got {steps}, expected 1 or more", argument="steps")
    if steps is not None and steps > total:
        raise UserError(f"got {steps}, expected at most {total}, the steps of {reference}", argument="steps")
    steps = total if steps is None else steps
    known = split_metric_names()
    curves = [name for name, values in arrays.items() if name in known and values.ndim == 1]
    for name in (*curves, *_BEFORE):
        if name in arrays and arrays[name].shape != (total,):
            raise UserError(f"{reference}: {name}: got shape {arrays[name].shape}, expected one value a step ({total},)")

    config = config.with_steps(steps, record_every=1 if curves else steps, batch_size=batches.shape[1])
    config = config.model_copy(update={"probes": ProbesConfig()})  # they would ask for batches after the last
    (prepared,) = prepare([config])
    rows = len(prepared.dataset.train)
    for row in (batches.min(), batches.max()):
        if not 0 <= row < rows:
            raise UserError(f"{reference}: batches: names row {row}, but {prepared.dataset.name} trains on {rows} rows")
    batches = batches.astype(np.int32)  # whatever integers the file has, the compiled program is the same
    fresh = prepared.first_state(0)
    given = {name.removeprefix("init/"): values for name, values in arrays.items() if name.startswith("init/")}
    try:
        weights = from_arrays((fresh.params, fresh.batch_stats), given)
    except ValueError as error:
        raise UserError(f"{reference}: init/{error}") from None
    lacking = [name for name in to_arrays(fresh.params, {}) if name not in given]
    if lacking:
        raise UserError(f"{reference}: has no init/{lacking[0]}, which {config.name} needs to start from")

    task = prepared.replay_task(partial(prepared.start_from, *weights), lambda start, count: batches[start : start + count])
    chunks = list(Scheduler([task], runtime.workers()).chunks())
    ours: dict[str, np.ndarray] = {
        name: np.concatenate([chunk.metrics[name] for chunk in chunks]) for name in chunks[0].metrics
    }
    loss = np.concatenate([chunk.losses for chunk in chunks])
    penalty = np.concatenate([chunk.penalties for chunk in chunks])

    differences = [_curve(name, ours.get(name), arrays[name][:steps], reference) for name in curves]
    if "penalty_before_update" in arrays:
        differences.append(_curve("penalty_before_update", penalty, arrays["penalty_before_update"][:steps], reference))
    if "loss_before_update" in arrays:
        theirs = arrays["loss_before_update"][:steps]
        # Some references add the penalty to the loss they print. The first step has equal weights, so it shows which.
        with_penalty = abs(loss[0] + penalty[0] - theirs[0]) < abs(loss[0] - theirs[0])
        differences.append(_curve("loss_before_update", loss + penalty if with_penalty else loss, theirs, reference))
    if steps == total:
        state = chunks[-1].state
        finals = to_arrays(state.params, state.batch_stats)
        for name, theirs in arrays.items():
            if name.startswith("final/"):
                differences.append(_array(name, finals.get(name.removeprefix("final/")), theirs, reference))
            elif name.startswith("final_"):
                last = ours.get(name.removeprefix("final_"))
                differences.append(_curve(name, None if last is None else last[-1:], theirs.reshape(-1), reference))
    if not any(difference.judged for difference in differences):
        raise UserError(f"{reference}: holds nothing to compare with")
    return differences


def _curve(name: str, ours: np.ndarray | None, theirs: np.ndarray, reference: object) -> Difference:
    ours = _fitting(name, ours, theirs, reference)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.abs(ours - theirs) / np.abs(theirs)
    relative = np.where(ours == theirs, 0.0, relative)
    worst = int(np.argmax(np.where(np.isnan(relative), np.inf, relative)))
    where = f"at step {worst + 1}" if len(theirs) > 1 else "at the end"
    return Difference(name, float(relative[worst]), f"{where}: {ours[worst]:.9g} against {theirs[worst]:.9g}")


def _array(name: str, ours: np.ndarray | None, theirs: np.ndarray, reference: object) -> Difference:
    ours = _fitting(name, ours, theirs, reference)
    difference = np.abs(ours - theirs)
    worst = np.unravel_index(int(np.argmax(difference)), difference.shape)
    largest = np.abs(theirs).max() or 1.0
    place = f"[{', '.join(map(str, worst))}]"
    return Difference(
        name,
        float(difference.max() / largest),
        f"at {place}: {ours[worst]:.9g} against {theirs[worst]:.9g}",
        judged=False,
    )


def _fitting(name: str, ours: np.ndarray | None, theirs: np.ndarray, reference: object) -> np.ndarray:
    if ours is None:
        raise UserError(f"{reference}: {name}: this config computes no curve or array of this name")
    if ours.shape != theirs.shape:
        if ours.ndim == theirs.ndim == 1 and len(ours) < len(theirs):
            raise UserError(f"{reference}: {name}: our run stopped at step {len(ours)}, because its loss was not finite")
        raise UserError(f"{reference}: {name}: got shape {theirs.shape}, expected {ours.shape}")
    return ours.astype(np.float64)


def _our_name(name: str) -> str:
    """Return our name of an array. TensorFlow names the state of zero debiasing as a part of the moving mean."""
    return name.replace("/moving_mean/biased", "/biased").replace("/moving_mean/local_step", "/local_step")


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays: dict[str, Any] = {_our_name(name): file[name] for name in file.files}
        if not all(isinstance(values, np.ndarray) for values in arrays.values()):  # a member that is no .npy file is bytes
            raise TypeError
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None
    except Exception:  # whatever NumPy and zipfile raise on bytes of another kind
        raise UserError(f"{path}: is not an .npz of plain arrays") from None
    batches = arrays.get("batches")
    if batches is None or batches.ndim != 2 or not np.issubdtype(batches.dtype, np.integer) or not batches.size:
        raise UserError(f"{path}: batches: expected integers [steps, batch]")
    return arrays
