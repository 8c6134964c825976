"""Lengths in epochs: what they are in steps, what a config keeps of them, and the axis of the figures."""

from pathlib import Path

import numpy as np
import pytest

from bnlab import experiment, plots
from bnlab.config import Config, computed_fields, load_config
from bnlab.errors import UserError
from bnlab.runs import identity, same_computation


def digits(*overrides: str) -> Config:
    return load_config("digits", overrides=overrides)


@pytest.mark.parametrize(
    ("batch_size", "epochs", "steps", "every"),
    [
        (32, 10, 406, 41),  # 1,297 rows in batches of 32 are 40.53 steps
        (32, 1, 41, 41),
        (32, 0.5, 21, 41),
        (1297, 3, 3, 1),
        (1, 2, 2594, 1297),
    ],
)
def test_epochs_are_steps(batch_size, epochs, steps, every):
    config = digits(f"batch_size={batch_size}", f"num_epochs={epochs}", "record_every=epoch")
    assert (config.num_steps, config.record_every) == (steps, every)
    assert config.steps_per_epoch == 1297 / batch_size
    in_steps = digits(f"batch_size={batch_size}", f"num_steps={steps}", f"record_every={every}")
    assert in_steps.steps_per_epoch is None
    assert same_computation(config, in_steps)
    assert identity(config) == identity(in_steps)


def test_the_number_of_epochs_is_the_decimal_that_was_written():
    # As floats, 0.07 · 300 / 3 is 7.000000000000001.
    assert load_config("regression", overrides=["batch_size=3", "num_epochs=0.07"]).num_steps == 7


def test_a_config_keeps_the_epochs_that_were_given(tmp_path):
    config = digits("num_epochs=3", "record_every=epoch")
    text = config.to_yaml()
    assert "num_epochs: 3" in text
    assert "num_steps" not in text
    (tmp_path / "again.yaml").write_text(text, encoding="utf-8")
    assert load_config(tmp_path / "again.yaml") == config
    halved = load_config(tmp_path / "again.yaml", overrides=["batch_size=16"])
    assert (config.num_steps, halved.num_steps) == (122, 244)
    assert config.description.endswith(". Changed: num_epochs=3, record_every=41")


def own_config(folder: Path, line: str) -> Path:
    """Return a small config file with this line, which says how long it trains."""
    fields = ["name: own", "data: {name: digits}", "model: {hidden: [4]}", "loss: softmax_cross_entropy"]
    path = folder / "own.yaml"
    path.write_text("\n".join([*fields, "optimizer: {name: sgd}", "batch_size: 5", line]), encoding="utf-8")
    return path


def test_an_override_displaces_the_other_of_the_two(tmp_path):
    in_epochs = digits("num_epochs=3")
    assert (in_epochs.num_epochs, in_epochs.num_steps) == (3, 122)
    path = own_config(tmp_path, "num_epochs: 3")
    back = load_config(path, overrides=["num_steps=7"])
    assert (load_config(path).num_epochs, back.num_epochs, back.num_steps) == (3, None, 7)
    assert in_epochs.with_steps(5, record_every=2).num_epochs is None
    assert computed_fields(in_epochs)["num_steps"] is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("num_steps: 5\nnum_epochs: 2", "num_steps: got 5 beside num_epochs 2, expected one of the two"),
        ("", "num_steps: is missing"),
        ("num_epochs: 0", "num_epochs: got 0, expected greater than 0"),
        ("num_epochs: 2\nrecord_every: epochs", "record_every: got 'epochs', expected a number of steps or epoch"),
    ],
)
def test_what_is_refused(tmp_path, line, message):
    path = own_config(tmp_path, line)
    with pytest.raises(UserError) as caught:
        load_config(path)
    assert str(caught.value) == f"{path}: {message}"


def test_the_figures_of_a_run_count_epochs(tmp_path, monkeypatch):
    drawn: dict[str, np.ndarray] = {}
    draw = plots.metric_figure

    def keep(step, curves, **options):
        drawn[options["over"]] = step
        return draw(step, curves, **options)

    monkeypatch.setattr(plots, "metric_figure", keep)
    experiment.train(digits("num_epochs=2", "record_every=epoch", "model.hidden=[2]"), out=tmp_path / "run")
    # Step 41 is after 41 · 32 / 1,297 epochs; the last one, 82, completes the second.
    assert list(drawn) == ["epoch"]
    np.testing.assert_allclose(drawn["epoch"], [41 * 32 / 1297, 82 * 32 / 1297])


def test_an_axis_of_epochs():
    step = np.arange(1, 9) / 4
    figure = plots.metric_figure(step, {"test": np.ones((1, 8))}, title="", quantity="loss", unit="", log=False, over="epoch")
    (axes,) = figure.axes
    figure.canvas.draw()
    assert axes.get_xlabel() == "epoch"
    ticks = [text.get_text() for text in axes.get_xticklabels()]
    assert {"0.5", "1", "1.5", "2"} <= set(ticks)
