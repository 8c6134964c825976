"""Precise statistics: the population statistics of the training rows with the current weights, by hand."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bnlab.config import load_config
from bnlab.models import MLP, apply_mlp, init_mlp, precise_statistics, to_arrays
from bnlab.nn import BatchNorm, BatchNormParams, Noise, batch_norm, init_batch_norm
from bnlab.training import Scheduler, prepare

NORM = BatchNorm(momentum=0.9, epsilon=1e-3, virtual_batch_size=2, sample_variance=True)
MODEL = MLP(3, (4, 5), 2, activation="tanh", norm=NORM, noise=Noise())
X = np.random.default_rng(0).normal(1, 2, size=(12, 3)).astype(np.float32)


def by_hand(params, batches):
    """Return {layer: (mean, variance)} in float64: each batch normalises by its own statistics on its way up."""
    means, variances = {}, {}
    for x in batches.astype(np.float64):
        for i in range(2):
            x = x @ np.asarray(params[f"dense{i}"].kernel, np.float64) + params[f"dense{i}"].bias
            mean, variance = x.mean(0), x.var(0)
            means.setdefault(i, []).append(mean)
            variances.setdefault(i, []).append(variance)
            gamma, beta = params[f"bn{i}"]
            x = np.tanh(gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta)
    # The variance of all values around the mean of the means: E[σ² + μ²] − E[μ]².
    return {
        i: (np.mean(means[i], 0), np.mean(np.square(means[i]) + variances[i], 0) - np.mean(means[i], 0) ** 2)
        for i in range(2)
    }


@pytest.mark.parametrize("batches", [X[None], X.reshape(3, 4, 3)])
def test_by_hand(batches):
    params, _ = init_mlp(MODEL, jax.random.key(1))
    params["bn0"] = BatchNormParams(jnp.array([1.0, 2.0, 0.5, -1.0]), jnp.array([0.0, 1.0, 0.0, -1.0]))
    found = precise_statistics(MODEL, params, jnp.asarray(batches))
    for i, (mean, variance) in by_hand(params, batches).items():
        np.testing.assert_allclose(found[f"bn{i}"].moving_mean, mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found[f"bn{i}"].moving_variance, variance, rtol=1e-5, atol=1e-6)


def test_one_batch_is_the_exact_population():
    # With the statistics of all rows, inference gives the training mode's own outputs.
    model = dataclasses.replace(MODEL, norm=BatchNorm(epsilon=1e-3))
    params, state = init_mlp(model, jax.random.key(1))
    precise = precise_statistics(model, params, jnp.asarray(X)[None])
    expected, _ = apply_mlp(model, params, state, jnp.asarray(X), training=True)
    y, _ = apply_mlp(model, params, precise, jnp.asarray(X), training=False)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_the_layer_itself_has_no_training_rows():
    options = BatchNorm(evaluate_with="precise")
    message = "^evaluate_with: got precise, expected moving, with the statistics that are to be taken as `stats`$"
    with pytest.raises(ValueError, match=message):
        batch_norm(jnp.ones((2, 1)), *init_batch_norm(options, 1), options, training=False)


def trained(*overrides: str):
    config = load_config("digits_bn", overrides=["num_steps=6", "record_every=3", *overrides])
    (prepared,) = prepare([config])
    chunks = list(Scheduler([prepared.task(0, 0)], 1).chunks())
    metrics = {name: np.concatenate([chunk.metrics[name] for chunk in chunks]) for name in chunks[0].metrics}
    return prepared, chunks[-1].state, metrics


@pytest.mark.parametrize("rows", [None, 500])
def test_a_training(rows):
    overrides = ["model.norm.evaluate_with=precise"] + ([f"model.norm.precise_rows={rows}"] if rows else [])
    prepared, state, metrics = trained(*overrides)
    _, plain, moving = trained()
    for name, values in to_arrays(plain.params, plain.batch_stats).items():  # it changes no step
        np.testing.assert_array_equal(values, to_arrays(state.params, state.batch_stats)[name])
    assert (metrics["test_loss"] != moving["test_loss"]).all()

    split, size = prepared.dataset.train, prepared.config.batch_size
    count = (rows or len(split)) // size
    taken = np.arange(count * size) * len(split) // (count * size)
    batches = np.stack([split.inputs[taken[g::count]] for g in range(count)])
    model = dataclasses.replace(prepared.program.recipe.model, norm=BatchNorm(epsilon=prepared.config.model.norm.epsilon))
    precise = precise_statistics(model, state.params, jnp.asarray(batches))
    test = prepared.dataset.test
    outputs, _ = apply_mlp(model, state.params, precise, jnp.asarray(test.inputs), training=False)
    logits = np.asarray(outputs, np.float64)
    losses = np.log(np.exp(logits).sum(1)) - logits[np.arange(len(test)), test.targets]
    np.testing.assert_allclose(metrics["test_loss"][-1], losses.mean(), rtol=1e-5)
    np.testing.assert_allclose(metrics["test_accuracy"][-1], (logits.argmax(1) == test.targets).mean())
    np.testing.assert_allclose(prepared.predict(state, test.inputs), outputs, rtol=1e-4, atol=1e-5)


def test_training_rows_alone_may_take_them():
    _, _, metrics = trained("evaluation.train_statistics=precise")
    _, _, moving = trained()
    _, _, precise = trained("model.norm.evaluate_with=precise")
    np.testing.assert_array_equal(metrics["test_loss"], moving["test_loss"])
    np.testing.assert_array_equal(metrics["train_loss"], precise["train_loss"])
