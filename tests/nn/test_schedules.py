"""Schedules by hand and against optax, as Python numbers and as arguments of a compiled function."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bnlab.nn.numbers import join, split
from bnlab.nn.schedules import schedule_factor
from bnlab.options import OptionError, Schedule

STEPS = jnp.arange(130)


def factors(schedule: Schedule) -> np.ndarray:
    """Return the factor of every step; its numbers are arguments of a compiled function, as in a training."""
    structure, numbers = split(schedule)
    compiled = jax.jit(lambda numbers, step: schedule_factor(join(structure, numbers), step))
    traced = np.stack([compiled(numbers, step) for step in STEPS])
    plain = np.stack([schedule_factor(schedule, step) for step in STEPS[::13]])
    np.testing.assert_allclose(plain, traced[::13], rtol=1e-6, atol=1e-7)
    assert traced.dtype == np.float32
    return traced


def assert_like_optax(schedule: Schedule, theirs: optax.Schedule) -> None:
    # The angle of the cosine is rounded to float32, and so are its factors.
    np.testing.assert_allclose(factors(schedule), [float(theirs(step)) for step in STEPS], rtol=1e-6, atol=2e-7)


def test_pieces_by_hand():
    ours = factors(Schedule("piecewise", boundaries=(3, 50), factors=(0.5, 0.01)))
    np.testing.assert_array_equal(ours[:3], [1, 1, 1])
    np.testing.assert_array_equal(ours[3:50], np.full(47, 0.5))
    np.testing.assert_array_equal(ours[50:], np.full(80, np.float32(0.01)))


def test_a_warm_up_by_hand():
    ours = factors(Schedule(warmup_steps=4))
    np.testing.assert_array_equal(ours[:6], [0, 0.25, 0.5, 0.75, 1, 1])
    ours = factors(Schedule(warmup_steps=4, warmup_from=0.2))
    np.testing.assert_allclose(ours[:6], [0.2, 0.4, 0.6, 0.8, 1, 1], rtol=1e-6)


def test_half_a_cosine_by_hand():
    ours = factors(Schedule("cosine", decay_steps=6, end_factor=0.5))
    # ½ + ½ · ½ (1 + cos(π t / 6)), whose cosines are 1, √3/2, 1/2, 0, −1/2, −√3/2, −1
    half = np.sqrt(3) / 2
    np.testing.assert_allclose(ours[:7], 0.75 + 0.25 * np.array([1, half, 0.5, 0, -0.5, -half, -1]), rtol=1e-6)
    np.testing.assert_allclose(ours[7:], 0.5, rtol=1e-6)


def test_the_values_of_optax():
    pieces = Schedule("piecewise", boundaries=(10, 100), factors=(0.5, 0.05))
    assert_like_optax(pieces, optax.piecewise_constant_schedule(1.0, {10: 0.5, 100: 0.1}))  # optax multiplies them
    assert_like_optax(Schedule("cosine", decay_steps=100), optax.cosine_decay_schedule(1.0, 100))
    assert_like_optax(Schedule("cosine", decay_steps=100, end_factor=0.1), optax.cosine_decay_schedule(1.0, 100, alpha=0.1))
    assert_like_optax(Schedule(warmup_steps=20), optax.linear_schedule(0.0, 1.0, 20))
    assert_like_optax(
        Schedule("cosine", warmup_steps=20, warmup_from=0.1, decay_steps=100, end_factor=0.2),
        optax.warmup_cosine_decay_schedule(0.1, 1.0, 20, 100, 0.2),
    )
    joined = optax.join_schedules([optax.linear_schedule(0.0, 1.0, 20), pieces_after(20)], [20])
    assert_like_optax(Schedule("piecewise", warmup_steps=20, boundaries=(60, 90), factors=(0.3, 0.1)), joined)


def pieces_after(start: int) -> optax.Schedule:
    return optax.piecewise_constant_schedule(1.0, {60 - start: 0.3, 90 - start: 1 / 3})


def test_the_numbers_are_no_part_of_what_is_compiled():
    one = Schedule("cosine", warmup_steps=20, warmup_from=0.1, decay_steps=100, end_factor=0.2)
    other = Schedule("cosine", warmup_steps=5, warmup_from=0.5, decay_steps=70, end_factor=0.9)
    assert split(one)[0] == split(other)[0]
    two = Schedule("piecewise", boundaries=(1, 2), factors=(0.5, 0.2))
    assert split(two)[0] == split(Schedule("piecewise", boundaries=(8, 9), factors=(1.5, 2.5)))[0]
    assert split(two)[0] != split(Schedule("piecewise", boundaries=(8,), factors=(1.5,)))[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "piecewise"}, "boundaries: got [], expected one or more with name 'piecewise'"),
        (
            {"name": "piecewise", "boundaries": (5, 5), "factors": (1.0, 1.0)},
            "boundaries: got [5, 5], expected each above the one before",
        ),
        (
            {"name": "piecewise", "boundaries": (5,), "factors": (1.0, 2.0)},
            "factors: got 2 values, expected one for each boundary (1)",
        ),
        (
            {"name": "piecewise", "boundaries": (5,), "factors": (-1.0,)},
            "factors: got -1.0, expected greater than or equal to 0",
        ),
        ({"name": "cosine", "factors": (1.0,)}, "factors: got [1.0], expected none: it belongs to name 'piecewise'"),
        ({"end_factor": 0.1}, "end_factor: got 0.1, expected none: it belongs to name 'cosine'"),
        (
            {"name": "cosine", "warmup_steps": 10, "decay_steps": 10},
            "decay_steps: got 10, expected more than warmup_steps (10)",
        ),
        ({"warmup_from": 1.5}, "warmup_from: got 1.5, expected less than or equal to 1"),
        ({"warmup_steps": 2**24 + 1}, "warmup_steps: got 16777217, expected less than or equal to 16777216"),
        ({"name": "step"}, "name: got 'step', expected one of constant, piecewise, cosine"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(OptionError, match=f"^{re.escape(message)}$"):
        Schedule(**arguments)
