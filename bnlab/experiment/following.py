"""A run that is followed while it trains, in TensorBoard."""

from collections.abc import Sequence
from pathlib import Path

from bnlab.config import Config
from bnlab.experiment.running import OnChunk
from bnlab.runs import EventFiles
from bnlab.training import Chunk


def to_tensorboard(folder: Path, plans: Sequence[tuple[Config, Path]]) -> OnChunk:
    """Return an `on_chunk` for `run_all` that adds each record to TensorBoard's event files below `folder`.

    The configs have different names, as those of `plan_folders` have. A resumed run adds what it trains itself.

    Raises:
        UserError: tensorboardX is not installed.
    """
    files = EventFiles(folder, plans, argument="tensorboard")
    paths = {config.name: path for config, path in plans}

    def on_chunk(config: Config, index: int, chunk: Chunk) -> None:
        kept = len(next(iter(chunk.metrics.values()), ()))
        steps = chunk.segment.recorded[:kept]
        files.add(paths[config.name], config.seeds.pairs[index], chunk.segment.start, steps, chunk.metrics)

    return on_chunk
