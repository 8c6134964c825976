"""The compiled program against the same training written out in NumPy, and the measurements of a record."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bnlab.models import MLP
from bnlab.nn import BatchNorm, DenseParams
from bnlab.optimizers import choose_optimizer
from bnlab.training import evaluation as evaluation_module
from bnlab.training.evaluation import Measured
from bnlab.training.program import Program, program_of
from bnlab.training.recipe import Evaluation, Measurement, Objective, Recipe

# Four points of one feature, one hidden unit with batch norm before its relu, one output; half the sum of squares; sgd.
X = np.array([[0.0], [1.0], [2.0], [5.0]], np.float32)
Y = np.array([[1.0], [0.0], [3.0], [2.0]], np.float32)
DATA = {"train": (X, Y), "test": (X[:3] + 1, Y[:3])}
BATCHES = np.array([[0, 1, 2], [3, 0, 1]], np.int32)
NORM = BatchNorm(momentum=0.9, epsilon=1e-3)
LEARNING_RATE, L2 = 0.1, 0.5


def by_hand(batches, *, l2=0.0):
    """Train as the program does, in float64 and with the gradients written out; return a list with each step's results."""
    w, b, gamma, beta, v, c = 0.5, 0.25, 1.0, 0.0, 2.0, -1.0
    mean, variance, steps = 0.0, 1.0, []
    for rows in batches:
        x, y = X[rows].astype(np.float64), Y[rows].astype(np.float64)
        z = x * w + b
        batch_mean, batch_variance = z.mean(), z.var()
        s = 1 / np.sqrt(batch_variance + 1e-3)
        hat = (z - batch_mean) * s
        a = gamma * hat + beta
        h = np.maximum(a, 0)
        d = v * h + c - y
        loss, penalty = 0.5 * (d**2).sum(), 0.5 * l2 * (w**2 + v**2)
        da = d * v * (a > 0)
        dhat = da * gamma
        dz = s * (dhat - dhat.mean() - hat * (dhat * hat).mean())
        gradients = ((dz * x).sum() + l2 * w, dz.sum(), (da * hat).sum(), da.sum(), (d * h).sum() + l2 * v, d.sum())
        w, b, gamma, beta, v, c = (
            weight - LEARNING_RATE * g for weight, g in zip((w, b, gamma, beta, v, c), gradients, strict=True)
        )
        mean, variance = 0.9 * mean + 0.1 * batch_mean, 0.9 * variance + 0.1 * batch_variance

        def outputs(x, mean=mean, variance=variance, weights=(w, b, gamma, beta, v, c)):
            w, b, gamma, beta, v, c = weights
            hat = (x * w + b - mean) / np.sqrt(variance + 1e-3)
            return v * np.maximum(gamma * hat + beta, 0) + c

        steps.append(
            {
                "loss": loss,
                "penalty": penalty,
                "weights": (w, b, gamma, beta, v, c, mean, variance),
                "outputs": outputs,
            }
        )
    return steps


MEASUREMENTS = (
    Measurement("train_loss", "train", Measured.loss),
    Measurement("test_loss", "test", Measured.loss),
    Measurement("penalty", None, Measured.penalty),
)


class Trainer:
    """A program together with its numbers."""

    def __init__(self, model: MLP, objective: Objective, measurements=MEASUREMENTS, pixel_scale=1.0, **evaluation):
        optimizer = choose_optimizer("sgd", LEARNING_RATE)
        recipe = Recipe(model, objective, optimizer, Evaluation(measurements, **evaluation), pixel_scale=pixel_scale)
        # one of its own, which may be told that rows are few or many
        self.program, self.numbers = Program(program_of(recipe)[0].structure), program_of(recipe)[1]

    def start(self, seed):
        return self.program.start(self.numbers, np.uint32(seed))

    def train(self, state, batches, data):
        return self.program.train(self.numbers, state, batches, data)

    def evaluate(self, recorded, data):
        return self.program.evaluate(self.numbers, recorded, data)


def make_program(*, l2: float = 0.0, **evaluation) -> Trainer:
    return Trainer(MLP(1, (1,), 1, norm=NORM), Objective("half_sum_squares", l2), **evaluation)


def start_of(trainer: Trainer):
    fresh = trainer.start(0)
    params = {
        **fresh.params,
        "dense0": DenseParams(np.array([[0.5]], np.float32), np.array([0.25], np.float32)),
        "dense1": DenseParams(np.array([[2.0]], np.float32), np.array([-1.0], np.float32)),
    }
    return trainer.program.start_from(trainer.numbers, jax.device_put(params), fresh.batch_stats)


def half_square(outputs, targets):
    return 0.5 * np.sum((outputs - targets) ** 2) / len(targets)


@pytest.mark.parametrize("l2", [0.0, L2])
def test_two_steps_by_hand(l2):
    program = make_program(train_rows="batch", l2=l2)
    state, losses, recorded = program.train(start_of(program), BATCHES[:, None], DATA)
    metrics = program.evaluate(recorded, DATA)

    steps = by_hand(BATCHES, l2=l2)
    np.testing.assert_allclose(losses.loss.ravel(), [step["loss"] for step in steps], rtol=1e-5)
    np.testing.assert_allclose(losses.penalty.ravel(), [step["penalty"] for step in steps], rtol=1e-5)
    weights = (
        *(state.params["dense0"].kernel, state.params["dense0"].bias),
        *(state.params["bn0"].gamma, state.params["bn0"].beta),
        *(state.params["dense1"].kernel, state.params["dense1"].bias),
        *(state.batch_stats["bn0"].moving_mean, state.batch_stats["bn0"].moving_variance),
    )
    np.testing.assert_allclose([float(w.ravel()[0]) for w in weights], steps[-1]["weights"], rtol=1e-5)

    on_batch = [half_square(step["outputs"](X[rows]), Y[rows]) for step, rows in zip(steps, BATCHES, strict=True)]
    np.testing.assert_allclose(metrics["train_loss"], on_batch, rtol=1e-5)
    inputs, targets = DATA["test"]
    on_test = [half_square(step["outputs"](inputs), targets) for step in steps]
    np.testing.assert_allclose(metrics["test_loss"], on_test, rtol=1e-5)
    # of the weights after the update
    after = [0.5 * l2 * (step["weights"][0] ** 2 + step["weights"][4] ** 2) for step in steps]
    np.testing.assert_allclose(metrics["penalty"], after, rtol=1e-5)


def test_train_loss_of_the_whole_split():
    program = make_program(train_rows="split")
    _, _, recorded = program.train(start_of(program), BATCHES[:, None], DATA)
    expected = [half_square(step["outputs"](X), Y) for step in by_hand(BATCHES)]
    np.testing.assert_allclose(program.evaluate(recorded, DATA)["train_loss"], expected, rtol=1e-5)


def test_train_loss_by_the_statistics_of_what_it_is_given():
    program = make_program(train_rows="split", train_statistics="batch")
    _, _, recorded = program.train(start_of(program), BATCHES[:, None], DATA)
    metrics = program.evaluate(recorded, DATA)
    for number, step in enumerate(by_hand(BATCHES)):
        w, b = step["weights"][:2]
        z = X.astype(np.float64) * w + b
        expected = half_square(step["outputs"](X, mean=z.mean(), variance=z.var()), Y)
        np.testing.assert_allclose(metrics["train_loss"][number], expected, rtol=1e-5)


def test_a_record_of_several_steps_is_the_last_of_them():
    program = make_program(train_rows="batch")
    start = start_of(program)
    state, losses, recorded = program.train(start, BATCHES[None], DATA)
    _, one_by_one, records = program.train(start, BATCHES[:, None], DATA)
    np.testing.assert_array_equal(losses.loss.ravel(), one_by_one.loss.ravel())
    np.testing.assert_array_equal(recorded.batch, BATCHES[-1:])
    for kept, all_of_them in zip(jax.tree.leaves(recorded), jax.tree.leaves(records), strict=True):
        np.testing.assert_allclose(kept[0], all_of_them[-1], rtol=1e-6)
    np.testing.assert_array_equal(recorded.params["dense0"].kernel[0], state.params["dense0"].kernel)


def test_predictions_are_those_of_inference():
    program = make_program()
    state, _, _ = program.train(start_of(program), BATCHES[:, None], DATA)
    np.testing.assert_allclose(
        program.program.predict(program.numbers, state, X, DATA), by_hand(BATCHES)[-1]["outputs"](X), rtol=1e-5
    )


def test_reported_losses_are_per_row_only_where_the_loss_is_a_sum():
    outputs, targets = jnp.array([[1.0], [3.0]]), jnp.array([[0.0], [1.0]])
    for loss, minimised, reported in (("half_sum_squares", 2.5, 1.25), ("mean_squared_error", 2.5, 2.5)):
        objective = Objective(loss)
        assert objective.of_batch(outputs, targets) == minimised
        assert objective.per_row(outputs, targets) == reported
        assert objective.per_row(outputs.T, targets, axis=0) == reported
    logits, labels = jnp.log(jnp.array([[1.0, 3.0], [1.0, 1.0]])), jnp.array([0, 1])
    np.testing.assert_allclose(Objective("softmax_cross_entropy").per_row(logits, labels), np.log(8) / 2, rtol=1e-6)
    with pytest.raises(ValueError, match=r"^loss: no loss is called 'hinge'$"):
        Objective("hinge").of_batch(outputs, targets)


def test_each_shape_is_compiled_once():
    program = make_program()
    start = start_of(program)
    program.train(start, BATCHES[:, None], DATA)
    seconds = program.program.compile_seconds
    assert seconds > 0
    program.train(start, BATCHES[::-1, None], DATA)
    assert program.program.compile_seconds == seconds
    program.train(start, BATCHES[:1, None], DATA)
    assert program.program.compile_seconds > seconds


def test_pixels_and_floats_of_one_shape_share_no_executable():
    program = make_program()
    pixels = {split: (inputs.astype(np.uint8), targets) for split, (inputs, targets) in DATA.items()}
    found = []
    for data in (DATA, pixels):
        _, losses, recorded = program.train(start_of(program), BATCHES[:, None], data)
        found.append([losses.loss, *program.evaluate(recorded, data).values()])
    for of_floats, of_pixels in zip(*found, strict=True):
        np.testing.assert_allclose(of_pixels, of_floats, rtol=1e-6)  # another program may round in another place


def test_predictions_beside_data_of_other_sizes():
    program = make_program()
    state = start_of(program)
    fewer = {split: (inputs[:2], targets[:2]) for split, (inputs, targets) in DATA.items()}
    one, other = (program.program.predict(program.numbers, state, X, data) for data in (DATA, fewer))
    np.testing.assert_array_equal(one, other)


# Evaluation: different ways to the same numbers.

ROWS = np.linspace(-1, 1, 23 * 20, dtype=np.float32).reshape(23, 20) ** 3
LABELS = (np.arange(23) * 7 % 3).astype(np.int32)


def evaluate(inputs, targets, *, norm: BatchNorm = NORM, **evaluation) -> dict[str, np.ndarray]:
    """Return the metrics of a net of 20 inputs and three classes after four steps, recorded every two."""
    model = MLP(inputs.shape[1], (6,), 3, norm=norm)
    measurements = [
        Measurement(f"{split}_{kind}", split, value)
        for split in ("train", "test")
        for kind, value in (("loss", Measured.loss), ("accuracy", Measured.accuracy))
    ]
    program = Trainer(model, Objective("softmax_cross_entropy"), tuple(measurements), 1 / 255, **evaluation)
    data = {"train": (inputs, targets), "test": (inputs, targets)}
    batches = np.arange(16, dtype=np.int32).reshape(2, 2, 4)
    _, _, recorded = program.train(program.start(0), batches, data)
    return {name: np.asarray(values) for name, values in program.evaluate(recorded, data).items()}


def assert_metrics_agree(got, expected):
    assert got.keys() == expected.keys()
    for name, values in got.items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("size", [1, 7, 22])
def test_rows_are_evaluated_in_chunks_with_a_rest(size, monkeypatch):
    whole = evaluate(ROWS, LABELS)
    monkeypatch.setattr(evaluation_module, "FEW_ROWS", 22)
    monkeypatch.setattr(evaluation_module, "CHUNK_ROWS", size)
    assert_metrics_agree(evaluate(ROWS, LABELS), whole)


def test_what_is_normalised_by_its_own_statistics_is_evaluated_together(monkeypatch):
    norm = dataclasses.replace(NORM, evaluate_with="batch")
    whole = evaluate(ROWS, LABELS, norm=norm)
    monkeypatch.setattr(evaluation_module, "FEW_ROWS", 22)
    monkeypatch.setattr(evaluation_module, "CHUNK_ROWS", 7)
    assert_metrics_agree(evaluate(ROWS, LABELS, norm=norm), whole)
    assert not np.allclose(whole["test_loss"], evaluate(ROWS, LABELS)["test_loss"], rtol=1e-3)


def test_few_inputs_and_many_are_evaluated_alike(monkeypatch):
    few = evaluate(ROWS[:, :16], LABELS)
    monkeypatch.setattr(evaluation_module, "FEW_FEATURES", 15)
    assert_metrics_agree(evaluate(ROWS[:, :16], LABELS), few)


@pytest.mark.parametrize(
    ("norm", "statistics"), [(NORM, None), (dataclasses.replace(NORM, evaluate_with="batch"), None), (NORM, "batch")]
)
def test_a_batch_that_is_among_the_test_rows_is_looked_up_where_rows_stand_alone(norm, statistics):
    options = {"norm": norm, "train_rows": "batch", "train_statistics": statistics}
    assert_metrics_agree(
        evaluate(ROWS[:, :5], LABELS, train_is_test=True, **options), evaluate(ROWS[:, :5], LABELS, **options)
    )


def test_pixels_are_the_floats_they_stand_for():
    pixels = (np.arange(23 * 20) * 37 % 256).astype(np.uint8).reshape(23, 20)
    stored, floats = (evaluate(inputs, LABELS) for inputs in (pixels, pixels * np.float32(1 / 255)))
    for name, values in stored.items():
        np.testing.assert_array_equal(values, floats[name], err_msg=name)
