"""Bundles out, results in. Dask decides which worker trains which bundle, and gives a lost worker's bundles to others."""

import queue
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from distributed import Future
from distributed.scheduler import KilledWorker, NoValidWorkerError, NoWorkerError

from bnlab.cluster.bundles import Bundler, Span
from bnlab.cluster.connection import Connection
from bnlab.cluster.work import Bundle, Item, Trained, sha256_of, train_bundle
from bnlab.config import Config
from bnlab.data import Dataset
from bnlab.errors import RunFailed
from bnlab.experiment import Part, SeedsLost, SeedTask
from bnlab.training import Prepared

BUNDLES_PER_WORKER = 2
"""So many bundles are sent for each worker: one that it trains, and the next one."""
MOST_STARTS = 3
"""A seed that was begun so often, and lost its worker each time, is named, and the others go on."""
MOST_STARTS_TOGETHER = 2
"""A bundle that was begun so often, and lost its worker each time, is cut into its seeds."""
MOST_GIVEN_UP = 5
"""So often Dask may give up a bundle that was not begun, because workers died that had it in their queue."""
MOST_RUNS = 256
"""So many runs, at most, have seeds under way: the client holds the lock of each, an open file."""
RESULT_SECONDS = 60.0
"""So long the client waits for the bytes of a result; then it looks whether there are workers, and tries again."""
GOES_ON = "what came back is kept, and the same command goes on"


class ClusterTrainer:
    """A `Trainer` on the workers of a connection."""

    def __init__(self, connection: Connection):
        self._connection = connection

    def __call__(self, tasks: Iterable[SeedTask]) -> Generator[Part, None, None]:
        """Train the tasks on the workers. See `Trainer`.

        Raises:
            RunFailed: the scheduler is gone, or there was no worker for too long.
            SeedsLost: at the end, for seeds that lost every worker which began them.
        """
        training = _Training(self._connection, Bundler(tasks))
        try:
            yield from training.parts()
        except SeedsLost:
            raise
        except RunFailed as error:
            raise RunFailed(f"{error}; {GOES_ON}") from None
        finally:
            training.cancel()


@dataclass(eq=False)
class _Sent:
    """A bundle under way: its seeds, the kind of its workers, its name and place (see `Bundle`).

    given_up: how often Dask gave it up, because workers died that had it in their queue.
    """

    spans: list[Span]
    kind: str
    name: str
    place: int
    given_up: int = 0


class _Training:
    """One call of a trainer: the bundles that are under way."""

    def __init__(self, connection: Connection, bundler: Bundler):
        self._connection, self._bundler = connection, bundler
        self._sent: dict[Future, _Sent] = {}
        self._done: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._keys = 0
        self._runs: Counter[Prepared] = Counter()
        """{a run with seeds under way: how many}."""
        self._kinds: WeakKeyDictionary[Prepared, str] = WeakKeyDictionary()
        """{a run that has begun: the kind of its workers}. All seeds of a run come from one kind."""
        self._data: dict[Dataset, tuple[str, Future]] = {}
        """{data set: its SHA-256, and the future that holds it}."""
        self._lost: list[Span] = []

    def parts(self) -> Generator[Part, None, None]:
        """Send bundles and yield what comes back, until every task has ended."""
        while True:
            workers = self._connection.workers({one.kind for one in self._sent.values()})
            while one := self._next(workers):
                self._send(one)
            if not self._sent and self._bundler.first() is None:
                break
            try:
                future = self._done.get(timeout=1.0 if workers else 0.1)
            except queue.Empty:
                continue
            yield from self._take(future)
        if self._lost:
            raise SeedsLost(
                [(span.task.config, span.task.seeds) for span in self._lost], f"lost a worker {MOST_STARTS} times"
            )

    def cancel(self) -> None:
        """Tell the scheduler that nobody waits for what is under way."""
        futures = [*self._sent, *(future for _, future in self._data.values())]
        if futures and self._connection.alive:
            self._connection.client.cancel(futures)

    def _next(self, workers: Mapping[str, int]) -> _Sent | None:
        """Return the next bundle, if there is a task, and room for it with the workers and among the open runs."""
        first = self._bundler.first()
        if first is None:
            return None
        under_way = Counter(one.kind for one in self._sent.values())
        room = {kind: BUNDLES_PER_WORKER * count - under_way[kind] for kind, count in workers.items()}
        kind = self._kinds.get(first.prepared) or max(room, key=lambda kind: room[kind], default=None)
        runs = {*self._runs, first.prepared}
        if kind is None or room.get(kind, 0) <= 0 or (len(runs) > MOST_RUNS and self._sent):
            return None

        def joins(task: SeedTask) -> bool:
            fits = task.prepared.dataset is first.prepared.dataset and self._kinds.get(task.prepared, kind) == kind
            if fits and (task.prepared in runs or len(runs) < MOST_RUNS):
                runs.add(task.prepared)
                return True
            return False

        spans = self._bundler.take(joins)
        for span in spans:
            self._kinds[span.task.prepared] = kind
            self._runs[span.task.prepared] += 1
        places = {one.place for one in self._sent.values()}
        place = next(place for place in range(len(places) + 1) if place not in places)
        return _Sent(spans, kind, f"bundle {self._keys}", place)

    def _send(self, one: _Sent) -> None:
        digest, dataset = self._data_of(one.spans[0].task.prepared.dataset, one.kind)
        most = MOST_STARTS if len(one.spans) == 1 else MOST_STARTS_TOGETHER
        place = self._connection.session, str(one.place)
        future = self._connection.client.submit(
            train_bundle,
            Bundle(one.name, place, _items(one.spans), digest, most),
            dataset,
            key=self._key("bundle"),
            resources=self._connection.resource(one.kind),
            pure=False,
        )
        self._sent[future] = one
        future.add_done_callback(self._done.put)

    def _take(self, future: Future) -> Generator[Part, None, None]:
        """Yield what a bundle gave; send it again, or its seeds one by one, where it lost its workers."""
        one = self._sent[future]
        try:
            result: Trained | None = future.result(timeout=RESULT_SECONDS)
        except TimeoutError:
            self._done.put(future)
            return
        except (KilledWorker, NoValidWorkerError, NoWorkerError):
            one.given_up += 1
            result = None
            if one.given_up < MOST_GIVEN_UP:
                del self._sent[future]
                self._send(one)
                return
        except (CancelledError, OSError):
            self._connection.workers(set(), now=True)  # raises where the scheduler is gone
            raise
        del self._sent[future]
        future.release()
        self._runs -= Counter(span.task.prepared for span in one.spans)
        if result is None:
            if len(one.spans) > 1:
                self._bundler.alone(one.spans)
            else:
                self._lost += one.spans
            return
        self._bundler.measured(one.spans, result.parts, result.seconds)
        environment = self._connection.environment(one.kind)
        for span, part in zip(one.spans, result.parts, strict=True):
            self._bundler.goes_on(span, part)
            yield replace(part, task=span.number, environment=environment)

    def _data_of(self, dataset: Dataset, kind: str) -> tuple[str, Future]:
        """Return the SHA-256 of a data set, and its future. Dask brings it to each worker once, and anew where it is lost."""
        digest, future = self._data.get(dataset, (None, None))
        if digest is None:
            digest = sha256_of(dataset)
        if future is None or future.status in ("error", "cancelled", "lost"):
            client, resources = self._connection.client, self._connection.resource(kind)
            future = client.submit(_same, dataset, key=self._key("data"), resources=resources, pure=False)
            self._data[dataset] = digest, future
        return digest, future

    def _key(self, what: str) -> str:
        self._keys += 1
        return f"{self._connection.session}-{what}-{self._keys}"


def _same(dataset: Dataset) -> Dataset:
    return dataset


def _items(spans: Sequence[Span]) -> list[Item]:
    """Return what a worker needs of the spans. Seeds of one run share a config, which is then sent once."""
    configs: dict[Prepared, Config] = {}
    for span in spans:
        if span.task.prepared not in configs:  # without the run's other seeds, of which there may be a million
            configs[span.task.prepared] = span.task.config.with_seeds([span.task.seeds])
    return [
        Item(
            configs[span.task.prepared],
            span.task.seeds,
            span.task.prepared.segments,
            span.task.first,
            span.end,
            span.task.leaves,
        )
        for span in spans
    ]
