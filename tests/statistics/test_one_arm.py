"""One arm: moments, areas, first steps, smooth lines and bands, by hand and against numpy."""

import inspect
from dataclasses import asdict

import numpy as np
import pytest

from bnlab import statistics

NAN, INF = np.nan, np.inf


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


class TestSummarize:
    def test_by_hand_with_failed_runs_counted_and_left_out(self):
        # mean 7/3; squares 16/9 + 1/9 + 25/9 = 42/9, over n - 1 = 2: 7/3.
        assert asdict(statistics.summarize(array(1, NAN, 2, INF, 4, -INF))) == pytest.approx(
            {"n": 3, "failed": 3, "mean": 7 / 3, "std": (7 / 3) ** 0.5, "min": 1, "median": 2, "max": 4}
        )

    def test_one_value_has_no_std(self):
        assert statistics.summarize(array(5)) == statistics.Summary(1, 0, 5.0, None, 5.0, 5.0, 5.0)

    def test_all_failed(self):
        assert statistics.summarize(array(NAN, INF)) == statistics.Summary(0, 2, *[None] * 5)


class TestAreaUnderCurve:
    def test_by_hand_over_uneven_steps(self):
        # (4 + 2) / 2 * 1 + (2 + 0) / 2 * 2 = 5, over 3 steps.
        areas = statistics.area_under_curve(np.array([[4.0, 2, 0], [1, 1, 1]]), np.array([10, 11, 13]))
        np.testing.assert_allclose(areas, [5 / 3, 1], rtol=1e-15)

    def test_a_failed_run_has_none(self):
        curves = np.array([[1.0, NAN, 1], [INF, -INF, 1]])
        assert np.isnan(statistics.area_under_curve(curves, np.array([0, 1, 2]))).all()

    @pytest.mark.parametrize(
        ("steps", "message"),
        [
            ([0, 1], r"^steps: got shape \(2,\), expected one per record, \(3,\)$"),
            ([0, 2, 2], r"^steps: got steps that do not increase, expected each above the one before$"),
        ],
    )
    def test_refuses_steps_that_do_not_fit(self, steps: list[int], message: str):
        with pytest.raises(ValueError, match=message):
            inspect.unwrap(statistics.area_under_curve)(np.zeros((2, 3)), np.array(steps))

    def test_refuses_a_single_record(self):
        with pytest.raises(ValueError, match=r"^steps: got 1 record, expected at least 2$"):
            statistics.area_under_curve(np.zeros((2, 1)), np.array([0]))


class TestStepsToReach:
    steps = np.array([0, 10, 20, 30])

    def test_first_record_at_or_below(self):
        curves = np.array([[3.0, 2, 1, 2], [1, 0, 0, 0], [3, 3, 3, 1], [3, 3, 3, 3], [3, -INF, NAN, 0.5], [NAN] * 4])
        reached = statistics.steps_to_reach(curves, self.steps, 1.0)
        np.testing.assert_array_equal(reached, [20, 0, 30, NAN, 30, NAN])

    def test_first_record_at_or_above(self):
        curves = np.array([[0.1, 0.5, 0.9, 0.5], [0.1, INF, 0.2, 0.9]])
        reached = statistics.steps_to_reach(curves, self.steps, 0.9, below=False)
        np.testing.assert_array_equal(reached, [20, 30])


class TestEma:
    def test_by_hand(self):
        # 1; (1/2 + 2) / (3/2); (1/4 + 2/2 + 4) / (7/4).
        np.testing.assert_allclose(statistics.ema(array(1, 2, 4), 0.5), [1, 5 / 3, 3], rtol=1e-15)

    def test_a_gap_stays_a_gap_and_its_weight_goes_to_the_others(self):
        # (1/4 + 4) / (1/4 + 1)
        for failed in (NAN, INF):
            np.testing.assert_allclose(statistics.ema(array(failed, 1, failed, 4), 0.5), [NAN, 1, NAN, 3.4])

    def test_is_adams_recursion_over_each_seed(self):
        curves = np.random.default_rng(0).normal(size=(3, 50))
        smooth, moment = statistics.ema(curves, 0.9), np.zeros(3)
        for t in range(50):
            moment = 0.9 * moment + 0.1 * curves[:, t]
            np.testing.assert_allclose(smooth[:, t], moment / (1 - 0.9 ** (t + 1)), rtol=1e-12)

    def test_weight_zero_is_the_curve_itself(self):
        np.testing.assert_array_equal(statistics.ema(array(3, 1, 2), 0.0), [3, 1, 2])

    @pytest.mark.parametrize("weight", [1.0, -0.1, NAN])
    def test_refuses_other_weights(self, weight: float):
        with pytest.raises(ValueError, match=f"^weight: got {weight}, expected 0 <= weight < 1$"):
            statistics.ema(array(1, 2), weight)


class TestQuantileBand:
    def test_by_hand_with_failed_seeds_left_out_and_counted(self):
        curves = np.array([[5.0, 5, NAN], [1, INF, NAN], [4, 1, NAN], [2, NAN, INF], [3, 2, NAN]])
        band = statistics.quantile_band(curves, (0.25, 0.75))
        np.testing.assert_array_equal(band.center, [3, 2, NAN])
        np.testing.assert_array_equal(band.low, [2, 1.5, NAN])
        np.testing.assert_array_equal(band.high, [4, 3.5, NAN])
        np.testing.assert_array_equal(band.n, [5, 3, 0])

    def test_is_numpys_quantile(self):
        curves = np.random.default_rng(0).normal(size=(17, 40))
        curves[3, 5:] = NAN
        band = statistics.quantile_band(curves)
        for line, fraction in zip(band, (0.5, 0.1, 0.9), strict=False):
            np.testing.assert_allclose(line, np.nanquantile(curves, fraction, axis=0), rtol=1e-12)

    def test_refuses_a_band_without_the_median(self):
        with pytest.raises(ValueError, match=r"^q: got \(0.6, 0.9\), expected 0 <= q\[0\] <= 0.5 <= q\[1\]"):
            statistics.quantile_band(np.zeros((2, 2)), (0.6, 0.9))
