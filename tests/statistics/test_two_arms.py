"""Two arms, paired: shares, differences, ratios and bands, by hand and against scipy."""

import inspect

import numpy as np
import pytest
import scipy.stats

from bnlab import statistics
from bnlab.statistics import Settled

NAN, INF = np.nan, np.inf


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


class TestShareAhead:
    def test_ties_and_failures_by_hand(self):
        a = array(1, 2, 3, NAN, INF, 5)
        b = array(2, 1, 3, INF, 1, NAN)
        share = statistics.share_ahead(a, b)
        assert (share.a_ahead, share.b_ahead, share.ties, share.both_failed, share.seeds) == (2, 2, 1, 1, 6)
        assert share.share == 2 / 6
        higher = statistics.share_ahead(-a, -b, lower_is_better=False)
        assert higher == share  # a failed run is behind in either direction

    def test_wilsons_interval_of_eight_in_ten(self):
        # (p + z²/2n ± z sqrt(p(1 - p)/n + z²/4n²)) / (1 + z²/n) with p = 0.8, n = 10, z = 1.959964
        share = statistics.share_ahead(np.zeros(10), array(*[1] * 8, -1, 0))
        assert (share.low, share.high) == pytest.approx((0.4901625, 0.9433178), abs=1e-7)

    def test_no_seeds(self):
        share = statistics.share_ahead(array(), array())
        assert (share.share, share.low, share.high) == (None, None, None)


class TestPairedDifference:
    a = array(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
    b = a + array(0.3, 0.1, -0.1, 0.4, 0.2, 0.9, 0.3, 0.5)

    def test_is_scipys_bca_at_the_expanded_level(self):
        # n = 8: t = 2.364624, times sqrt(8 / 7) = 2.527890, with the normal tail 0.0057372.
        result = statistics.paired_difference(self.a, self.b, seed=3)
        expected = scipy.stats.bootstrap(
            (self.b - self.a,),
            np.mean,
            confidence_level=1 - 2 * 0.0057372,
            method="BCa",
            rng=np.random.default_rng(3),
        ).confidence_interval
        assert result.mean == pytest.approx(2.6 / 8)
        assert (result.low, result.high) == pytest.approx((expected.low, expected.high), rel=1e-4)
        assert (result.pairs, result.dropped, result.settled) == (8, 0, Settled.A_BETTER)
        assert (result.ahead.a_ahead, result.ahead.b_ahead) == (7, 1)

    def test_the_same_seed_gives_the_same_bits_and_another_does_not(self):
        first = statistics.paired_difference(self.a, self.b, seed=3)
        assert statistics.paired_difference(self.a, self.b, seed=3) == first
        assert statistics.paired_difference(self.a, self.b, seed=4).low != first.low

    def test_arms_that_change_places_change_the_sign(self):
        there, back = (statistics.paired_difference(*arms) for arms in ((self.a, self.b), (self.b, self.a)))
        assert (back.mean, back.low, back.high) == pytest.approx((-there.mean, -there.high, -there.low))
        assert (there.settled, back.settled) == (Settled.A_BETTER, Settled.B_BETTER)

    def test_higher_is_better_turns_who_is_better_and_not_the_numbers(self):
        lower = statistics.paired_difference(self.a, self.b)
        higher = statistics.paired_difference(self.a, self.b, lower_is_better=False)
        assert (higher.ahead.a_ahead, higher.settled) == (1, Settled.B_BETTER)
        assert (higher.mean, higher.low, higher.high) == pytest.approx((lower.mean, lower.low, lower.high))
        turned = statistics.paired_difference(-self.a, -self.b)
        assert (higher.mean, higher.low, higher.high) == (-turned.mean, -turned.high, -turned.low)  # pyright: ignore

    def test_an_interval_over_zero_is_undecided(self):
        result = statistics.paired_difference(np.zeros(6), array(-1, 1, -1, 1, -1, 1))
        assert (result.mean, result.low, result.high) == (0, -1, 1)
        assert result.settled is Settled.UNDECIDED

    @pytest.mark.parametrize("n", [2, 5])
    def test_nothing_is_settled_below_six_pairs_however_clear(self, n: int):
        result = statistics.paired_difference(np.zeros(n), np.linspace(100, 101, n))
        assert result.low is not None
        assert result.low > 99
        assert (result.settled, result.pairs) == (Settled.TOO_FEW_PAIRS, n)

    @pytest.mark.parametrize("n", [0, 1])
    def test_no_interval_below_two_pairs(self, n: int):
        result = statistics.paired_difference(np.zeros(n), np.ones(n))
        assert (result.mean, result.low, result.high) == (1.0 if n else None, None, None)
        assert (result.settled, result.pairs) == (Settled.TOO_FEW_PAIRS, n)

    @pytest.mark.parametrize(
        ("shift", "settled"), [(0.0, Settled.UNDECIDED), (0.2, Settled.A_BETTER), (-0.2, Settled.B_BETTER)]
    )
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    def test_equal_differences_are_their_own_interval(self, shift: float, settled: Settled, dtype: type):
        # In floating point, x + 0.2 - x is 0.2 only to within the rounding of x.
        a = np.linspace(0.1, 0.9, 7).astype(dtype)
        result = statistics.paired_difference(a, (a + dtype(shift)).astype(dtype))
        assert result.low == result.mean == result.high == pytest.approx(shift, abs=1e-6)
        assert result.settled is settled

    def test_an_end_at_zero_but_for_rounding_does_not_exclude_it(self):
        # Seven ties and one win: the interval ends at zero, which float32 accuracies miss by 1e-8.
        a = np.array([0.971, 0.972, 0.973, 0.974, 0.975, 0.976, 0.977, 0.978], np.float32)
        b = np.nextafter(a, np.float32(1))
        b[0] += np.float32(0.01)
        result = statistics.paired_difference(a, b)
        assert result.low is not None
        assert 0 < result.low < 1e-7
        assert result.settled is Settled.UNDECIDED

    def test_failed_runs_are_dropped_and_counted(self):
        a, b = self.a.copy(), self.b.copy()
        a[0], b[0], b[1] = INF, INF, NAN  # one seed failed in both arms, one in b
        result = statistics.paired_difference(a, b)
        assert (result.pairs, result.dropped, result.failed_a, result.failed_b) == (6, 2, 1, 2)
        assert result.mean == pytest.approx(2.2 / 6)
        assert (result.ahead.a_ahead, result.ahead.both_failed) == (6, 1)
        assert result.settled is Settled.TOO_MANY_MISSING

    def test_an_arm_that_fails_more_often_never_wins(self):
        a, b = np.zeros(20), np.linspace(-2, -1, 20)
        b[:4] = NAN
        result = statistics.paired_difference(a, b)
        assert result.high is not None
        assert result.high < 0
        assert (result.settled, result.failed_a, result.failed_b) == (Settled.FAILS_MORE, 0, 4)
        a[:4] = NAN  # it fails as often as the other, so it may win
        assert statistics.paired_difference(a, b).settled is Settled.B_BETTER

    def test_the_higher_arm_that_fails_more_often_never_wins(self):
        a, b = np.zeros(20), np.linspace(1, 2, 20)
        b[:4] = NAN
        assert statistics.paired_difference(a, b, lower_is_better=False).settled is Settled.FAILS_MORE
        assert statistics.paired_difference(a, b).settled is Settled.A_BETTER

    def test_refuses_arms_of_different_shapes(self):
        with pytest.raises(ValueError, match=r"^b: got shape \(3,\), expected that of a, \(2,\)$"):
            inspect.unwrap(statistics.paired_difference)(np.zeros(2), np.zeros(3))


class TestReachRatio:
    def test_geometric_mean_by_hand(self):
        # Ratios 1/2 three times and 1/8 three times: 2**(-(3 + 9) / 6) = 1/4.
        result = statistics.reach_ratio(array(20, 20, 20, 80, 80, 80), array(10, 10, 10, 10, 10, 10), seed=1)
        assert result.ratio == pytest.approx(0.25)
        logs = statistics.paired_difference(np.log(array(2, 2, 2, 8, 8, 8)), np.zeros(6), seed=1)
        assert logs.low is not None
        assert logs.high is not None
        assert (result.low, result.high) == pytest.approx((np.exp(logs.low), np.exp(logs.high)))
        assert (result.settled, result.ahead.b_ahead) == (Settled.B_BETTER, 6)

    def test_every_seed_is_in_one_count(self):
        a = array(NAN, NAN, 10, 0, 0, NAN, 10, 20)
        b = array(NAN, 10, NAN, 10, NAN, 0, 10, 40)
        result = statistics.reach_ratio(a, b)
        counts = (result.pairs, result.only_a, result.only_b, result.neither, result.at_start)
        assert counts == (2, 1, 1, 1, 3)
        assert sum(counts) == result.ahead.seeds
        assert result.ratio == pytest.approx(2**0.5)
        assert (result.ahead.a_ahead, result.ahead.b_ahead) == (4, 2)
        assert (result.ahead.ties, result.ahead.both_failed) == (1, 1)
        assert result.settled is Settled.TOO_FEW_PAIRS

    def test_censoring_settles_nothing(self):
        slow, fast = np.full(20, 100.0), np.linspace(10, 20, 20)
        fast[:4] = NAN  # b is five times as fast in the 16 of 20 seeds in which it gets there
        result = statistics.reach_ratio(slow, fast)
        assert (result.pairs, result.only_a, result.settled) == (16, 4, Settled.FAILS_MORE)
        fast[4] = NAN
        result = statistics.reach_ratio(slow, fast)
        assert (result.pairs, result.settled) == (15, Settled.TOO_MANY_MISSING)

    def test_nobody_gets_there(self):
        result = statistics.reach_ratio(np.full(8, NAN), np.full(8, NAN))
        assert (result.ratio, result.low, result.neither, result.settled) == (None, None, 8, Settled.TOO_FEW_PAIRS)

    def test_always_together(self):
        steps = np.arange(10.0, 90.0, 10.0)
        result = statistics.reach_ratio(steps, steps)
        assert (result.ratio, result.low, result.high) == (1, 1, 1)
        assert result.settled is Settled.UNDECIDED


class TestReachShare:
    def test_by_hand(self):
        # a alone in seven seeds, b alone in one. P(at most one of eight) = (1 + 8) / 256; twice that is 18 / 256.
        a = array(*[10] * 7, NAN, 5, 5, NAN)
        b = array(*[NAN] * 7, 10, 9, 0, INF)
        result = statistics.reach_share(a, b)
        assert (result.seeds, result.both, result.only_a, result.only_b, result.neither) == (11, 2, 7, 1, 1)
        assert (result.reached_a, result.reached_b) == (9, 3)
        assert result.p_value == pytest.approx(18 / 256, rel=1e-12)
        assert result.more_often is None

    @pytest.mark.parametrize(("alone", "p_value", "more_often"), [(5, 2 / 32, None), (6, 2 / 64, "a"), (8, 2 / 256, "a")])
    def test_an_arm_that_never_gets_there(self, alone: int, p_value: float, more_often: str | None):
        there, never = np.full(alone, 100.0), np.full(alone, NAN)
        result = statistics.reach_share(there, never)
        assert (result.p_value, result.more_often) == (pytest.approx(p_value, rel=1e-12), more_often)
        other = statistics.reach_share(never, there)
        assert other.p_value == result.p_value
        assert other.more_often == (more_often and "b")

    def test_seeds_in_which_both_get_there_say_nothing(self):
        six, fifty = array(*[1] * 6), np.ones(50)
        a, b = np.concatenate([six, fifty]), np.concatenate([six * NAN, fifty])
        assert statistics.reach_share(a, b).p_value == pytest.approx(2 / 64, rel=1e-12)

    @pytest.mark.parametrize("values", [array(), array(1, 2), array(NAN, NAN)])
    def test_no_seed_speaks_for_an_arm(self, values: np.ndarray):
        result = statistics.reach_share(values, values)
        assert (result.p_value, result.more_often) == (1.0, None)

    def test_refuses_arms_of_different_shapes(self):
        with pytest.raises(ValueError, match=r"^b: got shape \(3,\), expected that of a, \(2,\)$"):
            inspect.unwrap(statistics.reach_share)(np.zeros(2), np.zeros(3))


class TestDifferenceBand:
    def test_is_scipys_paired_t_interval_at_each_record(self):
        rng = np.random.default_rng(0)
        a, b = rng.normal(size=(2, 9, 4))
        band = statistics.difference_band(a, b, confidence=0.9)
        expected = scipy.stats.ttest_rel(b, a, axis=0).confidence_interval(0.9)
        np.testing.assert_allclose(band.center, (b - a).mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose((band.low, band.high), (expected.low, expected.high), rtol=1e-12)

    def test_failed_seeds_are_left_out_and_counted(self):
        a = np.array([[1.0, INF, NAN], [1, 1, 1], [1, 1, INF]])
        b = np.array([[2.0, INF, 1], [4, 4, NAN], [6, 1, INF]])
        band = statistics.difference_band(a, b)
        np.testing.assert_array_equal(band.n, [3, 2, 0])
        np.testing.assert_array_equal(band.center, [3, 1.5, NAN])
        # Differences 3 and 0: s = 3 / sqrt(2); s / sqrt(2) = 1.5, times t[1] = 12.706205.
        assert band.high[1] == pytest.approx(1.5 + 1.5 * 12.706205)
        assert np.isnan([band.low[2], band.high[2]]).all()

    def test_one_seed_has_no_interval(self):
        band = statistics.difference_band(np.zeros((1, 2)), np.ones((1, 2)))
        np.testing.assert_array_equal(band.center, [1, 1])
        assert np.isnan([band.low, band.high]).all()
