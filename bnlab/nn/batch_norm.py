"""Batch normalization as a pure function: parameters and state in, output and new state out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import DTypeLike
from jaxtyping import Bool, Float

from bnlab.nn.numbers import register_options, square_root
from bnlab.nn.rounding import rounded
from bnlab.options import BatchNorm, RenormClipping

register_options(RenormClipping, ["rmin", "rmax", "dmax"])
register_options(
    BatchNorm,
    [
        *("momentum", "epsilon", "renorm_momentum", "renorm_clipping"),
        *("gamma_init", "beta_init", "moving_mean_init", "moving_variance_init", "gamma_l2", "beta_l2"),
    ],
    off_at_zero=["gamma_l2", "beta_l2"],
)


class BatchNormParams(NamedTuple):
    """The trained parameters of one layer; None where `scale` or `center` is off."""

    gamma: Float[Array, "features"] | None
    beta: Float[Array, "features"] | None


class BatchStats(NamedTuple):
    """The state of one layer. Gradients never touch it. A field that no option needs is None.

    biased, local_step: used by `zero_debias_moving_mean`.
    renorm_…: used by renormalization. Only TensorFlow 1's form uses the two weights.
    moving_stddev: used by Keras 3's renormalization; moving_variance = moving_stddev² - epsilon.
    """

    moving_mean: Float[Array, "features"]
    moving_variance: Float[Array, "features"]
    biased: Float[Array, "features"] | None = None
    local_step: Float[Array, ""] | None = None
    renorm_mean: Float[Array, "features"] | None = None
    renorm_mean_weight: Float[Array, ""] | None = None
    renorm_stddev: Float[Array, "features"] | None = None
    renorm_stddev_weight: Float[Array, ""] | None = None
    moving_stddev: Float[Array, "features"] | None = None


def init_batch_norm(options: BatchNorm, features: int, dtype: DTypeLike = jnp.float32) -> tuple[BatchNormParams, BatchStats]:
    """Return the initial parameters and state of a layer with `features` channels."""

    def full(value: Any) -> Array:
        return jnp.full(features, jnp.asarray(value, dtype))

    params = BatchNormParams(
        gamma=full(options.gamma_init) if options.scale else None,
        beta=full(options.beta_init) if options.center else None,
    )
    stats = BatchStats(full(options.moving_mean_init), full(options.moving_variance_init))
    zero, zeros = jnp.zeros((), dtype), full(0.0)
    if options.zero_debias_moving_mean:
        stats = stats._replace(biased=zeros, local_step=zero)
    if options.renorm == "tensorflow1":
        stats = stats._replace(renorm_mean=zeros, renorm_mean_weight=zero, renorm_stddev=zeros, renorm_stddev_weight=zero)
    if options.renorm == "keras3":
        stddev = full(square_root(options.moving_variance_init))
        stats = stats._replace(renorm_mean=stats.moving_mean, renorm_stddev=stddev, moving_stddev=stddev)
    return params, stats


def batch_norm(
    x: Float[Array, "*shape"],
    params: BatchNormParams,
    stats: BatchStats,
    options: BatchNorm,
    *,
    training: bool,
    weights: Float[Array, "batch"] | None = None,
    mask: Bool[Array, "..."] | None = None,
    adjustment: tuple[Array, Array] | None = None,
    activation: Callable[[Array], Array] | None = None,
) -> tuple[Float[Array, "*shape"], BatchStats]:
    """Return activation(y), in the shape and dtype of x, and the new state.

    training:   mean = Σ x / N,  variance = Σ (x - mean)² / N  over the N values of a channel in the batch
                x̂ = (x - mean) / sqrt(variance + epsilon)
                y = gamma * ((x̂ * r + d) * adjustment_scale + adjustment_bias) + beta
                moving = moving * momentum + batch * (1 - momentum)  for the mean and for the variance
    inference:  y = gamma * (x - moving_mean) / sqrt(moving_variance + epsilon) + beta; the state does not change

    Renormalization (without it r = 1, d = 0), with s = sqrt(variance + epsilon) and no gradient through r, d:
        r = s / stddev_ref,  d = (mean - mean_ref) / stddev_ref,  then clipped
        tensorflow1: mean_ref = renorm_mean + (1 - renorm_mean_weight) * mean, and stddev_ref likewise.
            renorm_mean and renorm_stddev move towards mean and s, and the weights towards 1, by renorm_momentum.
            The moving statistics move towards renorm_mean / weight and (renorm_stddev / weight)² - epsilon.
        keras3: mean_ref = renorm_mean, stddev_ref = max(renorm_stddev, sqrt(epsilon)). The moving statistics
            move towards mean and s.

    Weights w (0 or more; a mask counts True as 1): mean = Σ w x / Σ w, variance = Σ w (x - mean)² / Σ w.
    Rows of weight 0 are normalised like the others. Their values, finite or not, influence neither the other rows nor
    the state. Where Σ w = 0 there are no statistics: y is beta and the state does not change.
    Ghost batches: each has its own mean and variance. The state, r and d use the averages over all ghost batches.

    Args:
        x: any rank. Statistics and y are computed in float32 at least, whatever the dtype of x.
        params: gamma and beta.
        stats: the state, from `init_batch_norm` or from the previous call.
        options: static.
        training: static; True in the train step.
        weights: one per row.
        mask: [batch], or more of the leading axes of x (without the channel axis). An axis of size 1 is broadcast.
        adjustment: (scale, bias), each broadcastable to x; used in training only.
        activation: applied to y.

    Raises:
        ValueError: x, weights, mask or stats do not fit the options or each other.

    Source: Ioffe & Szegedy 2015, algorithm 1; Ioffe 2017, "Batch Renormalization", algorithm 1; Hoffer et al.
    2017, "Train longer, generalize better", algorithm 1 (ghost batches). The options and their details are
    those of TensorFlow 1.8 (contrib.layers.batch_norm, layers.batch_normalization) and of Keras 3.

    Departures:
        Ioffe & Szegedy use the sample variance for inference. Here, as in TensorFlow, it is an option. Its N
            counts the values that a mask keeps. Weighted rows are not corrected (as in TensorFlow 1). N = 1
            gives 0 (as TensorFlow's fused kernel); PyTorch raises an error.
        Hoffer et al. move the statistics once per ghost batch, in turn. TensorFlow 1 and bnlab move them once
            per batch.
        TensorFlow computes y as x * inverse + (beta - mean * inverse), whose terms cancel where |mean| is far
            above the spread. bnlab subtracts the mean first, unless `formula` is "tensorflow".
        Where Σ w = 0, TensorFlow 1 gives NaN, and Keras 3 moves the statistics towards 0.
    """
    _require(jnp.issubdtype(x.dtype, jnp.floating), "x", x.dtype, "a floating dtype")
    _require(-x.ndim <= options.axis < x.ndim, "x", f"shape {x.shape}", f"an axis {options.axis}")
    axis, features = options.axis % x.ndim, stats.moving_mean.shape[0]
    _require(x.shape[axis] == features, "x", f"shape {x.shape}", f"{features} features on axis {options.axis}")
    if not options.trainable:
        params = lax.stop_gradient(params)
        training = training and options.frozen == "tensorflow1"
    stats = lax.stop_gradient(stats)
    if not training:
        given = options.evaluate_with
        _require(given != "precise", "evaluate_with", given, "moving, with the statistics that are to be taken as `stats`")
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    if x.size == 0 or (options.train_with if training else options.evaluate_with) == "moving":
        y = _by_moving(wide, params, stats, options, axis)
    elif training:
        y, new_stats = _by_batch(wide, params, stats, options, axis, weights, mask, adjustment)
        stats = new_stats if options.update_moving else stats
    else:
        whole = replace(options, renorm=None, renorm_clipping=None, virtual_batch_size=None)
        y, _ = _by_batch(wide, params, stats, whole, axis, weights, mask, None)
    y = y.astype(x.dtype)
    return (y if activation is None else activation(y)), stats


def batch_norm_penalty(params: BatchNormParams, options: BatchNorm) -> Float[Array, ""]:
    """Return gamma_l2 * Σ gamma² + beta_l2 * Σ beta², times 1/2 where `l2_halved`; no gradient if frozen."""
    if not options.trainable:
        params = lax.stop_gradient(params)
    penalty = jnp.zeros(())
    for value, scale in ((params.gamma, options.gamma_l2), (params.beta, options.beta_l2)):
        if value is not None and scale:
            penalty += scale * (0.5 if options.l2_halved else 1.0) * jnp.sum(jnp.square(value))
    return penalty


def _by_moving(x: Array, params: BatchNormParams, stats: BatchStats, options: BatchNorm, axis: int) -> Array:
    mean, variance = (_along(v, axis, x.ndim) for v in (stats.moving_mean, stats.moving_variance))
    gamma, beta = (None if v is None else _along(v, axis, x.ndim) for v in params)
    inverse = lax.rsqrt(variance + options.epsilon)
    if options.formula == "tensorflow":
        return _affine_uncentred(x, mean, inverse, gamma, beta)
    return _affine(x - mean, inverse, gamma, beta)


def _by_batch(
    x: Array,
    params: BatchNormParams,
    stats: BatchStats,
    options: BatchNorm,
    axis: int,
    weights: Array | None,
    mask: Array | None,
    adjustment: tuple[Array, Array] | None,
) -> tuple[Array, BatchStats]:
    """Normalise by the statistics of the batch and move the state."""
    given = x.shape
    share, total, count = None, None, None
    if weights is not None or mask is not None:
        size = options.virtual_batch_size
        _require(size is None, "virtual_batch_size", size, "null with weights or a mask")
        share, total = _shares(x, axis, weights, mask)
        count = total if weights is None else None
        x = jnp.where((share > 0) | jnp.isfinite(x), x, 0)
    if options.virtual_batch_size is not None:
        x, axis, axes = _ghost_batches(x, axis, options.virtual_batch_size)
    else:
        axes = tuple(a for a in range(x.ndim) if a != axis)
    if share is None:
        count = math.prod(x.shape[a] for a in axes)

    deviation, mean, variance = _moments(x, share, axes)
    batch_mean, batch_variance = (lax.stop_gradient(_per_channel(v, axis)) for v in (mean, variance))
    transform = (None, None)
    if options.renorm is not None:
        r, d = _renorm_correction(batch_mean, batch_variance, stats, options)
        transform = (_along(r, axis, x.ndim), _along(d, axis, x.ndim))
    if adjustment is not None:
        adjust_scale, adjust_bias = (jnp.broadcast_to(v, given).reshape(x.shape) for v in adjustment)
        transform = _compose(transform, (adjust_scale, adjust_bias))
    gamma, beta = (None if v is None else _along(v, axis, x.ndim) for v in params)
    scale, offset = _compose(transform, (gamma, beta))
    inverse = lax.rsqrt(variance + options.epsilon)
    if options.formula == "tensorflow":
        y = _affine_uncentred(x, mean, inverse, scale, offset)
    elif share is None and adjustment is None:
        y = _normalise(axes, x, deviation, inverse, scale, offset)
    else:
        y = _affine(deviation, inverse, scale, offset)

    if options.sample_variance and count is not None:
        batch_variance = batch_variance * (count / jnp.maximum(count - 1, 1))
    new_stats = _moved(stats, batch_mean, batch_variance, options)
    if total is not None:
        y = jnp.where(total > 0, y, 0 if beta is None else beta)
        new_stats = jax.tree.map(lambda new, old: jnp.where(total > 0, new, old), new_stats, stats)
    return y.reshape(given), new_stats


def _along(v: Array, axis: int, ndim: int) -> Array:
    """Reshape one value per channel so that it broadcasts along axis."""
    return v.reshape([-1 if a == axis else 1 for a in range(ndim)])


def _per_channel(v: Array, axis: int) -> Array:
    """Return one value per channel: the mean over ghost batches where there are several."""
    if v.size > v.shape[axis]:
        v = jnp.mean(v, [a for a in range(v.ndim) if a != axis])
    return v.reshape(-1)


def _ghost_batches(x: Array, axis: int, size: int) -> tuple[Array, int, tuple[int, ...]]:
    """Split the row axis of x into two axes (size, ghost batches); return x, its channel axis, the axes of a ghost batch."""
    rows = 1 if axis == 0 else 0
    _require(x.ndim > 1, "x", f"shape {x.shape}", "an axis of rows for virtual_batch_size")
    n = x.shape[rows]
    _require(n % size == 0, "x", f"{n} rows", f"a multiple of virtual_batch_size ({size})")
    x = x.reshape(*x.shape[:rows], size, n // size, *x.shape[rows + 1 :])
    axis += axis > rows
    return x, axis, tuple(a for a in range(x.ndim) if a not in (axis, rows + 1))


def _shares(x: Array, axis: int, weights: Array | None, mask: Array | None) -> tuple[Array, Array]:
    """Return the share of each position in the total weight, and the total weight. The shares are 0 where the total is 0."""
    positions = x.shape[:axis] + x.shape[axis + 1 :]
    w = jnp.ones(positions, x.dtype)
    if weights is not None:
        _require(weights.shape == positions[:1], "weights", f"shape {weights.shape}", f"{positions[:1]}")
        w *= weights.reshape(-1, *(1 for _ in positions[1:])).astype(x.dtype)
    if mask is not None:
        fits = mask.ndim <= len(positions) and all(m in (1, n) for m, n in zip(mask.shape, positions, strict=False))
        _require(fits, "mask", f"shape {mask.shape}", f"{positions} or its first axes")
        w *= mask.reshape(*mask.shape, *(1 for _ in positions[mask.ndim :])).astype(x.dtype)
    total = jnp.sum(w)
    return jnp.expand_dims(w / jnp.where(total > 0, total, 1), axis), total


def _average(values: Array, share: Array | None, axes: tuple[int, ...]) -> Array:
    if share is None:
        return jnp.mean(values, axes, keepdims=True)
    return jnp.sum(jnp.where(share > 0, share * values, 0), axes, keepdims=True)


def _moments(x: Array, share: Array | None, axes: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Return x - mean, the mean and the population variance, for each channel (and each ghost batch)."""
    # The sums are over distances from a value of the same column, so rounding is relative to the spread of the
    # column. A sum of the plain values would shift x - mean by 2e-3 for 32 values near 1e4.
    if share is None:
        pivot = x[tuple(slice(0, 1) if a in axes else slice(None) for a in range(x.ndim))]
    else:
        pivot = _average(x, share, axes)
    pivot = lax.stop_gradient(pivot)
    centred = x - pivot
    shift = _average(centred, share, axes)
    deviation = centred - shift
    return deviation, pivot + shift, _average(jnp.square(deviation), share, axes)


Transform = tuple[Array | None, Array | None]


def _compose(inner: Transform, outer: Transform) -> Transform:
    """Return scale and offset of the inner transform followed by the outer; None stands for 1 and 0."""
    (scale, offset), (outer_scale, outer_offset) = inner, outer
    if outer_scale is not None:
        scale = outer_scale if scale is None else scale * outer_scale
        offset = None if offset is None else offset * outer_scale
    if outer_offset is not None:
        offset = outer_offset if offset is None else offset + outer_offset
    return scale, offset


def _affine(deviation: Array, inverse: Array, scale: Array | None, offset: Array | None) -> Array:
    y = deviation * (inverse if scale is None else inverse * scale)
    return y if offset is None else y + offset


def _affine_uncentred(x: Array, mean: Array, inverse: Array, scale: Array | None, offset: Array | None) -> Array:
    """Return `_affine` of x - mean, computed from the two terms of tf.nn.batch_normalization and rounded like them."""
    slope = inverse if scale is None else inverse * scale
    shift = -rounded(mean * slope) if offset is None else offset - rounded(mean * slope)
    return rounded(x * slope) + shift


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _normalise(axes, x, deviation, inverse, scale, offset):  # noqa: ARG001
    """Return `_affine` for the deviation and inverse of x itself, and a scale and offset that are constant over axes.

    The derivative is written out for speed. Its reverse pass takes two reductions over the batch; the one that JAX
    derives takes four. This saves half the time of a training step of sixteen small networks under vmap. The
    derivative ignores the tangents of deviation and inverse, because the two means already contain them.
    """
    return _affine(deviation, inverse, scale, offset)


@_normalise.defjvp
def _normalise_jvp(axes, primals, tangents):
    _, deviation, inverse, scale, offset = primals
    x_dot, _, _, scale_dot, offset_dot = tangents
    normalised = deviation * inverse
    direct = x_dot * (inverse if scale is None else inverse * scale)
    of_scale = -jnp.mean(normalised * direct, axes, keepdims=True)
    of_offset = -jnp.mean(direct, axes, keepdims=True)
    if scale is not None:
        of_scale += scale_dot
    if offset is not None:
        of_offset += offset_dot
    return _normalise(axes, *primals), direct + normalised * of_scale + of_offset


def _renorm_correction(mean: Array, variance: Array, stats: BatchStats, options: BatchNorm) -> tuple[Array, Array]:
    stddev = jnp.sqrt(variance + options.epsilon)
    mean_ref, stddev_ref = _held(stats, "renorm_mean", "renorm_stddev")
    if options.renorm == "tensorflow1":
        mean_weight, stddev_weight = _held(stats, "renorm_mean_weight", "renorm_stddev_weight")
        mean_ref = mean_ref + (1 - mean_weight) * mean
        stddev_ref = stddev_ref + (1 - stddev_weight) * stddev
    else:
        stddev_ref = jnp.maximum(stddev_ref, square_root(options.epsilon))
    r, d = stddev / stddev_ref, (mean - mean_ref) / stddev_ref
    bounds = options.renorm_clipping or RenormClipping()
    if bounds.rmin is not None:
        r = jnp.maximum(r, jnp.asarray(bounds.rmin))
    if bounds.rmax is not None:
        r = jnp.minimum(r, jnp.asarray(bounds.rmax))
    if bounds.dmax is not None:
        d = jnp.clip(d, jnp.asarray(-bounds.dmax), jnp.asarray(bounds.dmax))
    return r, d


def _moved(stats: BatchStats, mean: Array, variance: Array, options: BatchNorm) -> BatchStats:
    """Return the state after a batch with this mean and variance."""
    stddev = None if options.renorm is None else jnp.sqrt(variance + options.epsilon)
    if stddev is not None:
        renorm_mean, renorm_stddev = _held(stats, "renorm_mean", "renorm_stddev")
        renorm_mean = _move(renorm_mean, mean, options.renorm_momentum)
        renorm_stddev = _move(renorm_stddev, stddev, options.renorm_momentum)
        stats = stats._replace(renorm_mean=renorm_mean, renorm_stddev=renorm_stddev)
        if options.renorm == "tensorflow1":
            mean_weight, stddev_weight = _held(stats, "renorm_mean_weight", "renorm_stddev_weight")
            mean_weight = _move(mean_weight, 1.0, options.renorm_momentum)
            stddev_weight = _move(stddev_weight, 1.0, options.renorm_momentum)
            stats = stats._replace(renorm_mean_weight=mean_weight, renorm_stddev_weight=stddev_weight)
            mean = renorm_mean / mean_weight
            variance = jnp.square(renorm_stddev / stddev_weight) - options.epsilon
    moving_mean = _move(stats.moving_mean, mean, options.momentum)
    moving_variance = _move(stats.moving_variance, variance, options.momentum)
    if stddev is not None and options.renorm == "keras3":
        (moving_stddev,) = _held(stats, "moving_stddev")
        moving_stddev = _move(moving_stddev, stddev, options.momentum)
        stats = stats._replace(moving_stddev=moving_stddev)
        moving_variance = jnp.maximum(jnp.square(moving_stddev) - options.epsilon, 0)
    if options.zero_debias_moving_mean:
        biased, local_step = _held(stats, "biased", "local_step")
        biased, local_step = _move(biased, mean, options.momentum), local_step + 1
        stats = stats._replace(biased=biased, local_step=local_step)
        moving_mean = biased / _bias(options.momentum, local_step)
    return stats._replace(moving_mean=moving_mean, moving_variance=moving_variance)


def _move(moving: Array, value: Array | float, momentum: float) -> Array:
    """Return moving - (moving - value) * (1 - momentum), rounded as TensorFlow rounds it.

    1 - momentum is computed in double precision and then rounded to the precision of the arrays.
    """
    # With product and difference fused, article 004's variance would end as 4.2739543e-05, not 4.273953e-05.
    step = (moving - value) * (1.0 - momentum)
    return (moving - rounded(step)).astype(moving.dtype)


def _bias(momentum: float, local_step: Array) -> Array:
    """Return 1 - momentum**local_step as TensorFlow 1 rounds it: for momentum 0.999 it is too small by 1.3e-5 of itself."""
    return 1 - (1 - jnp.asarray(1.0 - momentum, local_step.dtype)) ** local_step


def _held(stats: BatchStats, *names: str) -> list[Array]:
    values = [getattr(stats, name) for name in names]
    for name, value in zip(names, values, strict=True):
        _require(
            value is not None,
            f"stats.{name}",
            value,
            "the state that init_batch_norm gives for these options",
        )
    return values


def _require(condition: bool, field: str, got: object, expected: str) -> None:
    if not condition:
        raise ValueError(f"{field}: got {got}, expected {expected}")
