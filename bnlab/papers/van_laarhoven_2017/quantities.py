"""The identities behind "weight decay under batch norm is a learning rate", on three networks; and the law of the norm.

W is the kernel of a hidden layer, w_u its column u: the weights of unit u. BN follows every hidden layer. A batch norm
divides by sqrt(variance + epsilon). So the identities are exact where epsilon is scaled with the variance, or is gone.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from bnlab import nn, optimizers
from bnlab.models import MLP, Params, State, apply_mlp, init_mlp
from bnlab.nn import BatchNorm, BatchNormParams, DenseParams, batch_norm, init_batch_norm
from bnlab.nn.numbers import Number
from bnlab.options import SMALLEST, OptimizerName
from bnlab.papers.pairs import final_difference
from bnlab.papers.van_laarhoven_2017 import BEST_NONE, EPSILON, GAIN, LAYERS, A, growth, law
from bnlab.runs import Pool
from bnlab.studies import Quantities, SeedQuantities
from bnlab.training.recipe import Objective

SHAPES = ((5, (7,), 3), (20, (16, 16), 4), (64, (32, 32, 32), 10))
"""(inputs, hidden widths, classes) of each network."""
ROWS = 32
RATE = 0.1


@dataclass(frozen=True, eq=False)
class Net:
    """A network with batch norm after each hidden layer, and a batch of ROWS rows."""

    model: MLP
    params: Params
    state: State
    inputs: Float[Array, "rows inputs"]
    labels: Int[Array, "rows"]

    @classmethod
    def make(cls, seed: int, inputs: int, hidden: tuple[int, ...], classes: int) -> "Net":
        """Return a network whose gamma and beta are not at their initial 1 and 0."""
        model = MLP(inputs, hidden, classes, norm=BatchNorm())
        weights, norms, rows, labels = jax.random.split(jax.random.key(seed), 4)
        params, state = init_mlp(model, weights)
        for i, width in enumerate(hidden):
            gamma, beta = 0.3 * jax.random.normal(jax.random.fold_in(norms, i), (2, width))
            params[f"bn{i}"] = BatchNormParams(1 + gamma, beta)
        x = jax.random.normal(rows, (ROWS, inputs))
        return cls(model, params, state, x, jax.random.randint(labels, (ROWS,), 0, classes))

    @property
    def hidden(self) -> list[str]:
        """The names of the layers that a batch norm follows."""
        return [f"dense{i}" for i in range(len(self.model.hidden))]

    @cached_property
    def value_and_gradient(self) -> Callable[[Params, float], tuple[Array, Params]]:
        """The mean cross-entropy of the batch in training mode, and its gradient, for parameters and an epsilon."""
        return jax.jit(jax.value_and_grad(self._loss))

    def loss(self, params: Params, epsilon: float) -> float:
        """Return the loss alone."""
        return float(self.value_and_gradient(params, epsilon)[0])

    def gradient(self, params: Params, epsilon: float) -> list[Array]:
        """Return the gradient of the hidden kernels."""
        return self.kernels(self.value_and_gradient(params, epsilon)[1])

    def kernels(self, params: Params) -> list[Array]:
        """Return the kernels of the hidden layers."""
        return [params[name].kernel for name in self.hidden]

    def scaled(self, by: Callable[[int], Any] = lambda width: A) -> Params:
        """Return the parameters with each hidden kernel multiplied by `by(its width)`: a number, or one for each unit."""
        layers = {name: self.params[name] for name in self.hidden}
        kernels = {name: layer._replace(kernel=layer.kernel * by(layer.kernel.shape[1])) for name, layer in layers.items()}
        return self.params | kernels

    def _loss(self, params: Params, epsilon: Array) -> Float[Array, ""]:
        # A Number, unlike a float, is not checked against its range, which a traced value could not be.
        nothing = Number(jnp.zeros(()), jnp.ones(()))
        norm = dataclasses.replace(BatchNorm(), momentum=nothing, epsilon=Number(epsilon, 1 - epsilon))
        model = dataclasses.replace(self.model, norm=norm)
        outputs, _ = apply_mlp(model, params, self.state, self.inputs, training=True)
        return nn.softmax_cross_entropy(outputs, self.labels)


def loss_change(net: Net) -> float:
    """Return loss(a · W, a² · epsilon) / loss(W, epsilon) − 1."""
    return net.loss(net.scaled(), A**2 * EPSILON) / net.loss(net.params, EPSILON) - 1


def loss_with_epsilon(net: Net) -> float:
    """Return loss(a · W, epsilon) / loss(W, epsilon / a²) − 1."""
    return net.loss(net.scaled(), EPSILON) / net.loss(net.params, EPSILON / A**2) - 1


def unit_change(net: Net) -> float:
    """Return the relative change of the loss where each unit's weights get a factor of their own, without epsilon."""
    own = net.scaled(lambda width: jnp.linspace(1 / A, A, width))
    return net.loss(own, SMALLEST) / net.loss(net.params, SMALLEST) - 1


def gradient_ratio(net: Net) -> float:
    """Return ‖gradient at (a · W, a² · epsilon)‖ / ‖gradient at (W, epsilon)‖ over the kernels of the hidden layers."""
    after, before = net.gradient(net.scaled(), A**2 * EPSILON), net.gradient(net.params, EPSILON)
    return float(norm(after) / norm(before))


def cosines(net: Net, epsilon: float) -> float:
    """Return the largest |w_u · g_u| / (‖w_u‖ · ‖g_u‖) over all hidden units; g is the gradient."""
    pairs = zip(net.kernels(net.params), net.gradient(net.params, epsilon), strict=True)
    return max(float(jnp.max(jnp.abs(_cosine(kernel, gradient)))) for kernel, gradient in pairs)


def norm(arrays: Sequence[Array]) -> Float[Array, ""]:
    """Return sqrt(Σ x²) over all numbers of the arrays."""
    return jnp.sqrt(sum((jnp.sum(jnp.square(array)) for array in arrays), start=jnp.zeros(())))


def spread_at_epsilon() -> float:
    """Return the standard deviation of the output of a batch norm whose input has the variance epsilon."""
    layer = BatchNorm(epsilon=EPSILON)
    x = jnp.array([[1.0], [-1.0]]) * EPSILON**0.5
    y, _ = batch_norm(x, *init_batch_norm(layer, 1), layer, training=True)
    return float(jnp.std(y))


def turn_ratio(net: Net, name: OptimizerName) -> float:
    """Return how far one step turns the hidden kernels at a · W, over how far it turns them at W: ‖ΔW‖ / ‖W‖ of each."""
    # This Adam's own epsilon would hide the law where a gradient is near zero.
    adam: dict[str, Any] = {} if name == "sgd" else {"epsilon": SMALLEST}
    optimizer = optimizers.choose_optimizer(name, RATE, **adam).transformation()

    def turn(params: Params, epsilon: float) -> Array:
        _, gradient = net.value_and_gradient(params, epsilon)
        updates, _ = optimizer.update(gradient, optimizer.init(params), params)
        return norm(net.kernels(updates)) / norm(net.kernels(params))  # pyright: ignore[reportArgumentType]

    return float(turn(net.scaled(), A**2 * EPSILON) / turn(net.params, EPSILON))


def decay_change(net: Net) -> float:
    """Return the relative change of the loss by a step of decay of the layers with batch norm, without epsilon."""
    optimizer = optimizers.choose_optimizer("sgd", 0.5, weight_decay=0.5).transformation()
    with_norm = {name: net.params[name] for name in net.params if name != f"dense{len(net.hidden)}"}
    updates, _ = optimizer.update(jax.tree.map(jnp.zeros_like, with_norm), optimizer.init(with_norm), with_norm)
    decayed = jax.tree.map(jnp.add, with_norm, updates)
    return net.loss(net.params | decayed, SMALLEST) / net.loss(net.params, SMALLEST) - 1


def decayed_others(net: Net) -> float:
    """Return how many arrays besides the kernels a decay moves: the decoupled one, and the gradient of an L2 penalty."""
    ones = jax.tree.map(jnp.ones_like, net.params)
    decoupled = optimizers.choose_optimizer("sgd", RATE, weight_decay=0.5).transformation()
    moves: Params = decoupled.update(jax.tree.map(jnp.zeros_like, ones), decoupled.init(ones), ones)[0]  # pyright: ignore[reportAssignmentType]
    pulls = jax.grad(lambda params: Objective("softmax_cross_entropy", 0.5).penalty(net.model, params))(ones)
    others = [leaf for tree in (moves, pulls) for layer in tree.values() for leaf in _beside_kernels(layer)]
    return float(sum(bool(jnp.any(leaf != 0)) for leaf in others))


def quantities() -> Quantities:
    """Return {quantity: what computes it}."""

    @cache
    def nets() -> list[Net]:
        return [Net.make(seed, *shape) for seed, shape in enumerate(SHAPES)]

    def farthest(of: Callable[[Net], float], expected: float = 0.0) -> Callable[[], float]:
        """Return what computes the value over the three networks that is farthest from the expected one."""
        return lambda: max(map(of, nets()), key=lambda value: abs(value - expected))

    return {
        "a = 3, epsilon scaled along: loss(aW) / loss(W) − 1": farthest(loss_change),
        "a = 3, epsilon not scaled: loss(aW) / loss(W, epsilon / a²) − 1": farthest(loss_with_epsilon),
        "without epsilon, a factor for each unit: change of the loss": farthest(unit_change),
        "a = 3, epsilon scaled along: gradient norm at aW / at W": farthest(gradient_ratio, 1 / A),
        "without epsilon: largest |cosine| of weights and gradient": farthest(lambda net: cosines(net, SMALLEST)),
        "largest |cosine|: with epsilon / with epsilon / 100": farthest(
            lambda net: cosines(net, EPSILON) / cosines(net, EPSILON / 100), 100
        ),
        "spread of a normalised unit whose variance is epsilon": spread_at_epsilon,
        "a = 3: turn by a step of SGD at aW / at W": farthest(lambda net: turn_ratio(net, "sgd"), A**-2),
        "a = 3: turn by a step of Adam at aW / at W": farthest(lambda net: turn_ratio(net, "adam"), 1 / A),
        "without epsilon, a step of decay alone: change of the loss": farthest(decay_change),
        "arrays besides the kernels that a decay moves": farthest(decayed_others),
    }


def _law(layer: str) -> Callable[[Pool], Float[np.ndarray, "seeds"]]:
    def of(pool: Pool) -> Float[np.ndarray, "seeds"]:
        half, optimizer = len(pool.step) // 2, pool.config.optimizer
        weights, gradients = (
            np.square(pool.curves[f"{layer}_{what}"][:, half:].astype(float)) for what in ("kernel_norm", "gradient_norm")
        )
        settled = optimizer.learning_rate / (2 * optimizer.weight_decay) * (weights * gradients).mean(axis=1)
        return settled / np.square(weights).mean(axis=1)

    return of


def _growth(layer: str) -> Callable[[Pool], Float[np.ndarray, "seeds"]]:
    def of(pool: Pool) -> Float[np.ndarray, "seeds"]:
        norms = pool.curves[f"{layer}_kernel_norm"]
        return norms[:, -1] / norms[:, 0]

    return of


SEED_QUANTITIES: SeedQuantities = {
    GAIN: final_difference("test_accuracy", BEST_NONE),
    **{law(layer): _law(layer) for layer in LAYERS},
    **{growth(layer): _growth(layer) for layer in LAYERS},
}


def _cosine(a: Float[Array, "inputs units"], b: Float[Array, "inputs units"]) -> Float[Array, "units"]:
    """Return the cosine of each pair of columns; 0 where one of them is zero."""
    lengths = jnp.linalg.norm(a, axis=0) * jnp.linalg.norm(b, axis=0)
    return jnp.sum(a * b, axis=0) / jnp.where(lengths > 0, lengths, 1)


def _beside_kernels(layer: Any) -> list[Array]:
    return jax.tree.leaves(layer._replace(kernel=None) if isinstance(layer, DenseParams) else layer)
