"""Bundles are filled by the measured cost of a step; every segment of every seed is sent once."""

from types import SimpleNamespace
from typing import Any

from bnlab.cluster.bundles import Bundler, Span
from bnlab.config import SeedPair
from bnlab.experiment import Part, SeedTask
from bnlab.training import Segment


def run_of(structure: str = "net", segments: int = 1, steps: int = 100) -> Any:
    """A run of this shape, whose seeds have so many segments of so many steps."""
    config = SimpleNamespace(data=SimpleNamespace(name="regression"), batch_size=10, record_every=10)
    plan = [Segment(number * steps, 1, steps, number) for number in range(segments)]
    return SimpleNamespace(config=config, program=SimpleNamespace(structure=structure), segments=plan)


def seeds_of(run: Any, count: int) -> list[SeedTask]:
    return [SeedTask(run, SeedPair(seed, seed)) for seed in range(count)]


def part_of(span: Span, *, failed: int | None = None) -> Part:
    return Part(span.number, span.end, 0, {}, ["state"], failed, span.steps, 0.0)


def finish(bundler: Bundler, bundle: list[Span], seconds: float) -> None:
    parts = [part_of(span) for span in bundle]
    bundler.measured(bundle, parts, seconds)
    for span, part in zip(bundle, parts, strict=True):
        bundler.goes_on(span, part)


def sizes(bundler: Bundler) -> list[int]:
    """The sizes of all bundles that are left, none of which is finished."""
    return [len(bundle) for bundle in iter(bundler.take, [])]


def test_before_a_measurement_a_bundle_has_eight_seeds_of_one_run():
    assert sizes(Bundler(seeds_of(run_of(), 20))) == [8, 8, 4]
    assert sizes(Bundler([*seeds_of(run_of(), 3), *seeds_of(run_of(), 3)])) == [3, 3]


def test_a_measured_bundle_takes_two_seconds():
    bundler = Bundler(seeds_of(run_of(), 100))
    finish(bundler, bundler.take(), seconds=0.8)  # 8 seeds of 100 steps: a seed takes 0.1 s
    assert [len(bundler.take()) for _ in range(2)] == [20, 20]


def test_a_bundle_has_one_shape():
    bundler = Bundler([*seeds_of(run_of("net"), 10), *seeds_of(run_of("other"), 5)])
    finish(bundler, bundler.take(), seconds=0.8)
    assert sizes(bundler) == [2, 5]


def test_a_long_seed_is_cut_after_ten_seconds_and_goes_on_first():
    bundler = Bundler(seeds_of(run_of(segments=30), 2))
    first = bundler.take()
    assert [(span.number, span.task.first, span.end) for span in first] == [(0, 0, 1), (1, 0, 1)]
    finish(bundler, first, seconds=2.0)  # a segment takes a second
    spans = [bundler.take() for _ in range(2)]
    assert [(span.number, span.task.first, span.end, span.task.leaves) for (span,) in spans] == [
        (1, 1, 11, ["state"]),
        (0, 1, 11, ["state"]),
    ]


def test_a_seed_that_failed_does_not_go_on():
    bundler = Bundler(seeds_of(run_of(segments=3), 1))
    (span,) = bundler.take()
    bundler.goes_on(span, part_of(span, failed=7))
    assert bundler.take() == []


def test_tasks_are_taken_when_there_is_room():
    taken = []
    bundler = Bundler(taken.append(seed) or task for seed, task in enumerate(seeds_of(run_of(), 100)))
    assert taken == []
    bundler.take()
    assert taken == list(range(9))  # the ninth shows that the bundle is full


def test_spans_that_are_sent_alone_come_first():
    bundler = Bundler(seeds_of(run_of(), 10))
    bundle = bundler.take()
    bundler.alone(bundle[:2])
    assert bundler.first() is bundle[0].task
    assert [bundler.take() for _ in range(2)] == [bundle[:1], bundle[1:2]]
    assert [span.number for span in bundler.take()] == [8, 9]
    assert (bundler.first(), bundler.take()) == (None, [])


def test_joins_ends_a_bundle():
    bundler = Bundler(seeds_of(run_of(), 5))
    assert len(bundler.take(lambda task: task.seeds.init < 3)) == 3
    assert len(bundler.take()) == 2
