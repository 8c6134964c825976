"""What is in the figures: lines, bands, scales and words, read back from matplotlib's own objects."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bnlab import plots
from bnlab.statistics import difference_band, ema

NAN = np.nan
UNIT = "½ Σ d² per point"


def draw(figure: Figure) -> None:
    """Draw everything: warnings are errors here."""
    figure.savefig("/dev/null", format="png")


def line(axes: Axes, label: str) -> Line2D:
    (found,) = [line for line in axes.lines if line.get_label() == label]
    return found


def values(line: Line2D) -> np.ndarray:
    return np.asarray(line.get_ydata())


def thin(axes: Axes) -> list[Line2D]:
    return [line for line in axes.lines if line.get_linewidth() == 0.6]


def band(axes: Axes, index: int, x: float) -> tuple[float, float]:
    """Return the lowest and the highest value at x of the panel's band of this number."""
    vertices = axes.collections[index].get_paths()[0].vertices
    at = np.asarray(vertices)[np.asarray(vertices)[:, 0] == x, 1]
    return at.min(), at.max()


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.texts)


def stars(axes: Axes) -> list[tuple[float, float]]:
    return [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "*"]


def noisy(seeds: int, records: int = 400) -> np.ndarray:
    return 2 + np.random.default_rng(0).random((seeds, records))


def test_neither_pyplot_nor_scipy_is_imported():
    code = (
        "import sys, io, numpy as np; from bnlab import plots\n"
        "figure = plots.loss_figure(np.arange(9), {'test': np.ones((3, 9))}, title='', unit='')\n"
        "figure.savefig(io.BytesIO())\n"
        "sys.exit('matplotlib.pyplot' in sys.modules or 'scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestLossFigure:
    def test_one_seed_is_drawn_as_it_is_in_a_linear_and_a_log_panel(self):
        step, train, test = np.arange(1, 4), np.array([[9.0, 3, 1]]), np.array([[8.0, 4, 2]])
        figure = plots.loss_figure(step, {"train": train, "test": test}, title="A run", unit=UNIT)
        linear, log = figure.axes
        for axes in (linear, log):
            assert len(axes.lines) == 2
            np.testing.assert_array_equal(values(line(axes, "train")), train[0])
            np.testing.assert_array_equal(values(line(axes, "test")), test[0])
            np.testing.assert_array_equal(line(axes, "test").get_xdata(), step)
            assert not axes.collections
        assert (linear.get_yscale(), log.get_yscale()) == ("linear", "log")
        assert linear.get_ylabel() == "loss (½ Σ d² per point)"
        assert log.get_ylabel() == "loss, log scale (½ Σ d² per point)"
        assert (linear.get_xlabel(), log.get_xlabel()) == ("step", "step")
        assert linear.get_ylim()[0] == 0
        assert legend(figure) == ["train", "test"]
        assert words(figure).strip() == "A run"
        draw(figure)

    def test_several_seeds_are_a_median_with_a_band_and_thin_lines(self):
        # At both records 0, 1, 2, 3, 4: quantiles 0.4, 2 and 3.6.
        curves = np.stack([np.arange(5.0), np.arange(5.0)[::-1]], axis=1)
        figure = plots.loss_figure(np.array([10, 20]), {"test": curves}, title="", unit=UNIT)
        for axes in figure.axes:
            np.testing.assert_array_equal(values(line(axes, "test")), [2, 2])
            assert [list(values(seed)) for seed in thin(axes)] == curves.tolist()
            assert len(axes.collections) == 1
            assert band(axes, 0, 10) == pytest.approx((0.4, 3.6))
            assert band(axes, 0, 20) == pytest.approx((0.4, 3.6))
        assert "median of 5 seeds; band: 10 % to 90 % of them; thin lines: single seeds" in words(figure)
        draw(figure)

    def test_many_seeds_are_a_median_and_a_band_only(self):
        curves = np.random.default_rng(0).random((100, 30))
        figure = plots.loss_figure(np.arange(30), {"train": curves, "test": curves + 1}, title="", unit=UNIT)
        for axes in figure.axes:
            assert len(axes.lines) == len(axes.collections) == 2
            np.testing.assert_allclose(values(line(axes, "train")), np.median(curves, axis=0))
            assert band(axes, 1, 7) == pytest.approx(tuple(np.quantile(curves[:, 7] + 1, [0.1, 0.9])))
        assert "median of 100 seeds" in words(figure)
        assert "thin" not in words(figure)

    def test_a_long_noisy_curve_keeps_its_raw_line_under_a_moving_average(self):
        curve, smooth = noisy(1), np.full((1, 400), 2.0)
        figure = plots.loss_figure(np.arange(400), {"train": curve, "test": smooth}, title="", unit=UNIT)
        for axes in figure.axes:
            raw, average = line(axes, "train"), line(axes, "train, moving average (EMA 0.75)")
            np.testing.assert_array_equal(values(raw), curve[0])
            np.testing.assert_array_equal(values(average), ema(curve[0], 0.75))
            assert raw.get_linewidth() < average.get_linewidth()
            assert len(axes.lines) == 3
        assert legend(figure) == ["train", "train, moving average (EMA 0.75)", "test"]
        draw(figure)

    def test_a_short_noisy_curve_has_no_moving_average(self):
        figure = plots.loss_figure(np.arange(199), {"train": noisy(1, 199)}, title="", unit=UNIT)
        assert legend(figure) == ["train"]

    @pytest.mark.parametrize(("records", "marked"), [(1, 1), (40, 1), (41, 8)])
    def test_few_records_have_a_marker_each_and_many_have_eight(self, records, marked):
        figure = plots.loss_figure(np.arange(records), {"test": np.ones((1, records))}, title="", unit=UNIT)
        curve = line(figure.axes[0], "test")
        assert curve.get_marker() == "o"
        every = curve.get_markevery()
        assert (every if records <= 40 else len(every)) == marked
        draw(figure)

    def test_a_failed_seed_ends_and_is_counted(self):
        curves = np.array([[4.0, 3, 2, 1], [4, 9, NAN, NAN], [4, 3, 2, np.inf]])
        figure = plots.loss_figure(np.arange(4), {"test": curves}, title="", unit=UNIT)
        linear = figure.axes[0]
        drawn = [values(seed) for seed in thin(linear)]
        np.testing.assert_array_equal(drawn[1], [4, 9, NAN, NAN])
        np.testing.assert_array_equal(drawn[2], [4, 3, 2, NAN])
        np.testing.assert_array_equal(values(line(linear, "test")), [4, 3, 2, 1])
        assert "seeds that stop early, no longer finite: 2 of 3 (test)" in words(figure)
        assert linear.get_xlim()[1] > 3
        draw(figure)

    def test_a_seed_that_fails_after_its_first_record_is_a_dot(self):
        curves = np.ones((2, 100))
        curves[1, 1:] = NAN
        figure = plots.loss_figure(np.arange(100), {"test": curves}, title="", unit=UNIT)
        assert [seed.get_marker() for seed in thin(figure.axes[0])] == ["", "."]

    @pytest.mark.parametrize("seeds", [1, 3])
    @pytest.mark.parametrize("loss", [[0.0, 0], [NAN, NAN], [-1, 0], [np.inf, NAN], []])
    def test_nothing_above_zero_is_said_on_the_log_panel(self, seeds, loss):
        curves = np.tile(np.array(loss, dtype=float), (seeds, 1))
        figure = plots.loss_figure(np.arange(len(loss)), {"test": curves}, title="", unit=UNIT)
        log = figure.axes[1]
        assert log.get_yscale() == "log"
        assert [text.get_text() for text in log.texts] == ["no value above zero"]
        draw(figure)

    @pytest.mark.parametrize("loss", [[3.0, 0.1, 0], [1, 1e20, 3e38], [2.2001, 2.2002, 2.2003]])
    def test_zeros_and_extremes_are_drawn_without_a_warning(self, loss):
        figure = plots.loss_figure(np.arange(3), {"test": np.array([loss, loss])}, title="", unit=UNIT)
        assert not figure.axes[1].texts
        np.testing.assert_array_equal(values(line(figure.axes[1], "test")), loss)
        draw(figure)


def tick_words(axes: Axes) -> list[str]:
    axes.figure.canvas.draw()
    return [text.get_text() for text in axes.get_yticklabels()]


class TestAccuracyFigure:
    def test_fractions_are_drawn_on_one_axis_in_percent_that_ends_near_100(self):
        curve = np.array([[0.8, 0.9, 1.0]])
        figure = plots.accuracy_figure(np.arange(3), {"test": curve}, title="")
        (axes,) = figure.axes
        np.testing.assert_array_equal(values(line(axes, "test")), curve[0])
        assert axes.get_yscale() == "linear"
        assert axes.get_ylabel() == "accuracy (%)"
        low, high = axes.get_ylim()
        assert 0.75 < low < 0.8
        assert 1 < high < 1.01
        assert "90" in tick_words(axes)


class TestFitFigure:
    x = np.linspace(-2, 2, 300)
    coarse_x = np.linspace(-2, 2, 10)
    coarse = "prediction on the coarse grid (10 points)"

    def figure(self, seeds: int) -> Figure:
        predictions = self.x + np.arange(seeds)[:, None]
        return plots.fit_figure(
            self.x,
            self.x**2,
            predictions,
            self.coarse_x,
            self.coarse_x + 10 * np.arange(seeds)[:, None],
            title="Fit",
        )

    def test_one_seed_is_dots_over_the_target(self):
        figure = self.figure(1)
        (axes,) = figure.axes
        np.testing.assert_array_equal(values(line(axes, "target")), self.x**2)
        fit, coarse = line(axes, "fit at 300 points"), line(axes, self.coarse)
        np.testing.assert_array_equal(values(fit), self.x)
        assert (fit.get_marker(), fit.get_linestyle()) == (".", "None")
        np.testing.assert_array_equal(coarse.get_xdata(), self.coarse_x)
        np.testing.assert_array_equal(values(coarse), self.coarse_x)
        assert (coarse.get_marker(), coarse.get_linestyle()) == ("s", "None")
        assert not axes.collections
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "y")
        draw(figure)

    def test_several_seeds_are_a_median_and_bands(self):
        # Offsets 0 to 10: quantiles 1, 5 and 9.
        figure = self.figure(11)
        (axes,) = figure.axes
        np.testing.assert_allclose(values(line(axes, "fit at 300 points")), self.x + 5)
        assert band(axes, 0, self.x[7]) == pytest.approx((self.x[7] + 1, self.x[7] + 9))
        np.testing.assert_allclose(values(line(axes, self.coarse)), self.coarse_x + 50)
        bars = np.array([path.vertices[:, 1] for path in axes.collections[1].get_paths()])
        np.testing.assert_allclose(bars, np.stack([self.coarse_x + 10, self.coarse_x + 90], axis=1))
        assert not thin(axes)
        draw(figure)

    def test_a_failed_seed_leaves_the_target(self):
        figure = plots.fit_figure(self.x, self.x, np.full((1, 300), NAN), self.coarse_x, np.full((1, 10), NAN), title="")
        assert "no longer finite: 1 of 1 (fit)" in words(figure)
        draw(figure)


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
            assert train.get_marker() == test.get_marker()
            colors.add(train.get_color())
        assert len(colors) == 2
        assert len(right.lines) == 2
        assert (left.get_yscale(), right.get_yscale()) == ("log", "linear")
        assert left.get_xscale() == right.get_xscale() == "log"
        assert left.get_ylabel() == "loss, log scale (mean cross-entropy)"
        assert right.get_ylabel() == "test loss (mean cross-entropy)"
        assert legend(figure) == ["λ = 0", "λ = 0.1", "test", "train"]
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


class TestSave:
    def figure(self) -> Figure:
        return plots.loss_figure(np.arange(9), {"test": np.ones((3, 9))}, title="λ", unit=UNIT)

    def test_one_file_for_each_format_and_none_besides(self, tmp_path: Path):
        paths = plots.save(self.figure(), tmp_path / "new" / "run.v1", ("png", "svg"))
        assert paths == [tmp_path / "new" / "run.v1.png", tmp_path / "new" / "run.v1.svg"]
        assert sorted((tmp_path / "new").iterdir()) == paths
        assert paths[0].read_bytes().startswith(b"\x89PNG\r\n")
        assert paths[1].read_bytes().startswith(b"<?xml")

    def test_a_path_with_a_suffix_is_that_file(self, tmp_path: Path):
        assert plots.save(self.figure(), tmp_path / "loss.svg") == [tmp_path / "loss.svg"]
        assert plots.save(self.figure(), tmp_path / "loss.png") == [tmp_path / "loss.png"]

    def test_the_same_bytes_each_time_and_for_each_equal_figure(self, tmp_path: Path):
        figure, formats = self.figure(), ("png", "svg")
        first = plots.save(figure, tmp_path / "first", formats)
        for again in (
            plots.save(figure, tmp_path / "second", formats),
            plots.save(self.figure(), tmp_path / "third", formats),
        ):
            assert [path.read_bytes() for path in again] == [path.read_bytes() for path in first]
        png, svg = (path.read_bytes() for path in first)
        assert b"matplotlib" not in png.lower()
        assert b"<dc:date>" not in svg
        assert b"Matplotlib v" not in svg

    def test_a_failed_write_leaves_the_old_file_alone_and_no_temporary_one(self, tmp_path: Path, monkeypatch):
        (path,) = plots.save(self.figure(), tmp_path / "loss")
        before = path.read_bytes()

        def fail(self: Path, target: Path) -> None:
            raise OSError("disk full")

        monkeypatch.setattr(Path, "replace", fail)
        other = plots.accuracy_figure(np.arange(2), {"test": np.ones((1, 2))}, title="")
        with pytest.raises(OSError, match=r"^disk full$"):
            plots.save(other, tmp_path / "loss")
        assert list(tmp_path.iterdir()) == [path]
        assert path.read_bytes() == before
