"""The formulas of the probes by hand; the probes of a program against NumPy, with finite differences as gradients."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bnlab.models import MLP, to_arrays
from bnlab.nn import BatchNorm, DenseParams
from bnlab.nn.batch_norm import BatchNormParams
from bnlab.optimizers import choose_optimizer
from bnlab.options import InputQuantiles, LossAlongGradient, Probes
from bnlab.training import probes as of
from bnlab.training.program import Program, program_of
from bnlab.training.recipe import Evaluation, NormInputs, Objective, Recipe

PARAMS = {
    "dense0": DenseParams(jnp.array([[3.0, 0.0, 1.0], [4.0, 2.0, 0.0]]), jnp.array([12.0, 0.0, 0.0])),
    "bn0": BatchNormParams(jnp.array([1.0, 2.0, 2.0]), None),
}


def floats_of(values) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}


class TestFormulas:
    def test_norm_of_a_kernel(self):
        assert floats_of(of.kernel_norms(PARAMS)) == {"dense0_kernel_norm": pytest.approx(np.sqrt(9 + 16 + 4 + 1))}

    def test_norms_of_units_are_those_of_columns(self):
        expected = {"dense0_unit_norm_min": 1.0, "dense0_unit_norm_median": 2.0, "dense0_unit_norm_max": 5.0}
        assert floats_of(of.unit_norms(PARAMS)) == expected

    def test_norms_of_a_gradient(self):
        values = floats_of(of.gradient_norms(PARAMS, "g"))
        squares = {"dense0": 30 + 144, "bn0": 1 + 4 + 4}
        assert values == {
            "g": pytest.approx(np.sqrt(183)),
            "dense0_g": pytest.approx(np.sqrt(squares["dense0"])),
            "bn0_g": 3.0,
        }

    @pytest.mark.parametrize(
        ("a", "b", "degrees"),
        [
            ([1.0, 0.0], [0.0, 3.0], 90),
            ([2.0, 0.0], [5.0, 0.0], 0),
            ([1.0, 1.0], [-2.0, -2.0], 180),
            ([1.0, 0.0], [1.0, 1.0], 45),
            ([1.0, 0.0], [1.0, 1e-5], np.rad2deg(1e-5)),  # the arc cosine gives 0 in float32
            ([1e-15, 0.0], [0.0, 1e15], 90),
            ([0.0, 0.0], [0.0, 1.0], 0),
            ([0.0, 0.0], [0.0, 0.0], 0),
        ],
    )
    def test_angle(self, a, b, degrees):
        trees = [{"x": jnp.array(v[:1]), "y": jnp.array(v[1:])} for v in (a, b)]
        assert float(of.angle(*trees)) == pytest.approx(degrees, rel=1e-5)

    def test_effective_rate(self):
        assert floats_of(of.effective_rates(PARAMS, jnp.array(0.6), 1)) == {"dense0_effective_rate": pytest.approx(0.02)}

    def test_percentiles_are_interpolated(self):
        # Of 0, 1, …, 10 the 15th percentile lies at 1.5; the order does not matter.
        inputs = jnp.array([10.0, 0, 9, 1, 8, 2, 7, 3, 6, 4, 5])
        assert floats_of(of.quantiles(inputs, 2, 7)) == {
            "dense2_unit7_input_p15": 1.5,
            "dense2_unit7_input_p50": 5.0,
            "dense2_unit7_input_p85": 8.5,
        }

    def test_a_dead_unit_is_at_most_0_in_every_row(self):
        assert float(of.dead_share(jnp.array([[0.0, -1.0, 2.0, -1.0], [-3.0, 1.0, 2.0, -1.0]]))) == 0.5

    def test_gap_of_the_statistics(self):
        # means 2 and 0, variances 1 and 16, epsilon 3: spreads 4 and 19
        x = jnp.array([[1.0, -4.0], [3.0, 4.0]])
        mean, variance = of.statistics_gap(jnp.array([5.0, 4.0]), jnp.array([4.0, 12.0]), x, 3.0)
        assert float(mean) == pytest.approx(5 / np.sqrt(4 + 19))
        assert float(variance) == pytest.approx(5 / np.sqrt(16 + 361))

    def test_along_the_gradient_of_a_quadratic(self):
        """L = ½ (x² + 3 y²) from (3, 1): g = (3, 3); at s = 1: (0, −2), L = 6; at s = ½: (1.5, −0.5), L = 1.5.

        The gradient there is (0, −6) and (1.5, −1.5): changes √(9 + 81) and √(2.25 + 20.25), over s · √18 both √5.
        """

        def loss(w):
            return 0.5 * (w["x"] ** 2 + 3 * w["y"] ** 2)

        values = floats_of(
            of.along_gradient(jax.value_and_grad(loss), {"x": jnp.array(3.0), "y": jnp.array(1.0)}, jnp.array([1.0, 0.5]))
        )
        assert values == {
            "along_loss_min": pytest.approx(1.5),
            "along_loss_max": pytest.approx(6),
            "along_loss_range": pytest.approx(4.5),
            "along_gradient_change_min": pytest.approx(np.sqrt(22.5)),
            "along_gradient_change_max": pytest.approx(np.sqrt(90)),
            "along_smoothness": pytest.approx(np.sqrt(5)),
        }

    def test_along_a_gradient_of_zero(self):
        values = of.along_gradient(jax.value_and_grad(lambda w: w * w + 2), jnp.array(0.0), jnp.array([1.0]))
        expected = {"along_loss_min": 2.0, "along_loss_max": 2.0}
        assert floats_of(values) == {**dict.fromkeys(values, 0.0), **expected}

    @pytest.mark.parametrize(
        ("count", "rows", "chosen"),
        [(3, 10, [0, 3, 6]), (4, 10, [0, 2, 5, 7]), (None, 3, [0, 1, 2]), (9, 3, [0, 1, 2]), (1, 5, [0])],
    )
    def test_fixed_rows_are_evenly_spaced(self, count, rows, chosen):
        assert of.fixed_rows(count, rows).tolist() == chosen


# A net of two inputs, three hidden units with batch norm, and two classes, in NumPy and float64.

GENERATOR = np.random.default_rng(5)
X = GENERATOR.normal(size=(8, 2)).astype(np.float32)
LABELS = np.array([0, 1, 1, 0, 1, 0, 0, 1], np.int32)
DATA = {"train": (X, LABELS), "test": (X[:3] + 1, LABELS[:3])}
BATCHES = np.array([[0, 1, 2, 3], [4, 5, 6, 7], [0, 2, 4, 6], [1, 3, 5, 7], [2, 3, 6, 7], [0, 1, 4, 5]], np.int32)
STEPS, EVERY = 4, 2
AHEAD = np.stack([BATCHES[2:4], BATCHES[4:6]])
FIXED = [0, 1, 3, 4, 6]  # floor(8 j / 5)
RATE, EPSILON, MOMENTUM, L2 = 0.3, 1e-3, 0.9, 0.2
NAMES = ("dense0/kernel", "dense0/bias", "bn0/gamma", "bn0/beta", "dense1/kernel", "dense1/bias")

PROBES = Probes(
    **dict.fromkeys(of.MEASURES, True)
    | {"input_quantiles": InputQuantiles(unit=1), "loss_along_gradient": LossAlongGradient((0.5, 2.0)), "rows": 5}
)


def recipe_of(probes: Probes, **changes) -> Recipe:
    norm = BatchNorm(momentum=MOMENTUM, epsilon=EPSILON)
    given = {
        "model": MLP(2, (3,), 2, norm=norm),
        "objective": Objective("softmax_cross_entropy", L2),
        "optimizer": choose_optimizer("sgd", RATE),
        "evaluation": Evaluation(()),
        "probes": probes,
    }
    return Recipe(**{**given, **changes})


def trained(recipe: Recipe, start=None):
    """Return (recorded, values of the probes) of STEPS steps, with a record after every second."""
    structure, numbers = program_of(recipe)[0].structure, program_of(recipe)[1]
    program = Program(structure)
    state = program.start(numbers, np.uint32(3))
    if start is not None:
        state = program.start_from(numbers, jax.device_put(start), state.batch_stats)
    _, _, recorded = program.train(numbers, state, BATCHES[:STEPS].reshape(-1, EVERY, 4), DATA)
    return recorded, {name: np.asarray(v) for name, v in program.probe(numbers, recorded, AHEAD, DATA).items()}


@pytest.fixture(scope="module")
def measured():
    return trained(recipe_of(PROBES))


@pytest.fixture(scope="module")
def records(measured) -> list[dict[str, np.ndarray]]:
    """The arrays of each recorded model, in float64."""
    recorded, _ = measured
    arrays = to_arrays(recorded.params, recorded.batch_stats)
    return [{name: values[r].astype(np.float64) for name, values in arrays.items()} for r in range(STEPS // EVERY)]


def forward(weights, x, mean=None, variance=None):
    """Return (inputs of the batch norm, inputs of the activation, logits)."""
    z = x @ weights["dense0/kernel"] + weights["dense0/bias"]
    mean, variance = (z.mean(0), z.var(0)) if mean is None else (mean, variance)
    a = weights["bn0/gamma"] * (z - mean) / np.sqrt(variance + EPSILON) + weights["bn0/beta"]
    return z, a, np.maximum(a, 0) @ weights["dense1/kernel"] + weights["dense1/bias"]


def loss_of(weights, rows) -> float:
    """Return the minimised loss of a batch: mean cross-entropy, plus ½ L2 Σ w² over the kernels."""
    _, _, logits = forward(weights, X[rows].astype(np.float64))
    entropy = np.log(np.exp(logits).sum(1)) - logits[np.arange(len(rows)), LABELS[rows]]
    return entropy.mean() + 0.5 * L2 * sum((weights[f"dense{i}/kernel"] ** 2).sum() for i in (0, 1))


def gradient_of(weights, rows, h=1e-6) -> dict[str, np.ndarray]:
    """Return the gradient by central differences."""
    gradient = {}
    for name in NAMES:
        gradient[name] = np.zeros_like(weights[name])
        for place in np.ndindex(weights[name].shape):
            up, down = ({**weights, name: weights[name].copy()} for _ in range(2))
            up[name][place] += h
            down[name][place] -= h
            gradient[name][place] = (loss_of(up, rows) - loss_of(down, rows)) / (2 * h)
    return gradient


def length(gradient, layer="") -> float:
    return np.sqrt(sum((part**2).sum() for name, part in gradient.items() if name.startswith(layer)))


def moved(weights, gradient, by):
    return {**weights, **{name: weights[name] - by * gradient[name] for name in NAMES}}


@pytest.mark.parametrize("r", range(STEPS // EVERY))
class TestAgainstNumPy:
    """rtol: central differences in float64 are exact to about 1e-9; float32 arithmetic is exact to about 1e-6."""

    @pytest.mark.parametrize(("prefix", "fixed"), [("gradient_norm", False), ("fixed_gradient_norm", True)])
    def test_gradient_norms(self, measured, records, r, prefix, fixed):
        gradient = gradient_of(records[r], FIXED if fixed else AHEAD[r, 0])
        values = measured[1]
        np.testing.assert_allclose(values[prefix][r], length(gradient), rtol=1e-5)
        for layer in ("dense0", "bn0", "dense1"):
            np.testing.assert_allclose(values[f"{layer}_{prefix}"][r], length(gradient, layer), rtol=1e-5)

    def test_step_angle(self, measured, records, r):
        first = gradient_of(records[r], AHEAD[r, 0])
        second = gradient_of(moved(records[r], first, RATE), AHEAD[r, 1])
        product = sum((first[name] * second[name]).sum() for name in NAMES)
        expected = np.rad2deg(np.arccos(product / length(first) / length(second)))
        np.testing.assert_allclose(measured[1]["step_angle"][r], expected, rtol=1e-5)

    def test_loss_along_the_gradient(self, measured, records, r):
        rows = AHEAD[r, 0]
        gradient = gradient_of(records[r], rows)
        places = [moved(records[r], gradient, m * RATE) for m in (0.5, 2.0)]
        losses = [loss_of(place, rows) for place in places]
        changes = []
        for place in places:
            there = gradient_of(place, rows)
            changes.append(length({name: there[name] - gradient[name] for name in NAMES}))
        ratios = [change / (m * RATE * length(gradient)) for change, m in zip(changes, (0.5, 2.0), strict=True)]
        expected = {
            "along_loss_min": min(losses),
            "along_loss_max": max(losses),
            "along_loss_range": max(losses) - min(losses),
            "along_gradient_change_min": min(changes),
            "along_gradient_change_max": max(changes),
            "along_smoothness": max(ratios),
        }
        for name, value in expected.items():
            np.testing.assert_allclose(measured[1][name][r], value, rtol=1e-4, err_msg=name)

    def test_what_comes_from_activations(self, measured, records, r):
        x, values = X[FIXED].astype(np.float64), measured[1]
        moving = records[r]["bn0/moving_mean"], records[r]["bn0/moving_variance"]
        z, a, _ = forward(records[r], x, *moving)
        for percent in (15, 50, 85):
            expected = np.percentile(a[:, 1], percent)
            np.testing.assert_allclose(values[f"dense0_unit1_input_p{percent}"][r], expected, rtol=1e-5, atol=1e-6)
        assert values["dense0_dead_units"][r] == pytest.approx((a <= 0).all(0).mean())
        spread = z.var(0) + EPSILON
        mean = np.linalg.norm(moving[0] - z.mean(0)) / np.linalg.norm(np.sqrt(spread))
        np.testing.assert_allclose(values["bn0_mean_gap"][r], mean, rtol=1e-5)
        variance = np.linalg.norm(moving[1] - z.var(0)) / np.linalg.norm(spread)
        np.testing.assert_allclose(values["bn0_variance_gap"][r], variance, rtol=1e-5)

    def test_what_comes_from_weights(self, measured, records, r):
        values = measured[1]
        for i in (0, 1):
            kernel = records[r][f"dense{i}/kernel"]
            np.testing.assert_allclose(values[f"dense{i}_kernel_norm"][r], np.linalg.norm(kernel), rtol=1e-6)
            units = np.linalg.norm(kernel, axis=0)
            for name, expected in (("min", units.min()), ("median", np.median(units)), ("max", units.max())):
                np.testing.assert_allclose(values[f"dense{i}_unit_norm_{name}"][r], expected, rtol=1e-6)
        expected = RATE / (records[r]["dense0/kernel"] ** 2).sum()
        np.testing.assert_allclose(values["dense0_effective_rate"][r], expected, rtol=1e-6)
        assert "dense1_effective_rate" not in values


def test_the_exact_statistics_of_the_second_layer_stand_on_those_of_the_first():
    """A step on all rows at a rate near 0, from a moving mean of 0 and variance of 1. μ and σ² are those of all rows.

    With momentum 0 the moving statistics are then μ and σ². With 0.9 they are 0.1 μ and 0.9 + 0.1 σ².
    """

    def step(momentum: float):
        recipe = recipe_of(
            Probes(statistics_gap=True, rows=None),
            model=MLP(2, (3, 3), 2, norm=BatchNorm(momentum=momentum, epsilon=EPSILON)),
            optimizer=choose_optimizer("sgd", 1e-30),
        )
        program, numbers = program_of(recipe)
        state = program.start(numbers, np.uint32(3))
        _, _, recorded = program.train(numbers, state, np.arange(8, dtype=np.int32).reshape(1, 1, 8), DATA)
        return recorded.batch_stats, program.probe(numbers, recorded, np.zeros((1, 2, 8), np.int32), DATA)

    exact, gaps = step(0.0)
    assert {name: float(gap[0]) for name, gap in gaps.items()} == {
        name: pytest.approx(0, abs=1e-6) for name in ("bn0_mean_gap", "bn0_variance_gap", "bn1_mean_gap", "bn1_variance_gap")
    }
    _, gaps = step(0.9)
    for layer in ("bn0", "bn1"):
        mean, variance = exact[layer].moving_mean[0], exact[layer].moving_variance[0]
        spread = variance + EPSILON
        expected = 0.9 * np.linalg.norm(mean) / np.linalg.norm(np.sqrt(spread))
        np.testing.assert_allclose(gaps[f"{layer}_mean_gap"][0], expected, rtol=1e-5)
        expected = 0.9 * np.linalg.norm(1 - variance) / np.linalg.norm(spread)
        np.testing.assert_allclose(gaps[f"{layer}_variance_gap"][0], expected, rtol=1e-5)


def test_a_sum_over_fixed_rows_counts_as_over_one_batch():
    """y = w x + b with w = 2, b = 1: errors 1 and 5 at the rows x = 0, y = 0 and x = 2, y = 0, of which all are fixed.

    ½ Σ d² over the two rows has the gradient (1·0 + 5·2, 1 + 5) = (10, 6). A batch of four rows counts twice: (20, 12).
    """
    x, y = np.array([[0.0], [2.0]], np.float32), np.zeros((2, 1), np.float32)
    recipe = recipe_of(
        Probes(fixed_gradient_norm=True),
        model=MLP(1, (), 1),
        objective=Objective("half_sum_squares"),
        optimizer=choose_optimizer("sgd", 1e-30),
    )
    shared, numbers = program_of(recipe)
    program = Program(shared.structure)
    start = {"dense0": DenseParams(jnp.array([[2.0]]), jnp.array([1.0]))}
    state = program.start_from(numbers, start, {})
    data = {"train": (x, y), "test": (x, y)}
    _, _, recorded = program.train(numbers, state, np.array([[[0, 1, 0, 1]]], np.int32), data)
    values = program.probe(numbers, recorded, np.zeros((1, 2, 4), np.int32), data)
    assert float(values["fixed_gradient_norm"][0]) == pytest.approx(np.sqrt(20**2 + 12**2))


def test_the_next_batch_is_normalised_as_the_next_step_does():
    """With random adjustments, the gradient and the two updates are those of the steps that then follow."""
    noisy = NormInputs(adjustment=((0.5, 1.5), (-0.5, 0.5)))
    recipe = recipe_of(Probes(gradient_norm=True, step_angle=True), norm_inputs=noisy)
    shared, numbers = program_of(recipe)
    program = Program(shared.structure)
    state = program.start(numbers, np.uint32(3))
    after, _, recorded = program.train(numbers, state, BATCHES[:2][None], DATA)
    values = program.probe(numbers, recorded, BATCHES[None, 2:4], DATA)
    _, _, following = program.train(numbers, after, BATCHES[2:4, None], DATA)
    models = [after.params, *(jax.tree.map(lambda w, r=r: w[r], following.params) for r in range(2))]
    first, second = (
        np.concatenate([np.ravel(b - a) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)])
        for one, other in itertools.pairwise(models)
    )
    np.testing.assert_allclose(values["gradient_norm"][0], np.linalg.norm(first) / RATE, rtol=1e-5)
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    np.testing.assert_allclose(values["step_angle"][0], np.rad2deg(np.arccos(cosine)), rtol=1e-4)


def test_off_records_no_more_than_before():
    recorded, values = trained(recipe_of(Probes(kernel_norm=True)))
    assert (recorded.opt_state, recorded.key) == (None, None)
    assert sorted(values) == ["dense0_kernel_norm", "dense1_kernel_norm"]


def test_a_program_without_probes_is_the_program_that_it_was():
    """The same instructions, whether the probes are off or only read the recorded models."""

    def lowered(probes: Probes) -> str:
        recipe = recipe_of(probes)
        shared, numbers = program_of(recipe)
        program = Program(shared.structure)
        state = program.start(numbers, np.uint32(3))
        train = jax.jit(program.train.function).lower(numbers, state, BATCHES[None, :2], DATA)
        return train.as_text()

    off = lowered(Probes())
    reading = Probes(
        **{name: name != "step_angle" for name in of.MEASURES if name not in ("input_quantiles", "loss_along_gradient")}
    )
    assert lowered(reading) == off
    assert lowered(Probes(loss_along_gradient=LossAlongGradient(), input_quantiles=InputQuantiles())) == off
