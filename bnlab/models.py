"""Multi-layer perceptrons built from the layers of `bnlab.nn`: options, parameters and state are separate values."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import Array
from jaxtyping import Float

from bnlab.nn import (
    BatchNorm,
    BatchStats,
    DenseParams,
    RowNorm,
    activation,
    add_noise,
    batch_norm,
    batch_norm_penalty,
    dense,
    init_batch_norm,
    init_dense,
    init_row_norm,
    row_norm,
)
from bnlab.nn.numbers import Number, register_options
from bnlab.options import KernelInit, Noise, Position

Params = dict[str, Any]
"""{"dense0": DenseParams, "bn0": BatchNormParams, …}: the arrays that gradients change."""
State = dict[str, Any]
"""{"bn0": BatchStats, …}: the arrays that only calls in training mode change."""


@dataclasses.dataclass(frozen=True)
class MLP:
    """The options of a multi-layer perceptron: static and hashable, or a tree of numbers (see `bnlab.nn.numbers`).

    inputs → [dense → norm → activation] for each width in `hidden` → dense `outputs`. With `position`
    "after_activation" the norm follows the activation (article 000). With "input" there is one norm, before the first
    layer (article 004). With `outputs` None there is no last dense layer. `noise` stands right after the norm, or where a
    norm would stand.
    """

    inputs: int
    hidden: tuple[int, ...]
    outputs: int | None
    activation: str = "relu"
    norm: BatchNorm | RowNorm | None = None
    position: Position = "before_activation"
    kernel_init: KernelInit = KernelInit()
    noise: Noise | None = None

    def __post_init__(self):
        activation(self.activation)  # raises where the name is unknown

    @property
    def norm_features(self) -> tuple[int, ...]:
        """The number of channels of each norm: bn0, bn1, … for batch norm, layer_norm0, layer_norm1, … for layer norm."""
        if self.norm is None:
            return ()
        return (self.inputs,) if self.position == "input" else self.hidden

    @property
    def widths(self) -> tuple[int, ...]:
        """The number of features at each level, from input to output; dense i leads from widths[i] to widths[i + 1]."""
        return (self.inputs, *self.hidden, *(() if self.outputs is None else (self.outputs,)))

    @property
    def weights(self) -> int:
        """The number of weights in the dense kernels."""
        return sum(a * b for a, b in zip(self.widths, self.widths[1:], strict=False))


register_options(MLP, ["norm", "kernel_init", "noise"])


def init_mlp(options: MLP, key: Array) -> tuple[Params, State]:
    """Return fresh parameters and state.

    Dense layer i draws from fold_in(key, i). So two models whose layer i has the same shape start from the same
    kernel, with or without batch norm.
    """
    params: Params = {}
    state: State = {}
    for i, (inputs, outputs) in enumerate(zip(options.widths, options.widths[1:], strict=False)):
        params[f"dense{i}"] = init_dense(jax.random.fold_in(key, i), inputs, outputs, options.kernel_init)
    for i, features in enumerate(options.norm_features):
        if isinstance(options.norm, RowNorm):
            params[f"{options.norm.kind}_norm{i}"] = init_row_norm(options.norm, features)
        elif options.norm is not None:
            params[f"bn{i}"], state[f"bn{i}"] = init_batch_norm(options.norm, features)
    return params, state


def apply_mlp(
    options: MLP,
    params: Params,
    state: State,
    x: Float[Array, "_ _"],
    *,
    training: bool,
    axis: int = -1,
    norm_inputs: Callable[[int, int], dict[str, Any]] = lambda layer, features: {},
    noise_key: Array | None = None,
    observe: Callable[[str, Array], None] = lambda name, x: None,
) -> tuple[Float[Array, "_ _"], State]:
    """Return the outputs for x and the new state.

    x is [rows, inputs] and the outputs are [rows, outputs]; with `axis=0` both are transposed (see `dense`).
    `norm_inputs(i, features)` returns the arguments weights, mask and adjustment of batch norm i. The model's noise is
    drawn from `noise_key`; without a key there is none. The noise of layer i depends on the key, on i and on the shape
    alone, so it is the same with batch norm and without. `observe` is called with the input of each batch norm ("bn0", …)
    and of each hidden activation ("activation0", …).
    """
    new_state = dict(state)

    def through(place: Position, i: int, x: Array) -> Array:
        """Return x after the norm and the noise that stand at this place."""
        if isinstance(options.norm, RowNorm) and options.position == place:
            x = row_norm(x, params[f"{options.norm.kind}_norm{i}"], options.norm, axis=axis)
        elif isinstance(options.norm, BatchNorm) and options.position == place:
            observe(f"bn{i}", x)
            norm = dataclasses.replace(options.norm, axis=axis)
            inputs = norm_inputs(i, options.norm_features[i])
            x, new_state[f"bn{i}"] = batch_norm(x, params[f"bn{i}"], state[f"bn{i}"], norm, training=training, **inputs)
        if options.noise is not None and noise_key is not None and options.noise.position == place:
            x = add_noise(x, options.noise, jax.random.fold_in(noise_key, i))
        return x

    activate = activation(options.activation)
    x = through("input", 0, x)
    for i in range(len(options.hidden)):
        x = dense(x, params[f"dense{i}"], axis=axis)
        x = through("before_activation", i, x)
        observe(f"activation{i}", x)
        x = activate(x)
        x = through("after_activation", i, x)
    if options.outputs is not None:
        x = dense(x, params[f"dense{len(options.hidden)}"], axis=axis)
    return x, new_state


def precise_statistics(options: MLP, params: Params, batches: Float[Array, "batches rows inputs"]) -> State:
    """Return the population statistics of every batch norm with these parameters, as the state of a model.

    One forward pass for each batch B, in which every batch norm normalises by B's own mean μ_B and population variance σ²_B:

    moving_mean = E[μ_B],  moving_variance = E[σ²_B] + E[(μ_B − moving_mean)²], with E the mean over the batches

    So a layer sees the values that the layers before it give in training. With a single batch these are the exact statistics
    of its rows. There is no noise, renormalization or adjustment.

    Source: Wu & Johnson 2021, "Rethinking 'Batch' in BatchNorm", section 3.1.
    """
    norm = options.norm
    if not isinstance(norm, BatchNorm):
        return {}
    plain = BatchNorm(center=norm.center, scale=norm.scale, formula=norm.formula)
    # With momentum 0, the state after a step is the statistics of its batch.
    nothing = Number(jax.numpy.zeros(()), jax.numpy.ones(()))
    model = dataclasses.replace(options, norm=dataclasses.replace(plain, epsilon=norm.epsilon, momentum=nothing))
    start = {f"bn{i}": BatchStats(*jax.numpy.zeros((2, n))) for i, n in enumerate(options.norm_features)}
    of_batch = jax.lax.map(lambda x: apply_mlp(model, params, start, x, training=True)[1], batches)

    def together(stats: BatchStats) -> BatchStats:
        means = stats.moving_mean
        return BatchStats(means.mean(0), stats.moving_variance.mean(0) + means.var(0))

    return {name: together(stats) for name, stats in of_batch.items()}


def fold_norms(options: MLP, params: Params, state: State) -> tuple[MLP, Params]:
    """Return a model without batch norms, and its parameters, with the same outputs in inference.

    An inference-mode batch norm is y = s·x + t with s = gamma / sqrt(moving_variance + epsilon) and
    t = beta − s·moving_mean. It is folded into the dense layer before it (W·s, s·b + t) or after it (s·W, b + t·W).
    The model is returned unchanged where its norm does not have this form (another `evaluate_with` than "moving", a norm
    of rows) or has no such dense layer.
    """
    norm = options.norm
    no_layer_after = options.outputs is None and (options.position == "after_activation" or not options.hidden)
    if not isinstance(norm, BatchNorm) or norm.evaluate_with != "moving" or no_layer_after:
        return options, params
    folded = {name: layer for name, layer in params.items() if not name.startswith("bn")}
    for i in range(len(options.norm_features)):
        gamma, beta = params[f"bn{i}"]
        stats = state[f"bn{i}"]
        slope = jax.lax.rsqrt(stats.moving_variance + norm.epsilon) * (1 if gamma is None else gamma)
        shift = (0 if beta is None else beta) - slope * stats.moving_mean
        if options.position == "before_activation":
            kernel, bias = folded[f"dense{i}"]
            folded[f"dense{i}"] = DenseParams(kernel * slope, bias * slope + shift)
        else:
            after = i + (options.position == "after_activation")
            kernel, bias = folded[f"dense{after}"]
            folded[f"dense{after}"] = DenseParams(kernel * slope[:, None], bias + shift @ kernel)
    return dataclasses.replace(options, norm=None), folded


def kernels(params: Params) -> list[Array]:
    """Return the dense kernels: the arrays that L2 penalties and weight decay apply to."""
    return [layer.kernel for layer in params.values() if isinstance(layer, DenseParams)]


def norm_penalty(options: MLP, params: Params) -> Float[Array, ""]:
    """Return the L2 penalties on gamma and beta of all batch norms (zero where the options ask for none)."""
    zero = jax.numpy.zeros(())
    if not isinstance(options.norm, BatchNorm):
        return zero
    layers = (params[f"bn{i}"] for i in range(len(options.norm_features)))
    return sum((batch_norm_penalty(layer, options.norm) for layer in layers), start=zero)


def to_arrays(params: Params, state: State) -> dict[str, np.ndarray]:
    """Return {"dense0/kernel": …, "bn0/gamma": …, "bn0/moving_mean": …} as NumPy arrays, without fields that are None."""
    layers = [*params.items(), *state.items()]
    return {
        f"{name}/{field}": np.asarray(value)
        for name, layer in layers
        for field, value in layer._asdict().items()
        if value is not None
    }


def from_arrays(template: tuple[Params, State], arrays: dict[str, np.ndarray]) -> tuple[Params, State]:
    """Return `template` with each field that `arrays` names replaced by its array: the inverse of `to_arrays`.

    Raises:
        ValueError: a name that the template does not have, or another shape.
    """
    known = to_arrays(*template)
    for name, value in arrays.items():
        if name not in known:
            raise ValueError(f"{name}: no such weight in this model, which has {', '.join(known)}")
        if value.shape != known[name].shape:
            raise ValueError(f"{name}: got shape {value.shape}, expected {known[name].shape}")

    def fill(tree: dict[str, Any]) -> dict[str, Any]:
        return {
            name: layer._replace(
                **{
                    field: jax.numpy.asarray(arrays[f"{name}/{field}"], value.dtype)
                    for field, value in layer._asdict().items()
                    if f"{name}/{field}" in arrays
                }
            )
            for name, layer in tree.items()
        }

    params, state = template
    return fill(params), fill(state)
