"""A stated value among our runs, worked by hand."""

import numpy as np
import pytest

from bnlab import statistics
from bnlab.statistics import Verdict

NAN = np.nan


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


class TestPredictionInterval:
    def test_by_hand(self):
        # mean 3, s = sqrt(2.5), t[4] = 2.776445, sqrt(1 + 1/5) = 1.095445: half is 4.808944.
        interval = statistics.prediction_interval(array(1, 2, NAN, 3, 4, 5))
        assert interval == pytest.approx((3 - 4.808944, 3 + 4.808944), abs=1e-6)

    def test_refuses_one_value(self):
        with pytest.raises(ValueError, match=r"^values: got 1 finite, expected at least 2$"):
            statistics.prediction_interval(array(1, NAN))


class TestJudgeStatedValue:
    # mean 0.975, s = 0.005 * sqrt(20 / 19), sqrt(1 + 1/20): half is 0.011002 at 95 % (t[19] = 2.093024) and
    # 0.020413 at 99.9 % (t[19] = 3.883406); half the last digit adds 0.0005 to both.
    twenty = array(*[0.97, 0.98] * 10)

    @pytest.mark.parametrize(
        ("stated", "verdict"),
        [
            (0.975, Verdict.REPRODUCED),
            (0.9864, Verdict.REPRODUCED),  # only with the half digit: without it the interval ends at 0.9860
            (0.9866, Verdict.UNUSUAL_DRAW),
            (0.9959, Verdict.UNUSUAL_DRAW),
            (0.9960, Verdict.CONTRADICTED),
            (0.9541, Verdict.UNUSUAL_DRAW),
            (0.9540, Verdict.CONTRADICTED),
        ],
    )
    def test_twenty_runs(self, stated: float, verdict: Verdict):
        result = statistics.judge_stated_value(stated, 0.001, self.twenty)
        assert result.verdict is verdict
        assert (result.low, result.high) == pytest.approx((0.963498, 0.986502), abs=1e-6)
        assert (result.low_wide, result.high_wide) == pytest.approx((0.954087, 0.995913), abs=1e-6)
        assert result.width == pytest.approx(2 * 0.011502, abs=1e-6)

    def test_fewer_runs_cannot_contradict(self):
        nineteen = self.twenty.copy()
        nineteen[0] = NAN
        result = statistics.judge_stated_value(5.0, 0.001, nineteen)
        assert (result.n, result.failed, result.verdict) == (19, 1, Verdict.UNDERPOWERED)
        assert statistics.judge_stated_value(0.975, 0.001, nineteen).verdict is Verdict.REPRODUCED

    @pytest.mark.parametrize("n", [0, 1, 5])
    def test_below_six_runs_nothing_is_judged(self, n: int):
        result = statistics.judge_stated_value(0.975, 0.001, self.twenty[:n])
        assert (result.verdict, result.low is None) == (Verdict.UNDERPOWERED, n < 2)

    def test_runs_that_all_agree_leave_the_half_digit(self):
        same = np.full(20, 39.213)
        assert statistics.judge_stated_value(39.2, 0.1, same).verdict is Verdict.REPRODUCED
        assert statistics.judge_stated_value(39.3, 0.1, same).verdict is Verdict.CONTRADICTED

    def test_refuses_what_is_no_number(self):
        message = r"^stated: got nan with unit 0.1, expected a finite value and a unit >= 0$"
        with pytest.raises(ValueError, match=message):
            statistics.judge_stated_value(NAN, 0.1, self.twenty)
