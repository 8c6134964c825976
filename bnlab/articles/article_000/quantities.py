"""What article 000 says in words, as numbers, computed by bnlab's own layers, data and training."""

from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from bnlab.articles.article_000 import FALL, FROM_THE_MIDDLE
from bnlab.articles.short_runs import largest_difference, train_briefly
from bnlab.data import load, regression
from bnlab.models import apply_mlp, from_arrays, init_mlp, to_arrays
from bnlab.nn import BatchNorm, BatchNormParams, BatchStats, batch_norm, init_batch_norm
from bnlab.runs import Pool
from bnlab.studies import Quantities, SeedQuantities
from bnlab.training.prepared import build_model

_FORGOTTEN, _UNTRAINED = "regression_bn_no_update", "regression_bn_untrained_mode"
_LAYER = BatchNorm()
_X = jnp.array([[0.0, 1.0], [1.0, 3.0], [2.0, 5.0], [5.0, 7.0]])
"""Four rows of two features, of variances 3.5 and 5."""


def quantities() -> Quantities:
    """Return {quantity: what computes it}; a short training is done once for all quantities that look at it."""

    @cache
    def trained(config: str) -> dict[str, np.ndarray]:
        (arrays,) = train_briefly(config)
        return arrays

    def largest(config: str, name: str, start: float) -> Callable[[], float]:
        return lambda: float(np.max(np.abs(trained(config)[f"bn0/{name}"] - start)))

    return {
        "mean of a batch after BN": lambda: float(jnp.max(jnp.abs(_normalised().mean(axis=0)))),
        "variance of a batch after BN": lambda: float(jnp.min(_normalised().var(axis=0))),
        "gamma and beta: largest error of gamma · x̂ + beta": _error_of_affine,
        "inference: largest error of the formula with the moving statistics": _error_of_inference,
        "moving variance after one batch: its step divided by 1 - momentum": _step_of_variance,
        "updates forgotten: largest |moving mean|": largest(_FORGOTTEN, "moving_mean", 0.0),
        "updates forgotten: largest |moving variance - 1|": largest(_FORGOTTEN, "moving_variance", 1.0),
        "called without training=True: largest |moving mean|": largest(_UNTRAINED, "moving_mean", 0.0),
        "called without training=True: largest |moving variance - 1|": largest(_UNTRAINED, "moving_variance", 1.0),
        "phase flag: largest difference of weights and moving statistics": lambda: largest_difference(
            trained("regression_bn"), trained("regression_bn_batch_stats")
        ),
        "weights of BN in the order gamma, beta, mean, variance": _weights_in_order,
    }


def _normalised() -> jax.Array:
    params, stats = init_batch_norm(_LAYER, 2)
    return batch_norm(_X, params, stats, _LAYER, training=True)[0]


def _error_of_affine() -> float:
    """Return how far gamma = (2, 3), beta = (5, 7) is from twice, and three times, the normalised values plus 5 and 7."""
    gamma, beta = jnp.array([2.0, 3.0]), jnp.array([5.0, 7.0])
    _, stats = init_batch_norm(_LAYER, 2)
    y, _ = batch_norm(_X, BatchNormParams(gamma, beta), stats, _LAYER, training=True)
    return float(jnp.max(jnp.abs(y - (gamma * _normalised() + beta))))


def _error_of_inference() -> float:
    mean, variance = np.array([1.0, -2.0], np.float32), np.array([4.0, 0.25], np.float32)
    params, _ = init_batch_norm(_LAYER, 2)
    y, _ = batch_norm(_X, params, BatchStats(jnp.asarray(mean), jnp.asarray(variance)), _LAYER, training=False)
    expected = (np.asarray(_X, np.float64) - mean) / np.sqrt(variance + np.float64(1e-3))
    return float(np.max(np.abs(np.asarray(y) - expected)) / np.max(np.abs(expected)))


def _step_of_variance() -> float:
    """Return (moving variance - 1) / ((variance of the batch - 1) · (1 - momentum)) of the first feature."""
    params, stats = init_batch_norm(_LAYER, 2)
    _, moved = batch_norm(_X, params, stats, _LAYER, training=True)
    wanted = (np.var(np.asarray(_X), axis=0)[0] - 1) * (1 - _LAYER.momentum)
    return float((moved.moving_variance[0] - 1) / wanted)


def _weights_in_order() -> float:
    params, stats = init_batch_norm(_LAYER, 1)
    names = list(to_arrays({"bn0": params}, {"bn0": stats}))
    order = ["bn0/gamma", "bn0/beta", "bn0/moving_mean", "bn0/moving_variance"]
    return float(sum(ours == theirs for ours, theirs in zip(names, order, strict=False)))


def _from_the_middle(pool: Pool) -> Float[np.ndarray, "seeds"]:
    """Return for each seed the mean of (fit - middle)² over that of (target - middle)², on the 300 points."""
    dataset = load("regression")
    model = build_model(pool.config, dataset)
    template = init_mlp(model, jax.random.key(0))
    inputs = dataset.test.inputs
    target = regression.target(inputs[:, 1])
    middle = target - regression.cosine(inputs[:, 1])

    def fit(seed: int) -> np.ndarray:
        params, state = from_arrays(template, {name: values[seed] for name, values in pool.params.items()})
        return np.asarray(apply_mlp(model, params, state, jnp.asarray(inputs), training=False)[0])[:, 0]

    fits = np.stack([fit(seed) for seed in range(len(pool.config.seeds.pairs))])
    return np.mean((fits - middle) ** 2, axis=1) / np.mean((target - middle) ** 2)


def _fall(pool: Pool) -> Float[np.ndarray, "seeds"]:
    curves = pool.curves["test_loss"]
    return curves[:, -1] / curves[:, 0]


SEED_QUANTITIES: SeedQuantities = {FROM_THE_MIDDLE: _from_the_middle, FALL: _fall}
