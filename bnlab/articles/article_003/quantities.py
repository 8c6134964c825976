"""What article 003 says in words, as numbers, computed by bnlab's own layers, models and data."""

import jax
import jax.numpy as jnp
import numpy as np

from bnlab.articles.article_003 import BN, EPOCH_STEPS, NONE
from bnlab.config import load_config
from bnlab.data import load
from bnlab.models import MLP, apply_mlp, init_mlp
from bnlab.nn import BatchNorm, BatchNormParams, batch_norm, init_batch_norm
from bnlab.studies import Quantities
from bnlab.training import prepare


def quantities() -> Quantities:
    """Return {quantity: what computes it}."""

    def overlap() -> float:
        mnist = load("mnist")
        training = {row.tobytes() for row in mnist.train.raw}
        return float(sum(row.tobytes() in training for row in mnist.valid.raw)) if mnist.valid else 0.0

    return {
        "training images": lambda: float(len(load("mnist").train)),
        "pixels of an image": lambda: float(load("mnist").train.raw.shape[1]),
        "validation images that are also training images": overlap,
        "batches of the first epoch that differ between the arms": _unpaired_batches,
        "identity: largest |y - x|": _identity,
        "trained arrays of BN": lambda: float(len(jax.tree.leaves(init_batch_norm(BatchNorm(), 1)[0]))),
        "inference: what other rows change in a row's output": _neighbours,
        "training: moving statistics that move, of 2": _moved,
        "inputs shifted below zero: largest output of the ReLU units": lambda: _dead()[0],
        "inputs shifted below zero: largest gradient of the layer": lambda: _dead()[1],
        "inputs shifted below zero: units that BN keeps active, of 8": _revived,
    }


def _unpaired_batches() -> float:
    one, other = (each.batches(0, 0, EPOCH_STEPS) for each in prepare([arm.load() for arm in (NONE, BN)]))
    return float(np.sum(np.any(one != other, axis=1)))


_X = jax.random.uniform(jax.random.key(3), (16, 4))
"""Sixteen rows of four inputs between 0 and 1."""


def _identity() -> float:
    x = jnp.array([[0.0, 1.0], [1.0, 3.0], [2.0, 5.0], [5.0, 7.0]])
    layer = BatchNorm()
    _, stats = init_batch_norm(layer, 2)
    values = np.asarray(x, np.float64)
    gamma, beta = np.sqrt(values.var(axis=0) + layer.epsilon), values.mean(axis=0)
    undoing = BatchNormParams(jnp.asarray(gamma, jnp.float32), jnp.asarray(beta, jnp.float32))
    y, _ = batch_norm(x, undoing, stats, layer, training=True)
    return float(jnp.max(jnp.abs(y - x)))


def _model(*, with_bn: bool) -> MLP:
    """Return the article's net, with four inputs and 8 units."""
    norm = load_config(BN.config).model.batch_norm
    return MLP(4, (8,), 2, norm=norm.options if with_bn and norm else None)


def _neighbours() -> float:
    model = _model(with_bn=True)
    params, state = init_mlp(model, jax.random.key(0))
    alone, _ = apply_mlp(model, params, state, _X[:8], training=False)
    beside, _ = apply_mlp(model, params, state, jnp.concatenate([_X[:8], 100 * _X[8:]]), training=False)
    return float(jnp.max(jnp.abs(alone - beside[:8])))


def _moved() -> float:
    model = _model(with_bn=True)
    params, state = init_mlp(model, jax.random.key(0))
    _, after = apply_mlp(model, params, state, _X, training=True)
    moved = (jnp.any(a != b) for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(after), strict=True))
    return float(sum(map(bool, moved)))


def _dead() -> tuple[float, float]:
    """Return the largest output, and the largest gradient, of a layer of 8 ReLU units whose biases are -100."""
    model = MLP(4, (8,), None)
    params, state = init_mlp(model, jax.random.key(0))
    dead = {"dense0": params["dense0"]._replace(bias=jnp.full(8, -100.0))}

    def outputs(params: dict[str, jax.Array]) -> jax.Array:
        return apply_mlp(model, params, state, _X, training=True)[0]

    gradient = jax.grad(lambda params: jnp.sum(outputs(params)))(dead)
    return float(jnp.max(outputs(dead))), max(float(jnp.max(jnp.abs(leaf))) for leaf in jax.tree.leaves(gradient))


def _revived() -> float:
    """Return how many units of the same layer are active for some row, with BN before the ReLU."""
    model = MLP(4, (8,), None, norm=_model(with_bn=True).norm)
    params, state = init_mlp(model, jax.random.key(0))
    shifted = params | {"dense0": params["dense0"]._replace(bias=jnp.full(8, -100.0))}
    outputs, _ = apply_mlp(model, shifted, state, _X, training=True)
    return float(jnp.sum(jnp.any(outputs > 0, axis=0)))
