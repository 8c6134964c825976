"""The seeds that are wanted of one computation, gathered from the finished runs that hold them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Num

from bnlab.config import Config
from bnlab.runs.reading import Failure, Run


@dataclass(frozen=True)
class Pool:
    """All seeds of `config`, in its order, whichever of the runs each of them lies in.

    places: for each seed the number of its run, and its row in that run.
    """

    config: Config
    runs: tuple[Run, ...]
    places: tuple[tuple[int, int], ...]

    @cached_property
    def step(self) -> Num[np.ndarray, "records"]:
        """The steps of the records."""
        return np.asarray(self.config.record_steps)

    @cached_property
    def curves(self) -> dict[str, Float[np.ndarray, "seeds records"]]:
        """{metric: values}; NaN where a seed had failed (a run's curves end with its last seed)."""
        names = dict.fromkeys(name for run in self.runs for name in run.curves)
        return {name: np.stack([self._row(name, run, row) for run, row in self.places]) for name in names}

    @cached_property
    def params(self) -> dict[str, np.ndarray]:
        """Final weights and moving statistics, leading axis = seed."""
        return self._stacked([run.params for run in self.runs])

    @cached_property
    def examples(self) -> dict[str, np.ndarray]:
        """What the runs hold of each example (`Run.examples`), leading axis = seed."""
        return self._stacked([run.examples for run in self.runs])

    @property
    def failed(self) -> list[Failure]:
        """The seeds that failed, in the order of the seeds."""
        wanted: dict[tuple[int, int], int] = {pair: number for number, pair in enumerate(self.config.seeds.pairs)}
        mine = {one for run in self.runs for one in run.failures if (one.init, one.data) in wanted}
        return sorted(mine, key=lambda failure: wanted[failure.init, failure.data])

    def _stacked(self, arrays: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Return the rows of the seeds, in their order, of the arrays of each run."""
        return {name: np.stack([arrays[run][name][row] for run, row in self.places]) for name in arrays[0]}

    def _row(self, name: str, run: int, row: int) -> Float[np.ndarray, "records"]:
        curve = self.runs[run].curves.get(name)
        own = np.zeros(0, np.float32) if curve is None else curve[row]
        return np.pad(own, (0, len(self.step) - len(own)), constant_values=np.nan)


def gather(config: Config, runs: Sequence[Run]) -> tuple[Pool, Sequence[tuple[int, int]]]:
    """Return a pool of those seeds of the config that the runs hold, and the seeds that none holds.

    Where several hold a seed it is the first one's. Runs of which nothing is taken are left out of the pool.
    """
    held: dict[tuple[int, int], tuple[Run, int]] = {}
    for run in runs:
        for row, pair in enumerate(run.pairs):
            held.setdefault(pair, (run, row))
    found = [pair for pair in config.seeds.pairs if pair in held]
    missing = [pair for pair in config.seeds.pairs if pair not in held]
    used = list({id(held[pair][0]): held[pair][0] for pair in found}.values())
    number = {id(run): i for i, run in enumerate(used)}
    places = tuple((number[id(held[pair][0])], held[pair][1]) for pair in found)
    return Pool(config.with_seeds(found) if found else config, tuple(used), places), missing
