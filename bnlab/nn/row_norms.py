"""Norms of each row over its features, as pure functions: layer norm and RMS norm. They have no state.

A new one is a name in `bnlab.options.RowNormKind`, and a formula here with its entry in FORMULAS.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from bnlab.nn.numbers import register_options
from bnlab.options import RowNorm, RowNormKind

register_options(RowNorm, ["epsilon"])


class RowNormParams(NamedTuple):
    """The trained parameters of one layer; None where `scale` or `center` is off."""

    gamma: Float[Array, "features"] | None
    beta: Float[Array, "features"] | None


def init_row_norm(options: RowNorm, features: int) -> RowNormParams:
    """Return gamma 1 and beta 0."""
    return RowNormParams(
        gamma=jnp.ones(features) if options.scale else None, beta=jnp.zeros(features) if options.center else None
    )


def row_norm(x: Float[Array, "_ _"], params: RowNormParams, options: RowNorm, *, axis: int = -1) -> Float[Array, "_ _"]:
    """Return gamma · x̂ + beta, where x̂ is `layer_norm` or `rms_norm` of x, in training and in inference alike.

    axis: the feature axis: −1 for x [rows, features], 0 for x [features, rows].
    """
    y = FORMULAS[options.kind](x, options.epsilon, axis)
    gamma, beta = (v if v is None or axis == -1 else v[:, None] for v in params)
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta


def layer_norm(x: Float[Array, "_ _"], epsilon: float, axis: int = -1) -> Float[Array, "_ _"]:
    """Return (x − mean) / sqrt(variance + epsilon), with the statistics of each row over its F features.

    mean = Σ x / F,  variance = Σ (x − mean)² / F

    Source: Ba, Kiros & Hinton 2016, "Layer Normalization", eq. 3. epsilon is 0.001 in Keras, 1e-5 in PyTorch, 1e-6 in Flax.
    """
    deviation = x - jnp.mean(x, axis, keepdims=True)
    variance = jnp.mean(jnp.square(deviation), axis, keepdims=True)
    return deviation * lax.rsqrt(variance + epsilon)


def rms_norm(x: Float[Array, "_ _"], epsilon: float, axis: int = -1) -> Float[Array, "_ _"]:
    """Return x / sqrt(Σ x² / F + epsilon), with the sum of each row over its F features.

    Source: Zhang & Sennrich 2019, "Root Mean Square Layer Normalization", eq. 4, which has no epsilon. The paper's layer has
    a gamma and no beta (`center: false`).
    """
    return x * lax.rsqrt(jnp.mean(jnp.square(x), axis, keepdims=True) + epsilon)


FORMULAS: dict[RowNormKind, Callable[..., Array]] = {"layer": layer_norm, "rms": rms_norm}
"""{kind: its formula}."""
