"""Figures of one run: lines, bands, scales and words."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from bnlab import plots
from bnlab.statistics import ema
from tests.plots.reading import NAN, UNIT, band, draw, legend, line, noisy, thin, tick_words, values, words


def test_neither_pyplot_nor_scipy_is_imported():
    code = (
        "import sys, io, numpy as np; from bnlab import plots\n"
        "curves = {'test': np.ones((3, 9))}\n"
        "figure = plots.metric_figure(np.arange(9), curves, title='', unit='', quantity='loss', log=True)\n"
        "figure.savefig(io.BytesIO())\n"
        "sys.exit('matplotlib.pyplot' in sys.modules or 'scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestLossFigure:
    def test_one_seed_is_drawn_as_it_is_in_a_linear_and_a_log_panel(self):
        step, train, test = np.arange(1, 4), np.array([[9.0, 3, 1]]), np.array([[8.0, 4, 2]])
        figure = plots.metric_figure(
            step, {"train": train, "test": test}, title="A run", unit=UNIT, quantity="loss", log=True
        )
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
        figure = plots.metric_figure(np.array([10, 20]), {"test": curves}, title="", unit=UNIT, quantity="loss", log=True)
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
        figure = plots.metric_figure(
            np.arange(30), {"train": curves, "test": curves + 1}, title="", unit=UNIT, quantity="loss", log=True
        )
        for axes in figure.axes:
            assert len(axes.lines) == len(axes.collections) == 2
            np.testing.assert_allclose(values(line(axes, "train")), np.median(curves, axis=0))
            assert band(axes, 1, 7) == pytest.approx(tuple(np.quantile(curves[:, 7] + 1, [0.1, 0.9])))
        assert "median of 100 seeds" in words(figure)
        assert "thin" not in words(figure)

    def test_a_long_noisy_curve_keeps_its_raw_line_under_a_moving_average(self):
        curve, smooth = noisy(1), np.full((1, 400), 2.0)
        figure = plots.metric_figure(
            np.arange(400), {"train": curve, "test": smooth}, title="", unit=UNIT, quantity="loss", log=True
        )
        for axes in figure.axes:
            raw, average = line(axes, "train"), line(axes, "train, moving average (EMA 0.75)")
            np.testing.assert_array_equal(values(raw), curve[0])
            np.testing.assert_array_equal(values(average), ema(curve[0], 0.75))
            assert raw.get_linewidth() < average.get_linewidth()
            assert len(axes.lines) == 3
        assert legend(figure) == ["train", "train, moving average (EMA 0.75)", "test"]
        draw(figure)

    def test_a_short_noisy_curve_has_no_moving_average(self):
        figure = plots.metric_figure(np.arange(199), {"train": noisy(1, 199)}, title="", unit=UNIT, quantity="loss", log=True)
        assert legend(figure) == ["train"]

    @pytest.mark.parametrize(("records", "marked"), [(1, 1), (40, 1), (41, 8)])
    def test_few_records_have_a_marker_each_and_many_have_eight(self, records, marked):
        figure = plots.metric_figure(
            np.arange(records), {"test": np.ones((1, records))}, title="", unit=UNIT, quantity="loss", log=True
        )
        curve = line(figure.axes[0], "test")
        assert curve.get_marker() == "o"
        every = curve.get_markevery()
        assert (every if records <= 40 else len(every)) == marked
        draw(figure)

    def test_a_failed_seed_ends_and_is_counted(self):
        curves = np.array([[4.0, 3, 2, 1], [4, 9, NAN, NAN], [4, 3, 2, np.inf]])
        figure = plots.metric_figure(np.arange(4), {"test": curves}, title="", unit=UNIT, quantity="loss", log=True)
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
        figure = plots.metric_figure(np.arange(100), {"test": curves}, title="", unit=UNIT, quantity="loss", log=True)
        assert [seed.get_marker() for seed in thin(figure.axes[0])] == ["", "."]

    @pytest.mark.parametrize("seeds", [1, 3])
    @pytest.mark.parametrize("loss", [[0.0, 0], [NAN, NAN], [-1, 0], [np.inf, NAN], []])
    def test_nothing_above_zero_is_said_on_the_log_panel(self, seeds, loss):
        curves = np.tile(np.array(loss, dtype=float), (seeds, 1))
        figure = plots.metric_figure(np.arange(len(loss)), {"test": curves}, title="", unit=UNIT, quantity="loss", log=True)
        log = figure.axes[1]
        assert log.get_yscale() == "log"
        assert [text.get_text() for text in log.texts] == ["no value above zero"]
        draw(figure)

    @pytest.mark.parametrize("loss", [[3.0, 0.1, 0], [1, 1e20, 3e38], [2.2001, 2.2002, 2.2003]])
    def test_zeros_and_extremes_are_drawn_without_a_warning(self, loss):
        figure = plots.metric_figure(
            np.arange(3), {"test": np.array([loss, loss])}, title="", unit=UNIT, quantity="loss", log=True
        )
        assert not figure.axes[1].texts
        np.testing.assert_array_equal(values(line(figure.axes[1], "test")), loss)
        draw(figure)


class TestAccuracyFigure:
    def test_fractions_are_drawn_on_one_axis_in_percent_that_ends_near_100(self):
        curve = np.array([[0.8, 0.9, 1.0]])
        figure = plots.metric_figure(np.arange(3), {"test": curve}, title="", quantity="accuracy", unit="%", log=False)
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
