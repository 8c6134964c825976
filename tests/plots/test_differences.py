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


class TestDifferencesFigure:
    step = np.arange(1, 9)
    baseline = np.random.default_rng(6).random((5, 8))
    arms = {f"rate={i}": np.random.default_rng(i).random((5, 8)) + i for i in range(6)}  # noqa: RUF012

    def figure(self, arms=None, **changes) -> Figure:
        options = {"metric": "test_loss", "unit": UNIT, "lower_is_better": True, "title": "", **changes}
        return plots.differences_figure(self.step, self.baseline, arms or self.arms, "none", **options)

    def test_each_arm_has_a_panel_with_its_mean_interval_pairs_and_zero(self):
        figure = self.figure()
        assert [axes.get_title(loc="left") for axes in figure.axes] == list(self.arms)
        for axes, arm in zip(figure.axes, self.arms.values(), strict=True):
            expected = difference_band(self.baseline, arm)
            np.testing.assert_array_equal(values(line(axes, "mean difference")), expected.center)
            assert band(axes, 0, 3) == pytest.approx((expected.low[2], expected.high[2]))
            np.testing.assert_array_equal([values(pair) for pair in thin(axes)], arm - self.baseline)
            assert [0, 0] in [list(values(drawn)) for drawn in axes.lines]
        assert "difference in test loss (½ Σ d² per point)" in words(figure)
        assert "the arm of the panel minus none, 5 seeds; band: 95 % interval of the mean" in words(figure)
        assert legend(figure) == ["mean difference"]
        draw(figure)

    def test_a_panel_holds_what_follows_the_first_quarter_and_the_figure_says_what_it_leaves_out(self):
        figure = self.figure()
        assert figure.axes[0].get_ylim()[1] < figure.axes[5].get_ylim()[1]
        calm = {"a": self.baseline + 1, "b": self.baseline + 2}
        assert "each panel has its own scale\n" in words(self.figure(calm)) + "\n"
        # A peak before the first quarter, step 2 of 8, is cut off.
        calm["b"][:, 0] += 100
        cut = self.figure(calm)
        # The difference is 2 at the end, and 5 % of it the margin.
        assert cut.axes[1].get_ylim() == (pytest.approx(-0.1), pytest.approx(2.1))
        assert "each panel has its own scale, which may leave out the first quarter of the steps" in words(cut)

    def test_two_arms_share_the_width(self):
        figure = self.figure({"a": self.baseline + 1, "b": self.baseline + 2})
        assert [round(axes.get_position().x0 * 9, 2) for axes in figure.axes] == [0.7, 5.03]
        draw(figure)

    def test_the_figure_says_which_side_favours_whom(self):
        text = words(self.figure())
        assert "above zero: none is better" in text
        assert "below zero: the arm of the panel is better" in text
        text = words(self.figure(metric="test_accuracy", unit="%", lower_is_better=False))
        assert "above zero: the arm of the panel is better" in text
        assert "difference in test accuracy (percentage points)" in text

    def test_one_arm_has_the_figure_of_one_difference(self):
        figure = self.figure({"bn": self.arms["rate=1"]})
        alone = plots.difference_figure(
            self.step,
            self.baseline,
            self.arms["rate=1"],
            ("none", "bn"),
            metric="test_loss",
            unit=UNIT,
            lower_is_better=True,
            title="",
        )
        assert plots.to_bytes(figure) == plots.to_bytes(alone)

    def test_failed_pairs_are_counted_for_each_arm(self):
        failed = self.arms["rate=2"].copy()
        failed[1:3, 5:] = NAN
        figure = self.figure(self.arms | {"rate=2": failed})
        assert "no longer finite: 2 of 5 (rate=2)" in words(figure)
        draw(figure)

    def test_more_arms_than_a_figure_holds_are_refused(self):
        with pytest.raises(ValueError, match=r"^arms: got 41, expected at most 40 in one figure$"):
            self.figure({f"rate={i}": self.baseline for i in range(41)})

    def test_arms_of_other_shapes_are_refused(self):
        with pytest.raises(ValueError, match=r"^b: got shape \(3, 8\), expected that of a, \(5, 8\)$"):
            self.figure(self.arms | {"rate=2": self.baseline[:3]})
