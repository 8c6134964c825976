"""Schedules: the factor of the learning rate at each step."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from bnlab.nn.numbers import register_options
from bnlab.options import Schedule

register_options(
    Schedule,
    ["warmup_steps", "warmup_from", "boundaries", "factors", "decay_steps", "end_factor"],
    off_at_zero=["warmup_steps", "warmup_from", "end_factor"],
)


def schedule_factor(schedule: Schedule, step: Int[Array, ""]) -> Float[Array, ""]:
    """Return the factor of the learning rate after `step` steps, as the formula of `Schedule` says.

    optax's own schedules take their numbers at compile time. Here they may be arguments of the compiled function, so all
    points of a grid over them share one program. The values are those of optax.

    Departures: PiecewiseConstantDecay of Keras changes one step later. Some systems warm up from the factor
    1/warmup_steps, which `warmup_from` can say; from 0, the first step moves nothing.

    Source: Goyal et al. 2017, section 2.2 (warm-up); Loshchilov & Hutter 2017, eq. 5 (cosine, without restarts).
    """
    t = step.astype(jnp.float32)
    factor = jnp.ones(())
    if schedule.name == "piecewise":
        for boundary, value in zip(schedule.boundaries, schedule.factors, strict=True):
            factor = jnp.where(t >= jnp.asarray(boundary), jnp.asarray(value), factor)
    if schedule.name == "cosine":
        start, end = jnp.asarray(schedule.warmup_steps), jnp.asarray(schedule.decay_steps)
        progress = jnp.clip((t - start) / (end - start), 0, 1)
        factor = schedule.end_factor + (1 - schedule.end_factor) * (0.5 * (1 + jnp.cos(jnp.pi * progress)))
    if schedule.warmup_steps:
        rising = schedule.warmup_from + (1 - schedule.warmup_from) * (t / jnp.asarray(schedule.warmup_steps))
        factor = jnp.where(t < jnp.asarray(schedule.warmup_steps), rising, factor)
    return factor
