"""The article's sequence of calls, through `bnlab.nn` and `bnlab.optimizers`.

The layer has one feature and Keras' defaults; its input is [[100.0]], in float32.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from bnlab.nn import BatchNorm, BatchNormParams, BatchStats, batch_norm, init_batch_norm, mean_squared_error
from bnlab.optimizers import make_optimizer

X = jnp.array([[100.0]])
LAYER = BatchNorm(formula="tensorflow")

Values = dict[str, float]
"""{quantity: value}, by the names of the claims."""


def measure() -> Values:
    """Return every quantity that the article states, in its order."""
    return _training_mode() | _inference_mode() | _frozen() | _fit()


def _value(array: jax.Array | None) -> float:
    if array is None:
        raise ValueError("array: got None, expected one number: the layer has both gamma and beta")
    return float(array.reshape(()))


def _statistics(when: str, stats: BatchStats) -> Values:
    return {f"{when}: moving_mean": _value(stats.moving_mean), f"{when}: moving_variance": _value(stats.moving_variance)}


def _trained(when: str, params: BatchNormParams, stats: BatchStats) -> Values:
    weights = {f"{when}: gamma": _value(params.gamma), f"{when}: beta": _value(params.beta)}
    return weights | _statistics(when, stats)


def _repeat(count: int, call: Callable[[BatchStats], tuple[jax.Array, BatchStats]], stats: BatchStats):
    y = X
    for _ in range(count):
        y, stats = call(stats)
    return y, stats


def _training_mode() -> Values:
    params, stats = init_batch_norm(LAYER, 1)
    sizes = sum(leaf.size for leaf in jax.tree.leaves(params)), sum(leaf.size for leaf in jax.tree.leaves(stats))
    values: Values = {"parameters": sum(sizes), "parameters that train": sizes[0], "parameters that do not": sizes[1]}
    values |= _statistics("fresh", stats)
    call = jax.jit(lambda stats: batch_norm(X, params, stats, LAYER, training=True))
    y, stats = call(stats)
    values |= {"training=True: output": _value(y), **_statistics("one training call", stats)}
    y, stats = _repeat(1000, call, stats)
    values |= _statistics("1,000 more", stats)
    y, _ = call(stats)
    inferred, _ = batch_norm(X, params, stats, LAYER, training=False)
    frozen, _ = batch_norm(X, params, stats, BatchNorm(formula="tensorflow", trainable=False), training=True)
    return values | {
        "then training=True: output": _value(y),
        "then training=False: output": _value(inferred),
        "then trainable=False, training=True: output": _value(frozen),
    }


def _inference_mode() -> Values:
    params, stats = init_batch_norm(LAYER, 1)
    call = jax.jit(lambda stats: batch_norm(X, params, stats, LAYER, training=False))
    y, stats = _repeat(1000, call, stats)
    when = "1,000 calls with training=False"
    return _statistics(when, stats) | {f"{when}: output": _value(y)}


def _frozen() -> Values:
    layer = BatchNorm(formula="tensorflow", trainable=False)
    params, stats = init_batch_norm(layer, 1)
    y, stats = _repeat(1000, jax.jit(lambda stats: batch_norm(X, params, stats, layer, training=True)), stats)
    inferred, _ = batch_norm(X, params, stats, layer, training=False)
    return {
        **_trained("trainable=False, 1,000 training calls", params, stats),
        "trainable=False: output with training=True": _value(y),
        "trainable=False: output with training=False": _value(inferred),
        **_trained("trainable=False, fit()", *_fitted(layer, 1)),
    }


def _fit() -> Values:
    return _trained("trainable=True again, fit()", *_fitted(LAYER, 1)) | _trained("1,000 epochs more", *_fitted(LAYER, 1001))


def _fitted(layer: BatchNorm, steps: int) -> tuple[BatchNormParams, BatchStats]:
    """Return the layer after so many steps of Keras' Adam on the mean squared error to 100."""
    optimizer = make_optimizer("adam_tf", 1e-3, epsilon=1e-7)

    @jax.jit
    def step(params: BatchNormParams, stats: BatchStats, opt_state: optax.OptState):
        def loss(params: BatchNormParams) -> tuple[jax.Array, BatchStats]:
            y, after = batch_norm(X, params, stats, layer, training=True)
            return mean_squared_error(y, X), after

        grads, stats = jax.grad(loss, has_aux=True)(params)
        updates, opt_state = optimizer.update(grads, opt_state, params)  # pyright: ignore[reportArgumentType]
        return optax.apply_updates(params, updates), stats, opt_state  # pyright: ignore[reportArgumentType]

    params, stats = init_batch_norm(layer, 1)
    opt_state = optimizer.init(params)  # pyright: ignore[reportArgumentType]
    for _ in range(steps):
        params, stats, opt_state = step(params, stats, opt_state)
    return params, stats
