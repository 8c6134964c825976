"""Figures of several arms: one metric over steps, and its final values."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bnlab import plots
from tests.plots.reading import NAN, UNIT, draw, legend, line, noisy, stars, thin, values, words


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

    def test_stated_values_are_stars_at_their_steps(self):
        figure = self.figure(stated={"bn": {10: 5.5, 30: 4.5}})
        for axes in figure.axes:
            assert stars(axes) == [(10, 5.5), (30, 4.5)]
        assert legend(figure)[-1] == "stated by the source (one run)"
        draw(figure)

    def test_a_stated_value_of_no_arm_is_refused(self):
        with pytest.raises(ValueError, match=r"^stated: got 'nb', expected one of none, bn$"):
            self.figure(stated={"nb": {30: 4.5}})

    def test_many_long_names_fit(self):
        arms = {f"a_variant_with_a_rather_long_name_{i}": np.ones((1, 3)) for i in range(7)}
        figure = plots.comparison_figure(self.step, arms, metric="loss", unit="", lower_is_better=True, title="word " * 40)
        draw(figure)
        box = figure.legends[0].get_window_extent()
        assert box.x1 < figure.bbox.x1
        assert box.y0 > figure.axes[0].yaxis.label.get_window_extent().y1
        assert figure.axes[0].get_ylabel() == "loss"

    def test_seven_arms_share_their_panels_and_look_different(self):
        arms = {f"arm {i}": np.full((1, 3), 1.0 + i) for i in range(7)}
        figure = plots.comparison_figure(self.step, arms, metric="loss", unit="", lower_is_better=True, title="")
        assert len(figure.axes) == 2
        for axes in figure.axes:
            assert len({(line.get_color(), line.get_marker()) for line in axes.lines}) == len(axes.lines) == 7


class TestComparisonFigureOfManyArms:
    step = np.array([10, 20, 30])
    arms = {f"rate={i}": np.full((3, 3), 1.0 + i) for i in range(9)}  # noqa: RUF012

    def figure(self, arms=None, **changes) -> Figure:
        options = {"metric": "test_loss", "unit": UNIT, "lower_is_better": True, "title": "", **changes}
        return plots.comparison_figure(self.step, arms or self.arms, **options)

    def test_each_arm_has_a_panel_with_the_baseline_before_all_others(self):
        figure = self.figure()
        assert [axes.get_title(loc="left") for axes in figure.axes] == list(self.arms)
        for index, axes in enumerate(figure.axes):
            np.testing.assert_array_equal(values(line(axes, f"rate={index}")), [1.0 + index] * 3)
            behind, *_ = [drawn for drawn in axes.collections if isinstance(drawn, LineCollection)]
            heights = [segment[0, 1] for segment in behind.get_segments()]
            assert heights == [1.0 + other for other in range(1, 9) if other != index]
            baseline = [drawn for drawn in axes.lines if drawn.get_color() == "black"]
            assert [list(values(drawn)) for drawn in baseline] == ([[1.0, 1, 1]] if index else [])
        assert legend(figure) == ["the arm of the panel", "baseline: rate=0", "all other arms, their medians"]
        assert "median of 3 seeds" in words(figure)
        assert "test loss, log scale (½ Σ d² per point)" in words(figure)
        draw(figure)

    def test_all_panels_have_one_scale_which_the_first_column_shows(self):
        figure = self.figure()
        assert {axes.get_yscale() for axes in figure.axes} == {"log"}
        ((low, high),) = {axes.get_ylim() for axes in figure.axes}
        assert 0 < low < 1
        assert high > 9
        figure.canvas.draw()
        shown = [any(tick.label1.get_visible() for tick in axes.yaxis.get_major_ticks()) for axes in figure.axes]
        assert shown == [True, False, False, False, True, False, False, False, True]
        assert [axes.get_xlabel() for axes in figure.axes] == [""] * 5 + ["step"] * 4

    def test_accuracies_are_linear_and_a_failed_arm_leaves_the_scale_to_the_others(self):
        arms = {label: curve / 20 for label, curve in self.arms.items()}
        figure = self.figure(arms, metric="test_accuracy", unit="%", lower_is_better=False)
        assert {axes.get_yscale() for axes in figure.axes} == {"linear"}
        failed = self.figure(self.arms | {"rate=8": np.full((3, 3), NAN)})
        assert np.isnan(values(line(failed.axes[8], "rate=8"))).all()
        assert 8 < failed.axes[0].get_ylim()[1] == failed.axes[8].get_ylim()[1]
        assert "seeds that stop early, no longer finite: 3 of 3 (rate=8)" in words(failed)
        draw(failed)

    def test_noise_is_averaged_over_and_said_to_be(self):
        arms = {f"rate={i}": noisy(1) + i for i in range(8)}
        figure = plots.comparison_figure(np.arange(400), arms, metric="loss", unit="", lower_is_better=True, title="")
        assert "thick line over a noisy one: its moving average" in words(figure)
        assert "thick" not in words(self.figure())

    def test_stated_values_are_stars_in_their_panel(self):
        figure = self.figure(stated={"rate=2": {30: 4.5}})
        assert [stars(axes) for axes in figure.axes] == [[], [], [(30, 4.5)], [], [], [], [], [], []]
        assert legend(figure)[-1] == "stated by the source (one run)"

    def test_a_stated_value_of_no_arm_is_refused(self):
        with pytest.raises(ValueError, match=r"^stated: got 'nb', expected one of rate=0, .*, rate=8$"):
            self.figure(stated={"nb": {30: 4.5}})

    def test_more_arms_than_a_figure_holds_are_refused(self):
        arms = {f"rate={i}": np.ones((1, 3)) for i in range(plots.MAX_ARMS + 1)}
        message = r"^arms: got 41, expected at most 40 in one figure$"
        with pytest.raises(ValueError, match=message):
            self.figure(arms)
        with pytest.raises(ValueError, match=message):
            plots.finals_figure({label: curve[:, -1] for label, curve in arms.items()}, metric="loss", unit="", title="")
        with pytest.raises(ValueError, match=message):
            plots.decay_figure(self.step, {label: (curve, curve) for label, curve in arms.items()}, title="")


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
        none, bn = self.dots(figure.axes[0])
        (pairs,) = figure.axes[0].collections
        np.testing.assert_array_equal(pairs.get_segments(), np.stack([none.get_xydata(), bn.get_xydata()], axis=1))
        assert "same seed" in legend(figure)

    def test_three_arms_or_unequal_ones_do_not(self):
        for finals in (self.finals | {"more": np.ones(3)}, {"a": np.ones(3), "b": np.ones(2)}):
            figure = self.figure(finals)
            assert "same seed" not in legend(figure)
            assert not figure.axes[0].collections

    def test_many_arms_differ_in_colour_and_long_names_are_wrapped(self):
        finals = {f"an arm whose name is too long for one line of the figure {i}": np.arange(3.0) + i for i in range(20)}
        figure = self.figure(finals)
        assert len({drawn.get_color() for drawn in self.dots(figure.axes[0])}) == 20
        label = figure.axes[0].get_yticklabels()[7]
        assert label.get_text().split("\n")[:2] == ["an arm whose name is too long for one line of", "the figure 7"]
        draw(figure)
        assert label.get_window_extent().x0 > 0

    def test_stated_values_are_stars_in_their_rows(self):
        figure = self.figure(stated={"bn": 0.105519876, "none": 0.23670065})
        (axes,) = figure.axes
        assert stars(axes) == [(0.23670065, 0), (0.105519876, 1)]
        assert axes.get_yticklabels()[1].get_text().endswith("\nstated 0.10552")
        assert legend(figure)[-1] == "stated by the source (one run)"
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
