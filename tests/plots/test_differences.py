"""Paired differences over steps, of one arm and of many."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from bnlab import plots
from bnlab.statistics import difference_band
from tests.plots.reading import NAN, UNIT, band, draw, legend, line, noisy, thin, tick_words, values, words


class TestDifferenceFigure:
    step = np.arange(1, 9)
    a = np.random.default_rng(0).random((5, 8))
    b = np.random.default_rng(1).random((5, 8)) + 1

    def figure(self, seeds: int = 5, **changes) -> Figure:
        options = {"metric": "test_loss", "unit": UNIT, "lower_is_better": True, "title": "", **changes}
        return plots.difference_figure(self.step, self.a[:seeds], self.b[:seeds], ("none", "bn"), **options)

    def test_mean_interval_pairs_and_zero(self):
        figure = self.figure()
        expected = difference_band(self.a, self.b)
        for axes in figure.axes:
            np.testing.assert_array_equal(values(line(axes, "mean difference")), expected.center)
            assert band(axes, 0, 3) == pytest.approx((expected.low[2], expected.high[2]))
            np.testing.assert_array_equal([values(pair) for pair in thin(axes)], self.b - self.a)
            assert [0, 0] in [list(values(drawn)) for drawn in axes.lines]
            assert axes.get_ylabel() == "difference in test loss (½ Σ d² per point)"
        assert "bn minus none, 5 seeds; band: 95 % interval of the mean" in words(figure)
        draw(figure)

    def test_the_second_panel_begins_after_a_quarter_and_holds_all_that_follows(self):
        everything, late = self.figure().axes
        assert everything.get_xlim()[0] < 1
        assert 1 < late.get_xlim()[0] < 2
        low, high = late.get_ylim()
        assert low < 0 < high
        assert low < (self.b - self.a)[:, 1:].min()
        assert high > (self.b - self.a)[:, 1:].max()

    def test_the_figure_says_which_side_favours_whom(self):
        text = words(self.figure())
        assert "above zero: none is better" in text
        assert "below zero: bn is better" in text
        text = words(self.figure(metric="test_accuracy", unit="%", lower_is_better=False))
        assert "above zero: bn is better" in text
        assert "below zero: none is better" in text

    def test_accuracies_differ_by_percentage_points(self):
        figure = self.figure(metric="test_accuracy", unit="%", lower_is_better=False)
        assert figure.axes[0].get_ylabel() == "difference in test accuracy (percentage points)"
        assert "100" in tick_words(figure.axes[0])

    def test_one_seed_has_no_interval(self):
        figure = self.figure(seeds=1)
        np.testing.assert_array_equal(values(line(figure.axes[0], "difference")), (self.b - self.a)[0])
        assert not figure.axes[0].collections
        assert "interval" not in words(figure)
        draw(figure)

    def test_noise_of_the_arms_is_averaged_over_and_a_smooth_difference_near_zero_is_not(self):
        step, options = np.arange(400), {"metric": "loss", "unit": "", "lower_is_better": True, "title": ""}
        labels = ("a", "b")
        noise = plots.difference_figure(step, noisy(3), noisy(3)[::-1], labels, **options)
        assert legend(noise) == ["mean difference", "mean difference, moving average (EMA 0.75)"]
        flat = np.full((3, 400), 2.0)
        tiny = plots.difference_figure(step, flat, flat + 1e-6 * noisy(3), labels, **options)
        assert legend(tiny) == ["mean difference"]

    def test_failed_pairs_are_counted(self):
        b = self.b.copy()
        b[2, 5:] = NAN
        figure = plots.difference_figure(
            self.step, self.a, b, ("none", "bn"), metric="loss", unit="", lower_is_better=True, title=""
        )
        assert "no longer finite: 1 of 5 (pairs)" in words(figure)
        draw(figure)
