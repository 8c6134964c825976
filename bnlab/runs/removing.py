"""The removal of run folders, and of nothing else: only files that bnlab wrote, as it wrote them."""

import re
from pathlib import Path

from bnlab.config import load_config
from bnlab.errors import UserError
from bnlab.metrics import metrics_of
from bnlab.runs.folders import RUN_FILES, disk_errors_explained
from bnlab.runs.reading import read_checked, read_summary
from bnlab.runs.writing import LEFTOVER, is_being_written

_CHECKPOINT = re.compile(r"checkpoint-\d+\.ckpt")


def check_removable(path: Path) -> list[Path]:
    """Return the files of a run folder in the order in which they may be removed.

    A finished run's files must have the SHA-256 of its summary. An unfinished run must have a config that loads, and the
    lock or a checkpoint of a run.

    Raises:
        UserError: a folder that is no run, is being written, or holds anything that bnlab did not write.
    """
    if path.is_symlink() or not (path / "config.yaml").is_file():
        raise UserError(f"{path}: is no run folder, so that nothing in it is removed")
    names = sorted(file.name for file in path.iterdir())
    if is_being_written(path):
        raise UserError(f"{path}: another process is writing this run")
    finished = "summary.json" in names
    try:
        if finished:
            sums = read_summary(path / "summary.json")["sha256"]
            for name in set(sums) & set(names):
                read_checked(path, name, sums)
            own = {*sums, "summary.json"}
        else:
            metrics = metrics_of(load_config(path / "config.yaml"))
            own = {*RUN_FILES, "fit.png", *(f"{metric.kind}.png" for metric in metrics)}
    except (UserError, OSError) as error:
        raise UserError(f"{error}; nothing in {path} is removed") from None
    ours = [
        name for name in names if name in own or name == ".lock" or _CHECKPOINT.fullmatch(name) or LEFTOVER.fullmatch(name)
    ]
    foreign = [name for name in names if name not in ours or (path / name).is_symlink() or not (path / name).is_file()]
    if foreign:
        raise UserError(f"{path}: holds {foreign[0]}, which bnlab did not write, so that nothing in it is removed")
    if not finished and not any(name == ".lock" or _CHECKPOINT.fullmatch(name) for name in names):
        raise UserError(f"{path}: has neither a summary nor a checkpoint of a run, so that nothing in it is removed")
    last = ("config.yaml", ".lock")
    order = [*(["summary.json"] if finished else []), *(name for name in ours if name not in ("summary.json", *last))]
    return [path / name for name in (*order, *(name for name in last if name in ours))]


def remove_run(path: Path) -> None:
    """Remove a run folder; killed on the way, it leaves an unfinished run. Raises: UserError, as `check_removable`."""
    files = check_removable(path)
    with disk_errors_explained(path):
        for file in files:
            file.unlink()
        path.rmdir()
