"""Figures of several arms: one metric over steps, and its final values."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bnlab import plots
from tests.plots.reading import NAN, UNIT, draw, legend, line, stars, thin, values, words


class TestComparisonFigure:
    step = np.array([10, 20, 30])
    arms = {"none": np.array([[3.0, 2, 1]] * 2), "bn": np.array([[6.0, 5, 4]] * 3)}  # noqa: RUF012

    def figure(self, **changes) -> Figure:
        options = {"metric": "test_loss", "unit": UNIT, "lower_is_better": True, "title": "", **changes}
        return plots.comparison_figure(self.step, self.arms, **options)

    def test_arms_differ_in_colour_dashes_and_marker(self):
        figure = self.figure()
        assert [axes.get_yscale() for axes in figure.axes] == ["linear", "log"]
        for axes in figure.axes:
            none, bn = line(axes, "none"), line(axes, "bn")
            np.testing.assert_array_equal(values(none), [3, 2, 1])
            np.testing.assert_array_equal(values(bn), [6, 5, 4])
            assert none.get_color() != bn.get_color()
            assert none.get_marker() != bn.get_marker()
            assert none.is_dashed() != bn.is_dashed()
            assert len(thin(axes)) == 5
            assert len(axes.collections) == 2
        assert figure.axes[0].get_ylabel() == "test loss (½ Σ d² per point)"
        assert "median of 2 to 3 seeds" in words(figure)

    def test_where_higher_is_better_there_is_no_log_panel(self):
        figure = self.figure(metric="test_accuracy", unit="%", lower_is_better=False)
        (axes,) = figure.axes
        assert axes.get_yscale() == "linear"
        assert axes.get_ylabel() == "test accuracy (%)"

    def test_stated_values_are_stars_at_the_last_step(self):
        figure = self.figure(stated={"bn": 4.5})
        for axes in figure.axes:
            assert stars(axes) == [(30, 4.5)]
        assert legend(figure)[-1] == "stated by the article (one run)"
        draw(figure)

    def test_a_stated_value_of_no_arm_is_refused(self):
        with pytest.raises(ValueError, match=r"^stated: got 'nb', expected one of none, bn$"):
            self.figure(stated={"nb": 4.5})

    def test_more_arms_than_looks_and_long_names_fit(self):
        arms = {f"a_variant_with_a_rather_long_name_{i}": np.ones((1, 3)) for i in range(9)}
        figure = plots.comparison_figure(self.step, arms, metric="loss", unit="", lower_is_better=True, title="word " * 40)
        draw(figure)
        box = figure.legends[0].get_window_extent()
        assert box.x1 < figure.bbox.x1
        assert box.y0 > figure.axes[0].yaxis.label.get_window_extent().y1
        assert figure.axes[0].get_ylabel() == "loss"


class TestFinalsFigure:
    finals = {"none": np.array([0.2, 0.3, 0.4]), "bn": np.array([0.1, 0.1, 0.4])}  # noqa: RUF012

    def figure(self, finals=None, **changes) -> Figure:
        options = {"metric": "test_loss", "unit": "mean cross-entropy", "title": "", **changes}
        return plots.finals_figure(finals or self.finals, **options)

    def dots(self, axes: Axes) -> list[Line2D]:
        return [drawn for drawn in axes.lines if drawn.get_marker() == "."]

    def test_dots_mean_median_and_numbers(self):
        figure = self.figure()
        (axes,) = figure.axes
        none, bn = self.dots(axes)
        np.testing.assert_array_equal(none.get_xdata(), self.finals["none"])
        np.testing.assert_array_equal(bn.get_xdata(), self.finals["bn"])
        assert (np.abs(values(none)) < 0.3).all()
        assert (np.abs(values(bn) - 1) < 0.3).all()
        means = [drawn.get_xdata()[0] for drawn in axes.lines if drawn.get_marker() == "D"]
        assert means == pytest.approx([0.3, 0.2])
        medians = [drawn.get_xdata()[0] for drawn in axes.lines if drawn.get_color() == "black"]
        assert medians == pytest.approx([0.3, 0.1])
        assert axes.get_xlabel() == "final test loss (mean cross-entropy)"
        # bn: squares 0.01, 0.01 and 0.04, over 2: 0.03, and its root 0.173.
        assert [text.get_text() for text in axes.get_yticklabels()] == [
            "none\nmean 0.30 ± 0.10, n = 3",
            "bn\nmean 0.20 ± 0.17, n = 3",
        ]
        draw(figure)

    def test_two_arms_have_their_pairs_joined(self):
        figure = self.figure()
        pairs = [list(drawn.get_xdata()) for drawn in figure.axes[0].lines if drawn.get_linewidth() == 0.5]
        assert pairs == [[0.2, 0.1], [0.3, 0.1], [0.4, 0.4]]
        assert "same seed" in legend(figure)

    def test_three_arms_or_unequal_ones_do_not(self):
        for finals in (self.finals | {"more": np.ones(3)}, {"a": np.ones(3), "b": np.ones(2)}):
            figure = self.figure(finals)
            assert "same seed" not in legend(figure)
            assert not [drawn for drawn in figure.axes[0].lines if drawn.get_linewidth() == 0.5]

    def test_stated_values_are_stars_in_their_rows(self):
        figure = self.figure(stated={"bn": 0.105519876, "none": 0.23670065})
        (axes,) = figure.axes
        assert stars(axes) == [(0.23670065, 0), (0.105519876, 1)]
        assert axes.get_yticklabels()[1].get_text().endswith("\nstated 0.10552")
        assert legend(figure)[-1] == "stated by the article (one run)"
        draw(figure)

    def test_a_stated_value_of_no_arm_is_refused(self):
        with pytest.raises(ValueError, match=r"^stated: got 'x', expected one of none, bn$"):
            self.figure(stated={"x": 1.0})

    def test_accuracies_are_in_percent(self):
        figure = self.figure({"bn": np.array([0.97, 0.98])}, unit="%", stated={"bn": 0.9713})
        label = figure.axes[0].get_yticklabels()[0].get_text()
        assert label == "bn\nmean 97.50 ± 0.71 %, n = 2\nstated 97.13 %"

    def test_failed_seeds_are_counted_and_one_value_has_no_mean(self):
        figure = self.figure({"a": np.array([0.5, NAN, np.inf]), "b": np.array([NAN, NAN, NAN])})
        (axes,) = figure.axes
        assert [text.get_text() for text in axes.get_yticklabels()] == [
            "a\nmean 0.5000\n2 seeds failed",
            "b\n3 seeds failed",
        ]
        assert not [drawn for drawn in axes.lines if drawn.get_marker() == "D"]
        draw(figure)
