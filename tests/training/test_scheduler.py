"""Chunks and their order; the same bits with any other tasks; a loss that explodes; points of one shape."""

import jax
import numpy as np
import pytest

from bnlab.config import Config, load_config
from bnlab.training import Chunk, Prepared, Scheduler, Task, prepare
from bnlab.training import program as program_module

SEGMENT = 20
"""The steps of a segment here: the plans below have three segments."""


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config("regression_bn", overrides=["num_steps=60", "record_every=5"])


def prepared(config: Config, segment: int = SEGMENT) -> Prepared:
    return prepare([config], segment_steps=segment)[0]


def tasks_of(config: Config, *seeds: int, segment: int = SEGMENT) -> list[Task]:
    return [prepared(config, segment).task(seed, seed) for seed in seeds]


def train(tasks: list[Task], workers: int) -> list[Chunk]:
    return list(Scheduler(tasks, workers).chunks())


def bits(chunks: list[Chunk]) -> list[bytes]:
    """The complete content of the chunks of one task, as bytes."""
    leaves = [leaf for c in chunks for leaf in (c.losses, c.penalties, *c.metrics.values(), *jax.tree.leaves(c.state))]
    return [np.asarray(leaf).tobytes() for leaf in leaves]


@pytest.fixture(scope="module")
def alone(config) -> dict[int, list[Chunk]]:
    """Seeds trained one after the other, on one thread."""
    return {seed: train(tasks_of(config, seed), 1) for seed in range(4)}


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_seed_has_the_same_bits_alone_and_among_many(config, alone, workers):
    together = train(tasks_of(config, 0, 1, 2, 3), workers)
    for seed in range(4):
        assert bits([chunk for chunk in together if chunk.task == seed]) == bits(alone[seed])


def test_seeds_differ(alone):
    losses = [np.concatenate([chunk.losses for chunk in chunks]) for chunks in alone.values()]
    assert len({loss.tobytes() for loss in losses}) == 4


def test_chunks_come_in_order_with_what_they_promise(config):
    chunks = train(tasks_of(config, 0, 1, 2), 2)
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


def test_a_task_goes_on_from_a_later_segment(config, alone):
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(alone[2][0].state)]
    rest = train([prepared(config).task(2, 2, first=1, leaves=leaves)], 2)
    assert [chunk.index for chunk in rest] == [1, 2]
    assert bits(rest) == bits(alone[2][1:])


def test_segments_do_not_change_what_is_computed(config, alone):
    """The losses and the records of one program of 60 steps equal those of three programs of 20 steps.

    rtol: another loop length may give another XLA program, whose rounding grows over 60 steps (1e-6 was measured).
    """
    (chunk,) = train(tasks_of(config, 0, segment=2000), 1)
    pieces = np.concatenate([piece.losses for piece in alone[0]])
    np.testing.assert_allclose(chunk.losses, pieces, rtol=1e-4)


def test_nothing_to_train():
    assert train([], 2) == []


def test_an_error_in_a_thread_reaches_the_caller(config):
    one = prepared(config)

    def broken(start: int, count: int) -> np.ndarray:
        raise ArithmeticError("no more batches")

    with pytest.raises(ArithmeticError, match=r"^no more batches$"):
        train([one.replay_task(lambda: one.first_state(0), broken)], 2)


@pytest.fixture(scope="module")
def exploding() -> Config:
    overrides = ["num_steps=60", "optimizer={name: sgd, learning_rate: 0.003}"]
    return load_config("regression", overrides=overrides)


@pytest.mark.parametrize("segment", [1, 2, 20])
def test_a_loss_that_explodes_ends_the_task_at_its_step(exploding, segment):
    """The first record that is not finite is that of step 4. The losses of the steps are finite for one step more."""
    chunks = train(tasks_of(exploding, 0, segment=segment), 2)
    assert [chunk.failed_step for chunk in chunks] == [None] * (len(chunks) - 1) + [4]
    assert len(chunks) == -(-4 // segment)
    losses = np.concatenate([chunk.losses for chunk in chunks])
    assert np.isfinite(losses[:4]).all()
    metrics = np.concatenate([chunk.metrics["test_loss"] for chunk in chunks])
    assert metrics.shape == (3,)
    assert np.isfinite(metrics).all()


def test_between_records_the_steps_own_loss_names_the_step(exploding):
    sparse = exploding.model_copy(update={"record_every": 20})
    (chunk,) = train(tasks_of(sparse, 0), 2)
    assert np.isfinite(chunk.losses).tolist() == [True] * 4 + [False] * 16
    assert chunk.failed_step == 5
    assert chunk.metrics["test_loss"].shape == (0,)


def test_a_seed_that_explodes_does_not_stop_the_others(config, exploding, alone):
    chunks = train([*tasks_of(exploding, 0), *tasks_of(config, 1)], 2)
    assert [chunk.failed_step for chunk in chunks if chunk.task == 0][-1] is not None
    assert bits([chunk for chunk in chunks if chunk.task == 1]) == bits(alone[1])


# --- One program for all points of one shape ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("optimizer.learning_rate", ("0.001", "0.002")),
        ("optimizer.b1", ("0.9", "0.8")),
        ("optimizer.b2", ("0.999", "0.99")),
        ("optimizer.epsilon", ("1e-8", "1e-3")),
        ("optimizer.weight_decay", ("0.1", "0.2")),
        ("l2_penalty.scale", ("0.1", "0.2")),
        ("model.norm.momentum", ("0.99", "0.9")),
        ("model.norm.epsilon", ("0.001", "0.01")),
        ("model.norm.gamma_init", ("1.0", "0.5")),
        ("model.norm.beta_init", ("0.0", "0.5")),
        ("model.norm.moving_mean_init", ("0.0", "0.5")),
        ("model.norm.moving_variance_init", ("1.0", "0.5")),
        ("model.norm.gamma_l2", ("0.1", "0.5")),
        ("model.norm.beta_l2", ("0.1", "0.5")),
    ],
)
def test_numbers_share_a_program_and_are_heeded(field, values):
    """Another value of a number compiles nothing, and gives the same bits as a separate program."""
    base = ["num_steps=20", "model.norm.gamma_init=0.9"]
    one, other = (load_config("regression_bn", overrides=[*base, f"{field}={value}"]) for value in values)
    train(tasks_of(one, 0), 1)
    program = prepared(one).program
    seconds = program.compile_seconds
    shared = train(tasks_of(other, 0), 1)
    assert prepared(other).program is program
    assert program.compile_seconds == seconds

    program_module._programs.clear()
    alone = train(tasks_of(other, 0), 1)
    assert prepared(other).program is not program
    assert bits(shared) == bits(alone)
    assert bits(shared) != bits(train(tasks_of(one, 0), 1))


@pytest.mark.parametrize(
    ("field", "value"),
    [("model.norm.renorm", "keras3"), ("optimizer.name", "sgd"), ("batch_size", "10"), ("l2_penalty.scale", "0.1")],
)
def test_what_changes_a_branch_or_a_shape_is_heeded(field, value):
    one = load_config("regression_bn", overrides=["num_steps=20"])
    other = load_config("regression_bn", overrides=["num_steps=20", f"{field}={value}"])
    assert bits(train(tasks_of(one, 0), 1)) != bits(train(tasks_of(other, 0), 1))


def test_sgds_momentum_and_the_numbers_of_renormalization_share_a_program():
    renorm = ["model.norm.renorm=tensorflow1", "model.norm.renorm_clipping={rmax: 3, dmax: 5}"]
    sgd = ["optimizer={name: sgd, learning_rate: 1e-4, momentum: 0.9}"]
    for base, field, value in (
        (renorm, "model.norm.renorm_momentum", "0.9"),
        (renorm, "model.norm.renorm_clipping.rmax", "1.01"),
        (sgd, "optimizer.momentum", "0.5"),
    ):
        one = load_config("regression_bn", overrides=["num_steps=20", *base])
        other = load_config("regression_bn", overrides=["num_steps=20", *base, f"{field}={value}"])
        assert prepared(one).program is prepared(other).program
        assert bits(train(tasks_of(one, 0), 1)) != bits(train(tasks_of(other, 0), 1))


def test_few_programs_are_kept():
    """Those used last; a program that is in use goes on working when it is dropped."""
    program_module._programs.clear()
    shapes = [load_config("regression_bn", overrides=["num_steps=20", f"model.hidden=[{n}]"]) for n in range(1, 19)]
    first = tasks_of(shapes[0], 0)
    for config in shapes:
        prepared(config)
    assert len(program_module._programs) == program_module.MOST_PROGRAMS == 16
    assert prepared(shapes[-1]).program is prepared(shapes[-1]).program
    assert prepared(shapes[0]).program is not first[0].program
    assert bits(train(first, 1)) == bits(train(tasks_of(shapes[0], 0), 1))
