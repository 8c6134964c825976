"""Several training steps, then inference, compared with Keras 3, Flax, PyTorch and the equations of TensorFlow 1.

Every step compares the output, the gradients with respect to x, gamma and beta, and every statistic of the state,
on data of unit scale. TOLERANCE is absolute; the rounding of float32 alone is a few 1e-7.
"""

import functools
import importlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bnlab.nn import BatchNorm, BatchNormParams, RenormClipping, batch_norm, init_batch_norm
from tests.nn.systems import skip_unless

TOLERANCE = 1e-5
STEPS = 3
CLIPPING = RenormClipping(rmin=0.8, rmax=1.5, dmax=0.4)


class Step(NamedTuple):
    y: np.ndarray
    dx: np.ndarray
    dgamma: np.ndarray | None
    dbeta: np.ndarray | None
    state: dict[str, np.ndarray]


class Study(NamedTuple):
    """The input of both sides: inputs and the cotangents of the outputs [STEPS, ...], gamma and beta."""

    xs: np.ndarray
    cotangents: np.ndarray
    gamma: np.ndarray
    beta: np.ndarray


def make_study(shape, axis):
    rng = np.random.default_rng(0)
    features = shape[axis]
    broadcast = [-1 if a == axis % len(shape) else 1 for a in range(len(shape))]
    # Columns with different offsets and spreads, around 1.
    xs = rng.normal(size=(STEPS, *shape)) * np.linspace(0.5, 1.5, features).reshape(broadcast)
    xs += np.linspace(-1, 1, features).reshape(broadcast)
    arrays = xs, rng.normal(size=xs.shape), rng.uniform(0.5, 1.5, features), rng.normal(size=features)
    return Study(*(a.astype(np.float32) for a in arrays))


def run_ours(options, study, per_step=(), **always):
    """per_step holds one dict of arguments a step."""
    params, stats = init_batch_norm(options, study.gamma.size)
    given = BatchNormParams(jnp.asarray(study.gamma), jnp.asarray(study.beta))
    params = BatchNormParams(*(g if p is not None else None for g, p in zip(given, params, strict=True)))

    @jax.jit
    def step(x, cotangent, stats, arguments):
        def forward(x, params):
            return batch_norm(x, params, stats, options, training=True, **arguments)

        y, backward, stats = jax.vjp(forward, x, params, has_aux=True)
        return y, backward(cotangent), stats

    steps = []
    for i, (x, cotangent) in enumerate(zip(study.xs, study.cotangents, strict=True)):
        y, (dx, dparams), stats = step(x, cotangent, stats, {**always, **(per_step[i] if per_step else {})})
        state = {name: np.asarray(v) for name, v in stats._asdict().items() if v is not None}
        steps.append(Step(y, dx, dparams.gamma, dparams.beta, state))
    inference, _ = batch_norm(jnp.asarray(study.xs[0]), params, stats, options, training=False)
    return steps, inference


def assert_alike(ours, theirs):
    (our_steps, our_inference), (their_steps, their_inference) = ours, theirs
    for one, other in zip(our_steps, their_steps, strict=True):
        for name in ("y", "dx", "dgamma", "dbeta"):
            a, b = getattr(one, name), getattr(other, name)
            assert (a is None) == (b is None), name
            if a is not None:
                np.testing.assert_allclose(a, b, rtol=0, atol=TOLERANCE, err_msg=name)
        assert one.state.keys() == other.state.keys()
        for name, value in one.state.items():
            np.testing.assert_allclose(value, other.state[name], rtol=0, atol=TOLERANCE, err_msg=name)
    np.testing.assert_allclose(our_inference, their_inference, rtol=0, atol=TOLERANCE, err_msg="inference")


SHAPES = [((20, 5), -1), ((4, 3, 2, 5), -1), ((4, 5, 3, 2), 1)]
# Every shape with gamma and beta, and one shape without either or both.
CASES = [(*shape, True, True) for shape in SHAPES]
CASES += [(*SHAPES[0], center, scale) for center, scale in ((True, False), (False, True), (False, False))]


# Keras 3


def run_keras(keras, study, axis, mask=None, trainable=True, **arguments):
    layer = keras.layers.BatchNormalization(axis=axis, **arguments)
    layer.build(study.xs.shape[1:])
    for name in ("gamma", "beta"):
        if getattr(layer, name) is not None:
            getattr(layer, name).assign(getattr(study, name))
    layer.trainable = trainable
    parameters = [v for v in (layer.gamma, layer.beta) if v is not None]
    trained = [v.value for v in layer.trainable_variables]
    others = [v.value for v in layer.non_trainable_variables]
    names = [v.name for v in layer.non_trainable_variables]

    @functools.partial(jax.jit, static_argnames="training")
    def call(x, trained, others, training):
        # Keras' mask has all axes of x except the last.
        return layer.stateless_call(trained, others, x, training=training, mask=mask)

    steps = []
    for x, cotangent in zip(study.xs, study.cotangents, strict=True):
        y, backward, others = jax.vjp(lambda x, t: call(x, t, others, True), x, trained, has_aux=True)  # noqa: B023
        dx, dtrained = backward(jnp.asarray(cotangent))
        grads = dict(zip((v.name for v in parameters), dtrained, strict=trainable))
        steps.append(Step(y, dx, grads.get("gamma"), grads.get("beta"), dict(zip(names, others, strict=True))))
    return steps, call(study.xs[0], trained, others, False)[0]


@pytest.mark.parametrize(("shape", "axis", "center", "scale"), CASES)
def test_keras(keras, shape, axis, center, scale):
    study = make_study(shape, axis)
    theirs = run_keras(keras, study, axis, center=center, scale=scale, momentum=0.9)
    assert_alike(run_ours(BatchNorm(center=center, scale=scale, axis=axis, momentum=0.9), study), theirs)


def test_the_defaults_are_those_of_keras(keras):
    layer, ours = keras.layers.BatchNormalization(), BatchNorm()
    for name in (
        "momentum",
        "epsilon",
        "center",
        "scale",
        "axis",
        "trainable",
        "renorm_momentum",
        "renorm_clipping",
    ):
        assert getattr(layer, name) == getattr(ours, name), name


@pytest.mark.parametrize(("shape", "axis", "center", "scale"), [*CASES[:3], CASES[-1]])
@pytest.mark.parametrize("clipping", [None, CLIPPING], ids=["", "clipped"])
def test_keras_renorm(keras, shape, axis, center, scale, clipping):
    study = make_study(shape, axis)
    arguments = {"center": center, "scale": scale, "axis": axis, "momentum": 0.9, "renorm_momentum": 0.7}
    bounds = None if clipping is None else {"rmin": clipping.rmin, "rmax": clipping.rmax, "dmax": clipping.dmax}
    theirs = run_keras(keras, study, renorm=True, renorm_clipping=bounds, **arguments)
    assert_alike(run_ours(BatchNorm(renorm="keras3", renorm_clipping=clipping, **arguments), study), theirs)


@pytest.mark.parametrize("shape", [(20, 5), (4, 6, 5)])
@pytest.mark.parametrize("renorm", [False, True])
def test_keras_mask(keras, shape, renorm):
    # Keras divides by Σ mask + 1e-7, which is within TOLERANCE; its masked rows are normalised like the rest.
    mask = np.random.default_rng(1).uniform(size=shape[:-1]) < 0.7
    study = make_study(shape, -1)
    theirs = run_keras(keras, study, -1, mask=mask, renorm=renorm)
    assert_alike(run_ours(BatchNorm(renorm="keras3" if renorm else None), study, mask=mask), theirs)


def test_keras_frozen(keras):
    study = make_study((20, 5), -1)
    (theirs, their_inference) = run_keras(keras, study, -1, trainable=False)
    (ours, our_inference) = run_ours(BatchNorm(trainable=False), study)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.y, other.y, rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(one.dx, other.dx, rtol=0, atol=TOLERANCE)
        assert not np.any(one.dgamma)
        assert not np.any(one.dbeta)
        np.testing.assert_array_equal(one.state["moving_mean"], np.zeros(5))
        np.testing.assert_array_equal(one.state["moving_variance"], np.ones(5))
    np.testing.assert_allclose(our_inference, their_inference, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_keras_half_precision(keras, dtype):
    # The output is rounded to `dtype`, so it may differ by one step of it: 2**-9, 2**-6 for numbers from 2 to 4.
    study = make_study((20, 5), -1)
    layer = keras.layers.BatchNormalization(dtype=f"mixed_{dtype}")
    x = jnp.asarray(study.xs[0], dtype)
    theirs = layer(x, training=True)
    options = BatchNorm()
    ours, stats = batch_norm(x, *init_batch_norm(options, 5), options, training=True)
    assert ours.dtype == theirs.dtype == dtype
    step = {"float16": 2**-9, "bfloat16": 2**-6}[dtype]
    np.testing.assert_allclose(ours.astype("float32"), theirs.astype("float32"), rtol=0, atol=step)
    np.testing.assert_allclose(stats.moving_mean, layer.moving_mean.value, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(stats.moving_variance, layer.moving_variance.value, rtol=0, atol=TOLERANCE)


# Flax


def run_flax_linen(study, axis, mask, center, scale):
    linen = importlib.import_module("flax.linen")
    arguments = {"axis": axis, "momentum": 0.99, "epsilon": 1e-3, "use_fast_variance": False}
    layer = linen.BatchNorm(use_bias=center, use_scale=scale, **arguments)
    values = {"scale": study.gamma, "bias": study.beta}
    variables = layer.init(jax.random.key(0), study.xs[0], use_running_average=True)
    params = {name: jnp.asarray(values[name]) for name in variables.get("params", {})}
    stats = variables["batch_stats"]

    def forward(x, params, stats):
        variables = {"params": params, "batch_stats": stats}
        y, after = layer.apply(variables, x, use_running_average=False, mask=mask, mutable=["batch_stats"])
        return y, after["batch_stats"]

    steps = []
    for x, cotangent in zip(study.xs, study.cotangents, strict=True):
        y, backward, stats = jax.vjp(functools.partial(forward, stats=stats), x, params, has_aux=True)
        dx, grads = backward(jnp.asarray(cotangent))
        state = {"moving_mean": stats["mean"], "moving_variance": stats["var"]}
        steps.append(Step(y, dx, grads.get("scale"), grads.get("bias"), state))
    variables = {"params": params, "batch_stats": stats}
    return steps, layer.apply(variables, study.xs[0], use_running_average=True)


def run_flax_nnx(study, axis, mask, center, scale):
    nnx = importlib.import_module("flax.nnx")
    arguments = {"axis": axis, "momentum": 0.99, "epsilon": 1e-3, "use_fast_variance": False}
    layer = nnx.BatchNorm(study.gamma.size, use_bias=center, use_scale=scale, rngs=nnx.Rngs(0), **arguments)
    if scale:
        layer.scale[...] = jnp.asarray(study.gamma)
    if center:
        layer.bias[...] = jnp.asarray(study.beta)
    graph, params, stats = nnx.split(layer, nnx.Param, nnx.BatchStat)

    def forward(x, params, stats):
        layer = nnx.merge(graph, params, stats, copy=True)
        y = layer(x, use_running_average=False, mask=mask)
        return y, nnx.split(layer, nnx.Param, nnx.BatchStat)[2]

    steps = []
    for x, cotangent in zip(study.xs, study.cotangents, strict=True):
        y, backward, stats = jax.vjp(functools.partial(forward, stats=stats), x, params, has_aux=True)
        dx, grads = backward(jnp.asarray(cotangent))
        grads, now = nnx.to_pure_dict(grads), nnx.to_pure_dict(stats)
        state = {"moving_mean": now["mean"], "moving_variance": now["var"]}
        steps.append(Step(y, dx, grads.get("scale"), grads.get("bias"), state))
    return steps, nnx.merge(graph, params, stats)(study.xs[0], use_running_average=True)


@pytest.mark.parametrize("run_flax", [run_flax_linen, run_flax_nnx])
@pytest.mark.parametrize(("shape", "axis", "center", "scale"), [*CASES[:3], CASES[-1]])
def test_flax(run_flax, shape, axis, center, scale):
    skip_unless("flax")
    study = make_study(shape, axis)
    theirs = run_flax(study, axis, None, center, scale)
    assert_alike(run_ours(BatchNorm(center=center, scale=scale, axis=axis), study), theirs)


@pytest.mark.parametrize("run_flax", [run_flax_linen, run_flax_nnx])
def test_flax_mask(run_flax):
    skip_unless("flax")
    study = make_study((4, 6, 5), -1)
    mask = np.random.default_rng(1).uniform(size=(4, 6)) < 0.7
    theirs = run_flax(study, -1, mask[..., None], True, True)
    assert_alike(run_ours(BatchNorm(), study, mask=mask), theirs)


# PyTorch


def run_torch(torch, study, affine):
    module = {2: torch.nn.BatchNorm1d, 4: torch.nn.BatchNorm2d}[study.xs.ndim - 1]
    # PyTorch's momentum weights the new value; its running variance takes the sample variance.
    layer = module(study.gamma.size, eps=1e-3, momentum=0.1, affine=affine)
    if affine:
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(study.gamma))
            layer.bias.copy_(torch.from_numpy(study.beta))
    steps = []
    for x, cotangent in zip(study.xs, study.cotangents, strict=True):
        x = torch.from_numpy(x).requires_grad_()
        layer.zero_grad()
        y = layer(x)
        y.backward(torch.from_numpy(cotangent))
        # Copied, because PyTorch updates its buffers in place.
        state = {
            "moving_mean": layer.running_mean.numpy().copy(),
            "moving_variance": layer.running_var.numpy().copy(),
        }
        grads = (layer.weight.grad.numpy().copy(), layer.bias.grad.numpy().copy()) if affine else (None, None)
        steps.append(Step(y.detach().numpy(), x.grad.numpy(), *grads, state))
    layer.eval()
    return steps, layer(torch.from_numpy(study.xs[0])).detach().numpy()


@pytest.mark.parametrize(("shape", "axis"), [((20, 5), 1), ((4, 5, 3, 2), 1), ((4, 5), 1)])
@pytest.mark.parametrize("affine", [True, False])
def test_torch(shape, axis, affine):
    torch = skip_unless("torch")
    study = make_study(shape, axis)
    options = BatchNorm(axis=axis, sample_variance=True, momentum=0.9, center=affine, scale=affine)
    assert_alike(run_ours(options, study), run_torch(torch, study, affine))


# TensorFlow 1: its equations in float64 (tests/reference holds no trajectory of these options)


def tensorflow1(x, gamma, beta, state, options, *, weights=None, adjustment=(1.0, 0.0), held=None):
    """Return y, the new state and (r, d). `held` is a fixed (r, d) to use instead: no gradient flows through them."""
    rows = x.shape[0]
    size = options.virtual_batch_size or rows
    groups = x.reshape(size, rows // size, -1)
    w = np.ones(rows) if weights is None else weights
    w = w.reshape(size, rows // size, 1)
    mean = (w * groups).sum(0) / w.sum(0)
    variance = (w * (groups - mean) ** 2).sum(0) / w.sum(0)
    x_hat = ((groups - mean) / np.sqrt(variance + options.epsilon)).reshape(x.shape)
    new_mean, new_variance = mean.mean(0), variance.mean(0)
    state = dict(state)
    r, d = 1.0, 0.0
    if options.renorm:
        s = np.sqrt(new_variance + options.epsilon)
        mixed_mean = state["renorm_mean"] + (1 - state["renorm_mean_weight"]) * new_mean
        mixed_stddev = state["renorm_stddev"] + (1 - state["renorm_stddev_weight"]) * s
        r, d = s / mixed_stddev, (new_mean - mixed_mean) / mixed_stddev
        if options.renorm_clipping:
            bounds = options.renorm_clipping
            r, d = np.clip(r, bounds.rmin, bounds.rmax), np.clip(d, -bounds.dmax, bounds.dmax)
        decay = options.renorm_momentum
        for name, value in (("renorm_mean", new_mean), ("renorm_stddev", s)):
            state[name] = state[name] * decay + value * (1 - decay)
            state[f"{name}_weight"] = state[f"{name}_weight"] * decay + (1 - decay)
        new_mean = state["renorm_mean"] / state["renorm_mean_weight"]
        new_variance = (state["renorm_stddev"] / state["renorm_stddev_weight"]) ** 2 - options.epsilon
    decay = options.momentum
    if options.zero_debias_moving_mean:
        state["biased"] = state["biased"] * decay + new_mean * (1 - decay)
        state["local_step"] = state["local_step"] + 1
        state["moving_mean"] = state["biased"] / (1 - decay ** state["local_step"])
    else:
        state["moving_mean"] = state["moving_mean"] * decay + new_mean * (1 - decay)
    state["moving_variance"] = state["moving_variance"] * decay + new_variance * (1 - decay)
    r, d = (r, d) if held is None else held
    return gamma * ((x_hat * r + d) * adjustment[0] + adjustment[1]) + beta, state, (r, d)


def slope(f, at):
    """Central differences of the scalar f, exact to about 1e-9 in float64."""
    slopes = np.empty(at.shape)
    for i in np.ndindex(at.shape):
        step = np.zeros(at.shape)
        step[i] = 1e-5
        slopes[i] = (f(at + step) - f(at - step)) / 2e-5
    return slopes


def step_tensorflow1(x, cotangent, gamma, beta, state, options, arguments):
    y, after, held = tensorflow1(x, gamma, beta, state, options, **arguments)

    def loss(x, gamma, beta):
        return (cotangent * tensorflow1(x, gamma, beta, state, options, held=held, **arguments)[0]).sum()

    dx = slope(lambda v: loss(v, gamma, beta), x)
    dgamma = slope(lambda v: loss(x, v, beta), gamma)
    return Step(y, dx, dgamma, slope(lambda v: loss(x, gamma, v), beta), after)


def run_tensorflow1(options, study, per_step):
    study = Study(*(a.astype(np.float64) for a in study))
    _, stats = init_batch_norm(options, study.gamma.size)
    state = {name: np.asarray(v, np.float64) for name, v in stats._asdict().items() if v is not None}
    gamma, beta = study.gamma, study.beta
    steps = []
    for x, cotangent, arguments in zip(study.xs, study.cotangents, per_step, strict=True):
        steps.append(step_tensorflow1(x, cotangent, gamma, beta, state, options, arguments))
        state = steps[-1].state
    s = np.sqrt(state["moving_variance"] + options.epsilon)
    return steps, gamma * (study.xs[0] - state["moving_mean"]) / s + beta


TENSORFLOW1 = [
    {},
    {"zero_debias_moving_mean": True},
    {"zero_debias_moving_mean": True, "momentum": 0.9},
    {"renorm": "tensorflow1"},
    {"renorm": "tensorflow1", "renorm_momentum": 0.7, "momentum": 0.9},
    {"renorm": "tensorflow1", "renorm_momentum": 0.7, "renorm_clipping": CLIPPING},
    {"virtual_batch_size": 4},
    {"virtual_batch_size": 3, "renorm": "tensorflow1", "renorm_momentum": 0.7},
]


@pytest.mark.parametrize(
    ("options", "weights"),
    [(o, w) for o in TENSORFLOW1 for w in (False, True) if not (w and "virtual_batch_size" in o)],
    ids=lambda v: ("-".join(v) or "plain") if isinstance(v, dict) else ("weights" if v else "rows"),
)
@pytest.mark.parametrize("adjustment", [False, True], ids=["", "adjustment"])
def test_equations_of_tensorflow_1(options, weights, adjustment):
    study = make_study((12, 3), -1)
    rng = np.random.default_rng(1)
    per_step = []
    for _ in range(STEPS):
        arguments = {}
        if weights:
            arguments["weights"] = rng.integers(0, 4, 12).astype(np.float32)
        if adjustment:
            scale, bias = rng.uniform(0.5, 1.5, (12, 1)), rng.normal(size=(12, 3))
            arguments["adjustment"] = (scale.astype(np.float32), bias.astype(np.float32))
        per_step.append(arguments)
    options = BatchNorm(**options)
    ours = run_ours(options, study, [jax.tree.map(jnp.asarray, arguments) for arguments in per_step])
    assert_alike(ours, run_tensorflow1(options, study, per_step))
