"""Segments, chunks and their order; the same bits whoever trains beside; a loss that explodes."""

from functools import partial

import jax
import numpy as np
import pytest

from bnlab import data
from bnlab.config import Config, load_config
from bnlab.data.batches import batches
from bnlab.training import Chunk, Program, Segment, Task, build_program, device_data, plan_segments, train


def test_a_short_run_is_one_segment():
    assert plan_segments(2000, 1, 1000) == [Segment(0, 2000, 1, 0)]


def test_segments_end_before_too_many_steps():
    assert plan_segments(5000, 1, 1000) == [
        Segment(0, 1667, 1, 0),
        Segment(1667, 1667, 1, 1667),
        Segment(3334, 1666, 1, 3334),
    ]
    assert plan_segments(5000, 500, 1000) == [Segment(0, 4, 500, 0), Segment(2000, 4, 500, 4), Segment(4000, 2, 500, 8)]


def test_segments_end_before_too_many_bytes():
    # records of 8 MB: two to a segment
    assert plan_segments(5, 1, 8_000_000) == [Segment(0, 2, 1, 0), Segment(2, 2, 1, 2), Segment(4, 1, 1, 4)]
    assert plan_segments(2, 1, 10**9) == [Segment(0, 1, 1, 0), Segment(1, 1, 1, 1)]


def test_a_record_longer_than_a_segment_is_one_segment():
    assert plan_segments(17180, 17180, 1) == [Segment(0, 1, 17180, 0)]


def test_the_last_record_may_be_short():
    assert plan_segments(7, 3, 1) == [Segment(0, 2, 3, 0), Segment(6, 1, 1, 2)]
    assert plan_segments(2, 5, 1) == [Segment(0, 1, 2, 0)]


@pytest.mark.parametrize("num_steps", [1, 2, 37, 1999, 2000, 2001, 9999])
@pytest.mark.parametrize("record_every", [1, 7, 2000, 3000])
@pytest.mark.parametrize("record_bytes", [1, 40_000, 9_000_000])
def test_segments_cover_every_step_once(num_steps, record_every, record_bytes):
    step, record = 0, 0
    shapes = []
    for segment in plan_segments(num_steps, record_every, record_bytes):
        assert (segment.start, segment.record) == (step, record)
        step += segment.records * segment.steps
        record += segment.records
        shapes.append((segment.records, segment.steps))
    assert step == num_steps
    assert record == -(-num_steps // record_every)
    assert len(set(shapes)) <= 3  # so many programs are compiled


SEGMENT = 20
"""Steps a segment here: the plans below have three."""


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config("regression_bn", overrides=["num_steps=60", "record_every=5"])


@pytest.fixture(scope="module")
def dataset():
    return data.load("regression")


@pytest.fixture(scope="module")
def program(config: Config, dataset: data.Dataset) -> Program:
    return build_program(config, dataset)


def task_of(config: Config, program: Program, dataset: data.Dataset, seed: int, segment: int = SEGMENT) -> Task:
    rows = len(dataset.train.inputs)
    return Task(
        program,
        device_data(dataset),
        partial(program.start, np.uint32(seed)),
        partial(batches, config.batches, rows, config.batch_size, seed),
        plan_segments(config.num_steps, config.record_every, 1, segment),
    )


def bits(chunks: list[Chunk]) -> list[bytes]:
    """Everything that chunks of one task hold, to the last bit."""
    leaves = [leaf for c in chunks for leaf in (c.losses, c.penalties, *c.metrics.values(), *jax.tree.leaves(c.state))]
    return [np.asarray(leaf).tobytes() for leaf in leaves]


@pytest.fixture(scope="module")
def alone(config, program, dataset) -> dict[int, list[Chunk]]:
    """Seeds trained one after the other, on one thread."""
    return {seed: list(train([task_of(config, program, dataset, seed)], 1)) for seed in range(4)}


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_seed_has_the_same_bits_alone_and_among_many(config, program, dataset, alone, workers):
    together = list(train([task_of(config, program, dataset, seed) for seed in range(4)], workers))
    for seed in range(4):
        assert bits([chunk for chunk in together if chunk.task == seed]) == bits(alone[seed])


def test_seeds_differ(alone):
    losses = [np.concatenate([chunk.losses for chunk in chunks]) for chunks in alone.values()]
    assert len({loss.tobytes() for loss in losses}) == 4


def test_chunks_come_in_order_with_what_they_promise(config, program, dataset):
    chunks = list(train([task_of(config, program, dataset, seed) for seed in (0, 1, 2)], 2))
    for task in range(3):
        mine = [chunk for chunk in chunks if chunk.task == task]
        assert [chunk.index for chunk in mine] == [0, 1, 2]
        assert [chunk.segment.start for chunk in mine] == [0, 20, 40]
        for chunk in mine:
            assert chunk.losses.shape == chunk.penalties.shape == (20,)
            assert {name: values.shape for name, values in chunk.metrics.items()} == {
                "train_loss": (4,),
                "test_loss": (4,),
            }
            assert chunk.failed_step is None
            assert chunk.seconds > 0


def test_a_task_goes_on_from_a_later_segment(config, program, dataset, alone):
    task = task_of(config, program, dataset, 2)
    state = alone[2][0].state
    rest = list(train([Task(program, task.data, lambda: state, task.batches, task.segments, first=1)], 2))
    assert [chunk.index for chunk in rest] == [1, 2]
    assert bits(rest) == bits(alone[2][1:])


def test_segments_do_not_change_what_is_computed(config, program, dataset, alone):
    """Neither the losses of the steps nor the records: one program of 60 steps gives those of three of 20.

    rtol: another loop length may be another XLA program, whose rounding 60 steps carry on (1e-6 were measured).
    """
    task = task_of(config, program, dataset, 0)
    whole = Task(program, task.data, task.start, task.batches, plan_segments(60, 5, 1))
    (chunk,) = train([whole], 1)
    pieces = np.concatenate([piece.losses for piece in alone[0]])
    np.testing.assert_allclose(chunk.losses, pieces, rtol=1e-4)


def test_nothing_to_train():
    assert list(train([], 2)) == []


def test_an_error_in_a_thread_reaches_the_caller(config, program, dataset):
    task = task_of(config, program, dataset, 0)

    def broken(start: int, count: int) -> np.ndarray:
        raise ArithmeticError("no more batches")

    with pytest.raises(ArithmeticError, match=r"^no more batches$"):
        list(train([Task(program, task.data, task.start, broken, task.segments)], 2))


@pytest.fixture(scope="module")
def exploding() -> Config:
    overrides = ["num_steps=60", "optimizer={name: sgd, learning_rate: 0.003}"]
    return load_config("regression", overrides=overrides)


@pytest.mark.parametrize("segment", [1, 2, 20])
def test_a_loss_that_explodes_ends_the_task_at_its_step(exploding, dataset, segment):
    """The first record that is not finite is that of step 4; the step's own losses are finite one step longer."""
    program = build_program(exploding, dataset)
    chunks = list(train([task_of(exploding, program, dataset, 0, segment)], 2))
    assert [chunk.failed_step for chunk in chunks] == [None] * (len(chunks) - 1) + [4]
    assert len(chunks) == -(-4 // segment)
    losses = np.concatenate([chunk.losses for chunk in chunks])
    assert np.isfinite(losses[:4]).all()
    metrics = np.concatenate([chunk.metrics["test_loss"] for chunk in chunks])
    assert metrics.shape == (3,)
    assert np.isfinite(metrics).all()


def test_between_records_the_steps_own_loss_names_the_step(exploding, dataset):
    sparse = exploding.model_copy(update={"record_every": 20})
    program = build_program(sparse, dataset)
    (chunk,) = train([task_of(sparse, program, dataset, 0)], 2)
    assert np.isfinite(chunk.losses).tolist() == [True] * 4 + [False] * 16
    assert chunk.failed_step == 5
    assert chunk.metrics["test_loss"].shape == (0,)


def test_a_seed_that_explodes_does_not_stop_the_others(config, program, exploding, dataset, alone):
    broken = build_program(exploding, dataset)
    tasks = [task_of(exploding, broken, dataset, 0), task_of(config, program, dataset, 1)]
    chunks = list(train(tasks, 2))
    assert [chunk.failed_step for chunk in chunks if chunk.task == 0][-1] is not None
    assert bits([chunk for chunk in chunks if chunk.task == 1]) == bits(alone[1])
