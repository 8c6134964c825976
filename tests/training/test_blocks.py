"""Blocks on the CPU: the same results as one seed at a time but for rounding, and lanes that know nothing of each other."""

import re
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
import pytest

from bnlab import experiment, runtime
from bnlab.config import Config, load_config
from bnlab.environment import numerics
from bnlab.errors import UserError
from bnlab.training import Blocks, Chunk, Prepared, Scheduler, Task, prepare
from bnlab.training.blocks import lane_bytes, lanes

SEGMENT = 20
LANES = 4


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config("regression_bn", overrides=["num_steps=60", "record_every=5"])


def prepared(config: Config) -> Prepared:
    return prepare([config], segment_steps=SEGMENT)[0]


def tasks_of(config: Config, *seeds: int) -> list[Task]:
    return [prepared(config).task(seed, seed) for seed in seeds]


def train(tasks: list[Task], most: int = LANES) -> list[Chunk]:
    return list(Blocks(tasks, most).chunks())


def of(chunks: list[Chunk], task: int) -> list[Chunk]:
    return [chunk for chunk in chunks if chunk.task == task]


def bits(chunks: list[Chunk]) -> list[bytes]:
    """The complete content of the chunks of one task, as bytes."""
    leaves = [
        leaf for c in chunks for leaf in (c.losses, c.penalties, *c.metrics.values(), *jax.tree.leaves((c.state, c.recorded)))
    ]
    return [np.asarray(leaf).tobytes() for leaf in leaves]


@pytest.fixture(scope="module")
def alone(config) -> dict[int, list[bytes]]:
    """Each seed in a block of its own; the other lanes repeat it."""
    return {seed: bits(train(tasks_of(config, seed))) for seed in range(6)}


@pytest.mark.parametrize("seeds", [(0, 1), (3, 2, 1, 0), (5, 4, 3, 2, 1, 0)])
def test_a_seeds_bits_depend_neither_on_its_lane_nor_on_the_others(config, alone, seeds):
    chunks = train(tasks_of(config, *seeds))
    assert {chunk.task for chunk in chunks} == {*range(len(seeds))}
    for task, seed in enumerate(seeds):
        assert bits(of(chunks, task)) == alone[seed]


CASES = {
    "regression_bn": ["num_steps=60", "record_every=5", "probes.dead_units=true"],
    "digits_bn": ["num_steps=40", "record_every=10", "probes.gradient_norm=true"],
    "digits": ["num_steps=40", "record_every=10", "model.norm.kind=batch", "model.noise={}"],
}
RTOL = 1e-5
"""For every loss, metric and probe: another program adds in another order. Measured after 40 and 60 steps: at most 5e-7."""


@pytest.mark.parametrize("name", CASES)
def test_the_same_as_one_seed_at_a_time_but_for_rounding(name):
    tasks = tasks_of(load_config(name, overrides=CASES[name]), 0, 1, 2)
    ours, theirs = train(tasks), list(Scheduler(tasks, 2).chunks())
    assert len(ours) == len(theirs)
    for task in range(3):
        for one, other in zip(of(ours, task), of(theirs, task), strict=True):
            assert (one.index, one.segment, one.ends, one.failed_step) == (other.index, other.segment, other.ends, None)
            np.testing.assert_allclose(one.losses, other.losses, rtol=RTOL)
            assert list(one.metrics) == list(other.metrics)
            for metric, values in one.metrics.items():
                np.testing.assert_allclose(values, other.metrics[metric], rtol=RTOL, err_msg=metric)
            for a, b in zip(jax.tree.leaves(one.recorded), jax.tree.leaves(other.recorded), strict=True):
                assert np.shape(a) == np.shape(b)


def test_points_of_one_shape_share_a_block(config, alone):
    """Each lane has its own numbers; the tasks of another program begin another block."""
    other = config.model_copy(update={"optimizer": config.optimizer.model_copy(update={"learning_rate": 0.05})})
    wide = load_config("regression_bn", overrides=["num_steps=60", "record_every=5", "model.hidden=[3]"])
    (first, second, third) = prepare([config, other, wide], segment_steps=SEGMENT)
    assert first.program is second.program
    tasks = [first.task(0, 0), second.task(0, 0), third.task(0, 0), first.task(1, 1)]
    chunks = train(tasks)
    assert [chunk.task for chunk in chunks] == [0, 1, 0, 1, 0, 1, 2, 2, 2, 3, 3, 3]
    assert bits(of(chunks, 0)) == alone[0]
    assert bits(of(chunks, 1)) == bits(train([second.task(0, 0)]))
    assert bits(of(chunks, 1)) != alone[0]
    assert bits(of(chunks, 3)) == alone[1]


def test_a_task_is_taken_when_its_block_is_due(config):
    taken: list[int] = []

    def tasks() -> Iterator[Task]:
        for seed, task in enumerate(tasks_of(config, 0, 1, 2)):
            taken.append(seed)
            yield task

    chunks = Blocks(tasks(), 2).chunks()
    next(chunks)
    assert taken == [0, 1]
    chunks.close()


def test_a_diverged_lane_ends_its_own_seed_only(config, alone):
    exploding = config.model_copy(update={"optimizer": config.optimizer.model_copy(update={"learning_rate": 1e30})})
    sick, well = prepare([exploding, config], segment_steps=SEGMENT)
    chunks = train([sick.task(0, 0), well.task(1, 1)])
    (ended,) = of(chunks, 0)
    (expected,) = Scheduler([sick.task(0, 0)], 1).chunks()
    assert ended.ends
    assert ended.failed_step == expected.failed_step is not None
    assert {name: len(values) for name, values in ended.metrics.items()} == {
        name: len(values) for name, values in expected.metrics.items()
    }
    assert bits(of(chunks, 1)) == alone[1]
    assert [chunk.task for chunk in train([sick.task(0, 0), sick.task(1, 1)])] == [0, 1]  # no lane is left to train on


def test_a_task_goes_on_from_a_later_segment(config, alone):
    chunks = train(tasks_of(config, 2))
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(chunks[0].state)]
    rest = train([prepared(config).task(2, 2, first=1, leaves=leaves), *tasks_of(config, 3)])
    assert [(chunk.task, chunk.index) for chunk in rest] == [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert bits(of(rest, 0)) == bits(chunks[1:])
    assert bits(of(rest, 1)) == alone[3]


def test_a_lanes_memory_by_hand():
    """The regression: 6 inputs, 10 hidden units, 1 output; 300 rows, the same for training and test; batches of 20.

    Weights and biases: 6·10 + 10 + 10·1 + 1 = 81 numbers; batch norm has 4 · 10 more. Adam keeps two moments of the 101
    numbers that are trained, and two powers. So the state has 81 + 40 + 202 + 2 = 325 numbers of four bytes.
    """
    config = load_config("regression_bn", overrides=["batch_size=20"])
    task = prepare([config])[0].task(0, 0)
    assert (task.program.recipe.model.widths, len(task.data["test"][1])) == ((6, 10, 1), 300)
    state = 325 * 4
    layers = 20 * 17 + 300 * 11
    each = 3 * state + 2 * 16_000_000 + 2 * 4 * 2000 * 20 + 4 * 4 * layers
    assert lane_bytes(task) == each == 32_382_140
    assert lanes(task, 7, None) == 7
    for memory, expected in ((0, 1), (each - 1, 1), (2 * each - 1, 1), (2 * each, 2), (7 * each, 4), (10**15, 256)):
        assert lanes(task, 256, memory) == expected


def test_an_error_while_batches_are_drawn_reaches_the_caller(config):
    one = prepared(config)

    def broken(start: int, count: int) -> np.ndarray:
        raise ArithmeticError("no more batches")

    with pytest.raises(ArithmeticError, match=r"^no more batches$"):
        train([one.replay_task(lambda: one.first_state(0), broken)])


class TestRuns:
    """`BNLAB_LANES` turns blocks on, for every command."""

    @pytest.fixture(autouse=True)
    def in_blocks(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("BNLAB_LANES", "4")
        numerics.cache_clear()
        yield
        numerics.cache_clear()

    def test_a_run_says_so_and_its_seeds_are_kept_apart(self, config, short_run, folder, monkeypatch):
        run = experiment.train(short_run.config, out="run")
        assert (run.numerics or {})["lanes"] == "4"
        assert "lanes" not in (short_run.numerics or {})
        for name, curve in run.curves.items():
            np.testing.assert_allclose(curve, short_run.curves[name], rtol=RTOL)
        again = experiment.train(short_run.config.with_seeds([(2, 2)]), out="again")
        for name, curve in again.curves.items():
            assert curve[0].tobytes() == run.curves[name][2].tobytes()

    def test_resumed(self, short_run, folder):
        class Stop(Exception):
            pass

        def stop(config: Config, index: int, chunk: Chunk) -> None:
            if (index, chunk.index) == (1, 1):
                raise Stop

        plans = [(short_run.config, Path("run"))]
        with pytest.raises(Stop):
            experiment.run_all(plans, segment_steps=14, on_chunk=stop)
        resumed = experiment.run_all(plans, segment_steps=14, resume=True)[0]
        whole = experiment.run_all([(short_run.config, Path("whole"))], segment_steps=14)[0]
        for name, curve in whole.curves.items():
            assert resumed.curves[name].tobytes() == curve.tobytes()
        for name, values in whole.params.items():
            assert resumed.params[name].tobytes() == values.tobytes()


class Device:
    """What JAX says of a device."""

    def __init__(self, platform: str, limit: int | None):
        self.platform, self.limit = platform, limit

    def memory_stats(self) -> dict[str, int] | None:
        return None if self.limit is None else {"bytes_limit": self.limit}


@pytest.mark.parametrize(
    ("platform", "limit", "chosen", "expected", "says"),
    [
        ("cpu", None, None, None, ""),
        ("cpu", None, "8", (8, None), "8"),
        ("gpu", 60 * 2**30 + 5, None, (256, 30 * 2**30), "at most 256, in 30 GiB"),
        ("gpu", None, None, (256, 2 * 2**30), "at most 256, in 2 GiB"),
        ("gpu", 2**30, None, (256, 2**30), "at most 256, in 1 GiB"),
        ("gpu", 2**40, "16", (16, None), "16"),
        ("gpu", 2**40, "1", None, ""),
    ],
)
def test_the_device_decides_unless_the_user_does(monkeypatch, platform, limit, chosen, expected, says):
    monkeypatch.setattr(jax, "devices", lambda: [Device(platform, limit)])
    monkeypatch.setenv("BNLAB_LANES", chosen or "")
    found = runtime.lanes()
    assert found == expected
    assert found is None or str(found) == says


@pytest.mark.parametrize("wrong", ["0", "-1", "two", "²", "1.5"])
@pytest.mark.parametrize(("variable", "asked"), [("BNLAB_LANES", runtime.lanes), ("BNLAB_THREADS", runtime.workers)])
def test_a_wrong_number_is_refused(monkeypatch, variable, asked, wrong):
    monkeypatch.setenv(variable, wrong)
    with pytest.raises(UserError, match=f"^{variable}: got '{re.escape(wrong)}', expected a whole number above 0$"):
        asked()
