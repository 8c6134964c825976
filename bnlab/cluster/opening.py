"""A trainer where the user wants it: in this process, on worker processes of this machine, or on a cluster."""

import contextlib
import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bnlab.errors import UserError

if TYPE_CHECKING:
    from bnlab.experiment import Trainer

WAIT_SECONDS = 600.0
"""So long a sweep waits for a worker, unless told otherwise."""


@contextlib.contextmanager
def open_trainer(
    *, workers: int | None = None, scheduler: str | None = None, mixed: bool = False, wait: float = WAIT_SECONDS
) -> Iterator["Trainer"]:
    """Open a trainer on `workers` processes on this machine, or on the workers of the `scheduler` at an address.

    With neither it is `train_here`.

    mixed: also workers that compute other bits than this process, because they have another device, CPU or version. All
    seeds of one run come from workers of one kind, and the run records that kind. wait: the seconds to wait for a worker
    while there is none.

    Raises:
        UserError: the package distributed is not installed, or no scheduler answers at the address.
    """
    if workers is None and scheduler is None:
        if mixed:
            raise UserError("takes workers of other kinds, expected with a scheduler", argument="mixed")
        from bnlab.experiment import train_here

        yield train_here
        return
    argument = "workers" if scheduler is None else "scheduler"
    if workers is not None and scheduler is not None:
        raise UserError("got both, but a scheduler has workers of its own", argument="workers")
    if workers is not None and workers < 1:
        raise UserError(f"got {workers}, expected 1 or more", argument="workers")
    if importlib.util.find_spec("distributed") is None:
        problem = "needs the package distributed, which is not installed"
        raise UserError(problem, argument=argument, advice="install it with `pip install 'bnlab[dask]'`")
    from bnlab.cluster.connection import connect, local_scheduler
    from bnlab.cluster.trainer import ClusterTrainer

    with contextlib.ExitStack() as stack:
        if scheduler is None:
            connection = stack.enter_context(local_scheduler(workers or 1, wait=wait))
        else:
            connection = stack.enter_context(connect(scheduler, mixed=mixed, wait=wait))
        yield ClusterTrainer(connection)
