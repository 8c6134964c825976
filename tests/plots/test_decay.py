"""The figure of a study of weight decay."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from bnlab import plots
from tests.plots.reading import draw, legend, line, values, words


class TestDecayFigure:
    step = np.arange(1, 101)

    def figure(self, seeds: int = 1, step: np.ndarray | None = None) -> Figure:
        arms = {
            label: (np.full((seeds, 100), 0.01 + decay), np.full((seeds, 100), 0.1 + decay))
            for label, decay in (("λ = 0", 0.0), ("λ = 0.1", 0.1))
        }
        arms["λ = 0"][1][:, 0] = 2.3
        return plots.decay_figure(self.step if step is None else step, arms, title="", unit="mean cross-entropy")

    def test_train_is_dashed_test_solid_and_an_arm_has_one_colour(self):
        figure = self.figure()
        left, right = figure.axes
        colors = set()
        for label, train_loss, last in (("λ = 0", 0.01, 0.1), ("λ = 0.1", 0.11, 0.2)):
            train, test = line(left, f"{label}, train"), line(left, f"{label}, test")
            np.testing.assert_array_equal(values(train), np.full(100, train_loss))
            assert values(test)[-1] == values(line(right, f"{label}, test"))[-1] == last
            assert train.is_dashed()
            assert not test.is_dashed()
            assert train.get_color() == test.get_color() == line(right, f"{label}, test").get_color()
            assert train.get_marker() == ""
            assert test.get_marker() in ("o", "s")
            colors.add(train.get_color())
        assert len(colors) == 2
        assert len(right.lines) == 2
        assert (left.get_yscale(), right.get_yscale()) == ("log", "linear")
        assert left.get_xscale() == right.get_xscale() == "log"
        assert left.get_ylabel() == "loss, log scale (mean cross-entropy)"
        assert right.get_ylabel() == "test loss (mean cross-entropy)"
        assert legend(figure) == ["λ = 0", "λ = 0.1", "test", "train"]
        assert [entry.get_marker() for entry in figure.legends[0].get_lines()] == ["o", "s", "None", "None"]
        draw(figure)

    def test_a_start_that_dwarfs_the_rest_is_cut_off_and_said_to_be(self):
        figure = self.figure()
        assert figure.axes[1].get_ylim() == (0, pytest.approx(0.3))
        assert "right: the first steps and single spikes lie above the panel" in words(figure)

    def test_steps_from_zero_are_on_a_linear_axis(self):
        assert self.figure(step=self.step - 1).axes[0].get_xscale() == "linear"

    def test_seeds_are_bands(self):
        figure = self.figure(seeds=10)
        assert [len(axes.collections) for axes in figure.axes] == [4, 2]
        draw(figure)

    def test_many_strengths_have_a_panel_each(self):
        arms = {f"λ = {i}": (np.full((3, 100), 0.01 + i), np.full((3, 100), 0.1 + i)) for i in range(9)}
        figure = plots.decay_figure(self.step, arms, title="", unit="mean cross-entropy")
        assert [axes.get_title(loc="left") for axes in figure.axes] == list(arms)
        for index, axes in enumerate(figure.axes):
            assert values(line(axes, "train"))[0] == 0.01 + index
            assert values(line(axes, "test"))[0] == 0.1 + index
            assert line(axes, "train").is_dashed()
            assert not line(axes, "test").is_dashed()
            assert axes.get_xscale() == axes.get_yscale() == "log"
        assert len({axes.get_ylim() for axes in figure.axes}) == 1
        assert legend(figure) == ["train", "test", "test loss of all other arms, their medians"]
        assert "loss, log scale (mean cross-entropy)" in words(figure)
        draw(figure)

    def test_training_losses_learnt_by_heart_lie_below_the_panels(self):
        arms = {f"λ = {i}": (np.full((1, 100), 1e-9), np.full((1, 100), 0.1 + i)) for i in range(9)}
        figure = plots.decay_figure(self.step, arms, title="")
        assert [axes.get_ylim()[0] for axes in figure.axes] == pytest.approx([1e-4] * 9)
        assert "lower training losses lie below the panels" in words(figure)
