"""Schedules, clipping, noise, kernels and binary inputs in a training: same bits in any cut, one program for a grid."""

import jax
import numpy as np
import pytest

from bnlab.config import load_config
from bnlab.training import Prepared, Scheduler, TrainState, prepare

NEW = (
    "model.noise={}",
    "model.activation=silu",
    "model.kernel_init={name: normal, stddev: 0.1}",
    "optimizer.schedule={name: cosine, warmup_steps: 3, end_factor: 0.1}",
    "optimizer.clip={name: global_norm, threshold: 0.1}",
    "data.binarise=true",
)


def prepared(*overrides: str, base: str = "digits_bn", segment_steps: int = 2000) -> Prepared:
    config = load_config(base, overrides=["num_steps=12", "record_every=2", "model.hidden=[6]", *overrides])
    return prepare([config], segment_steps=segment_steps)[0]


def train(one: Prepared, **start) -> tuple[TrainState, list[TrainState]]:
    """Return the last state, and the state after every segment."""
    states = [chunk.state for chunk in Scheduler([one.task(0, 0, **start)], 1).chunks()]
    return states[-1], states


def assert_same_bits(one: TrainState, other: TrainState) -> None:
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_cut_and_a_resumption_keep_the_bits():
    whole, _ = train(prepared(*NEW))
    cut, states = train(prepared(*NEW, segment_steps=4))
    assert len(states) == 3
    assert_same_bits(cut, whole)
    resumed, _ = train(prepared(*NEW, segment_steps=4), first=1, leaves=jax.tree.leaves(states[0]))
    assert_same_bits(resumed, whole)


@pytest.mark.parametrize("left_out", NEW)
def test_each_of_them_changes_the_training(left_out):
    whole, _ = train(prepared(*NEW))
    without, _ = train(prepared(*(option for option in NEW if option != left_out)))
    assert (whole.params["dense0"].kernel != without.params["dense0"].kernel).any()


def test_a_grid_over_their_numbers_shares_one_program():
    other = (
        "model.noise={mean: 1, stddev: 2, mean_spread: 0.3, stddev_spread: 0.4}",
        "model.kernel_init={name: normal, stddev: 0.5}",
        "optimizer.schedule={name: cosine, warmup_steps: 5, end_factor: 0.3, decay_steps: 8}",
        "optimizer.clip={name: global_norm, threshold: 3}",
    )
    one, two = prepared(*NEW), prepared(*NEW, *other)
    assert one.program is two.program
    assert (train(one)[0].params["dense0"].kernel != train(two)[0].params["dense0"].kernel).any()


def test_first_kernels_of_a_config():
    state = prepared("model.kernel_init={name: normal, stddev: 0.01}").first_state(3)
    key = jax.random.fold_in(jax.random.key(3), 0)
    np.testing.assert_allclose(state.params["dense0"].kernel, 0.01 * jax.random.normal(key, (64, 6)), rtol=1e-6)


def test_binary_inputs_reach_the_program():
    inputs, _ = prepared("data.binarise=0.25").data["train"]
    whole, _ = prepared().data["train"]
    np.testing.assert_array_equal(inputs, np.asarray(whole) > 0.25)


def test_layer_norm_trains():
    one = prepared("model.norm.kind=layer", base="digits")
    state, _ = train(one)
    assert set(state.params) == {"dense0", "dense1", "layer_norm0"}
    assert state.batch_stats == {}
    assert (np.asarray(state.params["layer_norm0"].gamma) != 1).any()
