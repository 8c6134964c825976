"""The connection to a scheduler: which workers it has, which of them compute as wanted, and what the user is told of them."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from multiprocessing import spawn
from typing import Any, cast

import dask.config
from distributed import Client, LocalCluster
from distributed.utils import silence_logging_cmgr

from bnlab.cluster.acceptance import Acceptance, Report, kind_of, report_of, resource, settings, versions
from bnlab.environment import numerics
from bnlab.errors import RunFailed, UserError

CONNECT_SECONDS = 10.0
"""So long bnlab waits for a scheduler to answer."""
LOOK_SECONDS = 1.0
"""The time between two looks at the scheduler's list of workers."""
END_SECONDS = 0.2
"""So long a worker of this machine may take to end before it is killed."""
SAY_SECONDS = 10.0
"""So long there must have been no worker before the user is told."""
CONFIG = {
    "distributed.admin.large-graph-warning-threshold": "10GB",  # data sets go through the scheduler on purpose
    "distributed.comm.timeouts.connect": f"{CONNECT_SECONDS}s",
    "distributed.nanny.pre-spawn-environ": {},  # Dask's own makes malloc give memory back at once, and ask for it again
    "distributed.worker.profile.enabled": False,  # it looks at every thread 100 times a second
}
IGNORE_INTERRUPTS = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
"""A Ctrl-C reaches the workers of this machine too. They leave it to the client, which ends them."""
WORKER_NAME = "Dask Worker process"
"""The names of the processes that Dask starts on this machine begin so."""

_log = logging.getLogger(__name__)


class Connection:
    """A client of a scheduler, and what its workers said of themselves.

    session: names this connection among others of the same scheduler. wait: the seconds to wait for a worker while there is
    none. mixed: see `open_trainer`.
    """

    def __init__(self, client: Client, *, mixed: bool, wait: float):
        self.client, self.session = client, f"bnlab-{secrets.token_hex(6)}"
        self._mixed, self._wait = mixed, wait
        self._reports: dict[str, Report] = {}
        """{address of a worker: what it said}. Dask's thread adds to it."""
        self._refused: set[str] = set()
        self._accepted: Counter[str] = Counter()
        self._environments: dict[str, Mapping[str, Any]] = {}
        self._looked = 0.0
        self._alone_since: float | None = None
        self._said = False
        client.subscribe_topic(self.session, self._hear)
        plugin = Acceptance(self.session, settings(mixed=mixed), versions() | numerics(), mixed=mixed)
        client.register_plugin(plugin, name=self.session)

    @property
    def alive(self) -> bool:
        """Whether the scheduler is there."""
        return self.client.status == "running"

    def close(self) -> None:
        """Take back what the scheduler keeps for this session."""
        if self.alive:
            with contextlib.suppress(OSError):
                self.client.unsubscribe_topic(self.session)
                self.client.unregister_worker_plugin(self.session)
                self.client.set_metadata([self.session], {})

    def workers(self, wanted: set[str], *, now: bool = False) -> Mapping[str, int]:
        """Return {kind: the number of its workers}, at most LOOK_SECONDS old.

        wanted: the kinds that must have a worker for the training to go on. now: look now.

        Raises:
            RunFailed: the scheduler is gone; or for longer than `wait` there was no worker, or none of a wanted kind.
        """
        if not self.alive:
            raise RunFailed("the scheduler is gone")
        clock = time.monotonic()
        if now or clock - self._looked >= LOOK_SECONDS:
            self._looked = clock
            self._look()
            self._watch(wanted or {""}, clock)
        return self._accepted

    def resource(self, kind: str) -> dict[str, float]:
        """Return what a task for workers of this kind asks for."""
        return {resource(self.session, kind): 1}

    def environment(self, kind: str) -> Mapping[str, Any] | None:
        """Return the environment that runs of this kind of worker record; None where it is this process's."""
        return None if kind == kind_of(numerics()) else self._environments[kind]

    def _hear(self, event: tuple[float, Mapping[str, Any]]) -> None:
        report = report_of(event[1])
        self._reports[report.worker] = report
        self._looked = 0.0

    def _look(self) -> None:
        try:
            present = cast("dict[str, int]", self.client.nthreads())
        except (OSError, TimeoutError):
            raise RunFailed("the scheduler is gone") from None
        reports = list(self._reports.values())  # at once: Dask's thread may add one
        for report in reports:
            if report.worker not in present:
                del self._reports[report.worker]
            elif report.kind:
                self._environments.setdefault(report.kind, report.environment)
            elif report.worker not in self._refused:
                self._refused.add(report.worker)
                _log.warning("%s", refusal(report))
        self._accepted = Counter(report.kind for report in reports if report.kind and report.worker in present)

    def _watch(self, wanted: set[str], clock: float) -> None:
        """Say that there is no worker, and give up when that has lasted too long."""
        if self._accepted and all(self._accepted[kind] for kind in wanted - {""}):
            if self._said:
                _log.warning("there is a worker again")
            self._alone_since, self._said = None, False
            return
        self._alone_since = self._alone_since or clock
        alone = clock - self._alone_since
        which = "worker of the kind that has begun these runs" if self._accepted else "worker"
        if alone > self._wait:
            raise RunFailed(f"there was no {which} for {self._wait:g} seconds")
        if alone >= SAY_SECONDS and not self._said:
            self._said = True
            _log.warning("there is no %s; bnlab waits %g seconds for one", which, self._wait)


def refusal(report: Report) -> str:
    """Say why a worker is refused, and what the user can do about it."""
    differing = "; ".join(f"{name} '{theirs}' there, '{ours}' here" for name, (theirs, ours) in report.differences.items())
    must = [name for name in versions() if name in report.differences]
    advice = f"install the same {' and '.join(must)} there" if must else "--mixed accepts it, and its runs record this"
    return f"worker {report.worker} is not used, because it may compute other bits: {differing}; {advice}"


@contextlib.contextmanager
def local_scheduler(workers: int, *, wait: float) -> Iterator[Connection]:
    """Start a scheduler in this process, and worker processes that it restarts. They listen on 127.0.0.1 alone."""
    with contextlib.ExitStack() as stack:
        _configure_dask(stack)
        stack.enter_context(_without_main())
        cluster = LocalCluster(
            n_workers=0,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
            memory_limit=0,
            silence_logs=logging.CRITICAL,
            preload=IGNORE_INTERRUPTS,
        )
        stack.enter_context(cluster)
        cluster.scale(workers)  # they start while this process imports JAX and plans its tasks
        client = stack.enter_context(Client(cluster, set_as_default=False))
        stack.callback(cluster.sync, _end_workers, cluster)
        yield stack.enter_context(contextlib.closing(Connection(client, mixed=False, wait=wait)))


async def _end_workers(cluster: LocalCluster) -> None:
    """End the workers of this machine, which nobody needs any more. By itself, Dask gives each a second or two."""
    ending = (nanny.close(timeout=END_SECONDS) for nanny in cluster.workers.values())
    await asyncio.gather(*ending, return_exceptions=True)


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Start Dask's workers without the program's main module. They need nothing of it, and a script would run again in each.

    multiprocessing imports the main module in every process that it starts, and has no option for that.
    """
    prepare = spawn.get_preparation_data

    def without_main(name: str) -> dict[str, Any]:
        data = prepare(name)
        if name.startswith(WORKER_NAME):
            data = {key: value for key, value in data.items() if not key.startswith("init_main_from")}
        return data

    spawn.get_preparation_data = without_main
    try:
        yield
    finally:
        spawn.get_preparation_data = prepare


@contextlib.contextmanager
def connect(address: str, *, mixed: bool, wait: float) -> Iterator[Connection]:
    """Connect to the scheduler at an address. Keys and certificates of tls:// are those of Dask's own configuration.

    Raises:
        UserError: no scheduler answers there.
    """
    with contextlib.ExitStack() as stack:
        _configure_dask(stack)
        try:
            client = stack.enter_context(Client(address, timeout=CONNECT_SECONDS, set_as_default=False))
        except (OSError, TimeoutError, ValueError, TypeError, RuntimeError) as error:
            raise UserError(f"got '{address}': {_reason(error)}", argument="scheduler") from None
        yield stack.enter_context(contextlib.closing(Connection(client, mixed=mixed, wait=wait)))


def _configure_dask(stack: contextlib.ExitStack) -> None:
    stack.enter_context(dask.config.set(CONFIG))
    for logger in ("distributed", "distributed.client"):  # bnlab says itself what its user should know
        stack.enter_context(silence_logging_cmgr(logging.CRITICAL, logger))


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
