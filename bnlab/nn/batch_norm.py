"""Batch normalization as a pure function: parameters and moving statistics in, output and new statistics out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import DTypeLike
from jaxtyping import Bool, Float

Renorm = Literal["tensorflow1", "keras3"]
Statistics = Literal["batch", "moving"]
Frozen = Literal["tensorflow2", "tensorflow1"]


@dataclass(frozen=True)
class RenormClipping:
    """Bounds of batch renormalization: r is clipped to [rmin, rmax], d to [-dmax, dmax]; None leaves a side open.

    Raises:
        ValueError: rmin > rmax, or a negative or non-finite bound.
    """

    rmin: float | None = None
    rmax: float | None = None
    dmax: float | None = None

    def __post_init__(self):
        for name in ("rmin", "rmax", "dmax"):
            bound = getattr(self, name)
            if bound is not None:
                _require(math.isfinite(bound) and bound >= 0, f"renorm_clipping.{name}", bound, "0 or more")
        if self.rmin is not None and self.rmax is not None:
            _require(self.rmin <= self.rmax, "renorm_clipping.rmin", self.rmin, f"at most rmax ({self.rmax})")


@dataclass(frozen=True)
class BatchNorm:
    """The options of one batch-norm layer, by the names that users write under `model.norm`; static and hashable.

    momentum: weight of the *old* moving value, `moving = moving * momentum + batch * (1 - momentum)`.
    epsilon: added to the variance; above 0, so that a constant column gives beta and not NaN.
    center, scale: whether there is a beta, a gamma.
    axis: the channel axis; statistics are taken over all the others, the first of which holds the rows.
    sample_variance: the moving variance takes N/(N-1) times the batch variance (the output never does).
    zero_debias_moving_mean: the moving mean starts from the first batch instead of leaning to its initial value.
    renorm, renorm_clipping, renorm_momentum: batch renormalization, as TensorFlow 1 or as Keras 3 does it.
    virtual_batch_size: rows per ghost batch. As in TensorFlow 1, row i belongs to ghost batch
        i modulo (rows / virtual_batch_size): ghost batches interleave, they are not consecutive blocks.
    train_with: "moving" is a layer that was called without training=True in the train step.
    evaluate_with: what inference normalises by. "batch" takes the whole batch that it is given, without ghost
        batches, renormalization or adjustment, and moves nothing.
    update_moving: False is a train step that forgot the update operations: no moving statistic changes.
    trainable, frozen: what `trainable=False` means. "tensorflow2": inference whatever `training` says;
        "tensorflow1": as in training, statistics moving, but gamma and beta get no gradient.
    gamma_init, beta_init, moving_mean_init, moving_variance_init: initial values.
    gamma_l2, beta_l2, l2_halved: scales of the L2 penalties, see `batch_norm_penalty`.

    Raises:
        ValueError: an option out of its range, or two options that no system combines.
    """

    momentum: float = 0.99
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    axis: int = -1
    sample_variance: bool = False
    zero_debias_moving_mean: bool = False
    renorm: Renorm | None = None
    renorm_clipping: RenormClipping | None = None
    renorm_momentum: float = 0.99
    virtual_batch_size: int | None = None
    train_with: Statistics = "batch"
    evaluate_with: Statistics = "moving"
    update_moving: bool = True
    trainable: bool = True
    frozen: Frozen = "tensorflow2"
    gamma_init: float = 1.0
    beta_init: float = 0.0
    moving_mean_init: float = 0.0
    moving_variance_init: float = 1.0
    gamma_l2: float = 0.0
    beta_l2: float = 0.0
    l2_halved: bool = True

    def __post_init__(self):
        for name in ("momentum", "renorm_momentum"):
            _require(0 <= getattr(self, name) <= 1, name, getattr(self, name), "0 to 1")
        smallest = float(jnp.finfo(jnp.float32).tiny)
        _require(smallest <= self.epsilon < math.inf, "epsilon", self.epsilon, f"at least {smallest:.3g}")
        _require(self.moving_variance_init >= 0, "moving_variance_init", self.moving_variance_init, "0 or more")
        for name in ("gamma_l2", "beta_l2"):
            _require(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")
        for name, choices in (
            ("renorm", (None, *get_args(Renorm))),
            ("train_with", get_args(Statistics)),
            ("evaluate_with", get_args(Statistics)),
            ("frozen", get_args(Frozen)),
        ):
            expected = "one of " + ", ".join("null" if choice is None else choice for choice in choices)
            _require(getattr(self, name) in choices, name, getattr(self, name), expected)
        if self.virtual_batch_size is not None:
            _require(self.virtual_batch_size >= 1, "virtual_batch_size", self.virtual_batch_size, "1 or more")
        if self.renorm is None:
            _require(self.renorm_clipping is None, "renorm_clipping", self.renorm_clipping, "null without renorm")
        else:
            for name in ("sample_variance", "zero_debias_moving_mean"):
                _require(not getattr(self, name), name, True, f"false with renorm {self.renorm}")
        for name, used in (("gamma_l2", self.scale), ("beta_l2", self.center)):
            missing = "scale" if name == "gamma_l2" else "center"
            _require(used or not getattr(self, name), name, getattr(self, name), f"0 with {missing} false")


class BatchNormParams(NamedTuple):
    """The trained parameters of one layer; None where `scale` or `center` is off."""

    gamma: Float[Array, "features"] | None
    beta: Float[Array, "features"] | None


class BatchStats(NamedTuple):
    """The state of one layer; gradients never touch it, and what an option does not need is None.

    biased, local_step: `zero_debias_moving_mean`. The renorm_ fields: renormalization, the weights TensorFlow 1's
    only. moving_stddev: Keras 3's renormalization, which averages the deviation and squares it afterwards.
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


def init_batch_norm(
    options: BatchNorm, features: int, dtype: DTypeLike = jnp.float32
) -> tuple[BatchNormParams, BatchStats]:
    """Return the initial parameters and state of a layer of `features` channels."""

    def full(value: float) -> Array:
        return jnp.full(features, value, dtype)

    params = BatchNormParams(
        gamma=full(options.gamma_init) if options.scale else None,
        beta=full(options.beta_init) if options.center else None,
    )
    stats = BatchStats(full(options.moving_mean_init), full(options.moving_variance_init))
    zero = jnp.zeros((), dtype)
    if options.zero_debias_moving_mean:
        stats = stats._replace(biased=full(0), local_step=zero)
    if options.renorm == "tensorflow1":
        stats = stats._replace(
            renorm_mean=full(0), renorm_mean_weight=zero, renorm_stddev=full(0), renorm_stddev_weight=zero
        )
    if options.renorm == "keras3":
        stddev = full(math.sqrt(options.moving_variance_init))
        stats = stats._replace(
            renorm_mean=full(options.moving_mean_init), renorm_stddev=stddev, moving_stddev=stddev
        )
    return params, stats


def batch_norm(
    x: Float[Array, "..."],
    params: BatchNormParams,
    stats: BatchStats,
    options: BatchNorm,
    *,
    training: bool,
    weights: Float[Array, "batch"] | None = None,
    mask: Bool[Array, "..."] | None = None,
    adjustment: tuple[Array, Array] | None = None,
    activation: Callable[[Array], Array] | None = None,
) -> tuple[Float[Array, "..."], BatchStats]:
    """Normalise x (first version)."""
    axis = _channel_axis(x, stats, options)
    if not options.trainable:
        params = lax.stop_gradient(params)
        training = training and options.frozen == "tensorflow1"
    stats = lax.stop_gradient(stats)
    axes = tuple(a for a in range(x.ndim) if a != axis)

    def channels(v: Array) -> Array:
        return v.reshape([-1 if a == axis else 1 for a in range(x.ndim)])

    h = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    gamma, beta = (None if p is None else channels(p) for p in params)
    if (options.train_with if training else options.evaluate_with) == "batch":
        deviation, mean, variance = _moments(h, axes)
        y = _normalise(axes, h, deviation, lax.rsqrt(variance + options.epsilon), gamma, beta)
        if training and options.update_moving:
            n = math.prod(x.shape[a] for a in axes)
            bessel = n / max(n - 1, 1) if options.sample_variance else 1
            stats = stats._replace(
                moving_mean=_move(stats.moving_mean, mean.reshape(-1), options.momentum),
                moving_variance=_move(stats.moving_variance, variance.reshape(-1) * bessel, options.momentum),
            )
    else:
        inverse = lax.rsqrt(channels(stats.moving_variance) + options.epsilon)
        y = _affine(h - channels(stats.moving_mean), inverse, gamma, beta)
    y = y.astype(x.dtype)
    return (y if activation is None else activation(y)), stats


def batch_norm_penalty(params: BatchNormParams, options: BatchNorm) -> Float[Array, ""]:
    """Return gamma_l2 * sum(gamma**2) + beta_l2 * sum(beta**2), times 1/2 where `l2_halved`."""
    if not options.trainable:
        params = lax.stop_gradient(params)
    half = 0.5 if options.l2_halved else 1.0
    pairs = ((params.gamma, options.gamma_l2), (params.beta, options.beta_l2))
    return sum(
        (half * scale * jnp.sum(jnp.square(value)) for value, scale in pairs if value is not None and scale),
        start=jnp.zeros(()),
    )


def _channel_axis(x: Array, stats: BatchStats, options: BatchNorm) -> int:
    features = stats.moving_mean.shape[0]
    _require(-x.ndim <= options.axis < x.ndim, "axis", options.axis, f"an axis of x, whose shape is {x.shape}")
    axis = options.axis % x.ndim
    _require(x.shape[axis] == features, "x", f"shape {x.shape}", f"{features} features on axis {options.axis}")
    return axis


def _moments(x: Array, axes: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Return x - mean, the mean and the population variance over axes."""
    # Sums start from the first row, so that rounding is relative to the spread of a column and not to its offset.
    pivot = lax.stop_gradient(x[tuple(slice(0, 1) if a in axes else slice(None) for a in range(x.ndim))])
    centred = x - pivot
    shift = jnp.mean(centred, axes, keepdims=True)
    deviation = centred - shift
    return deviation, pivot + shift, jnp.mean(jnp.square(deviation), axes, keepdims=True)


def _affine(deviation: Array, inverse: Array, scale: Array | None, offset: Array | None) -> Array:
    y = deviation * (inverse if scale is None else inverse * scale)
    return y if offset is None else y + offset


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _normalise(axes, x, deviation, inverse, scale, offset):  # noqa: ARG001
    return _affine(deviation, inverse, scale, offset)


@_normalise.defjvp
def _normalise_jvp(axes, primals, tangents):
    x, deviation, inverse, scale, offset = primals
    x_dot, _, _, scale_dot, offset_dot = tangents
    normalised = deviation * inverse
    slope = inverse if scale is None else inverse * scale
    of_scale = -slope * jnp.mean(normalised * x_dot, axes, keepdims=True)
    of_offset = -slope * jnp.mean(x_dot, axes, keepdims=True)
    if scale is not None:
        of_scale += scale_dot
    if offset is not None:
        of_offset += offset_dot
    y_dot = slope * x_dot + normalised * of_scale + of_offset
    return _normalise(axes, x, deviation, inverse, scale, offset), y_dot


def _move(moving: Array, value: Array, momentum: float) -> Array:
    """Return moving - (moving - value) * (1 - momentum), rounded as TensorFlow rounds it.

    1 - momentum is taken in double precision and then rounded to the array's precision.
    """
    step = (moving - lax.stop_gradient(value)) * (1.0 - momentum)
    # XLA would fuse this product into the subtraction, without the rounding between the two that TensorFlow has: the
    # variance of article 004 would end in 4.2739543e-05, not 4.273953e-05. A select between them keeps them apart.
    return (moving - jnp.where(jnp.isnan(step), jnp.nan, step)).astype(moving.dtype)


def _require(condition: bool, field: str, got: object, expected: str) -> None:
    if not condition:
        raise ValueError(f"{field}: got {got}, expected {expected}")
