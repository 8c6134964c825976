"""Stated numbers by what their text says, and verdicts on numbers whose answer is plain."""

import re
from typing import get_args

import numpy as np
import pytest

from bnlab.claims import (
    BetterThan,
    Bounded,
    Check,
    Claim,
    ExactEvidence,
    ExactValue,
    Fact,
    FasterThan,
    Judged,
    Open,
    RunValue,
    SpeedEvidence,
    StatedNumber,
    judge_bound,
    judge_exact,
    judge_order,
    judge_run,
    not_run,
    print_as,
    underspecified,
)
from bnlab.statistics import PairedDifference, StatedValue, Verdict

NAN = np.nan


def make_claim(check: Check, stated: str | None = None) -> Claim:
    number = StatedNumber(stated) if stated is not None else None
    return Claim("test", "article 000", "nowhere", "It is so.", check, number)


class TestStatedNumber:
    @pytest.mark.parametrize(
        ("text", "value", "unit"),
        [
            ("0.9449", 0.9449, 1e-4),
            ("0.9720", 0.972, 1e-4),
            ("95.31%", 0.9531, 1e-4),
            ("97.20%", 0.972, 1e-4),
            ("94.3%", 0.943, 1e-3),
            ("4.273953e-05", 4.273953e-05, 1e-11),
            ("39.2", 39.2, 0.1),
            ("4", 4.0, 1.0),
            ("-0.5", -0.5, 0.1),
            ("2e3", 2000.0, 1000.0),
        ],
    )
    def test_value_and_unit_follow_from_the_text(self, text: str, value: float, unit: float):
        number = StatedNumber(text)
        assert (number.value, number.last_digit_unit) == (value, unit)

    @pytest.mark.parametrize("text", ["", "%", "abc", "nan", "inf", "0,94", "0.94 %%"])
    def test_refuses_what_is_no_number(self, text: str):
        message = f"^text: got {re.escape(repr(text))}, expected a number such as 0.9449, 95.31% or 4.27e-05$"
        with pytest.raises(ValueError, match=message):
            StatedNumber(text)


class TestClaim:
    @pytest.mark.parametrize("check", [RunValue("a", "test_loss", 1), ExactValue("x")])
    def test_a_number_is_checked_by_a_number(self, check: Check):
        with pytest.raises(ValueError, match=r"^stated: got None, expected a number: claim test is checked by one$"):
            make_claim(check)

    def test_its_arms(self):
        checks = {RunValue("a", "m", 1): ("a",), ExactValue("x"): (), BetterThan("a", "b", "m"): ("a", "b")}
        checks |= {FasterThan("a", "b", "m", 0.5): ("a", "b"), Bounded("a", "q", 1.0): ("a",)}
        checks |= {Fact("q", 0.0): (), Open("no level is stated"): ()}
        assert {type(check) for check in checks} == set(get_args(Check))
        assert {check: check.arms for check in checks} == checks

    def test_the_number_as_printed(self):
        assert make_claim(ExactValue("x"), "0.9720").printed == "0.9720"
        assert make_claim(BetterThan("a", "b", "m")).printed == ""


class TestJudgeRun:
    # as in test_stated: 20 runs of mean 0.975; at 95 % up to 0.986502 and at 99.9 % up to 0.995913 with the half digit
    twenty = np.array([0.97, 0.98] * 10)

    @pytest.mark.parametrize(
        ("stated", "verdict"),
        [
            ("0.975", Verdict.REPRODUCED),
            ("98.6%", Verdict.REPRODUCED),
            ("0.990", Verdict.UNUSUAL_DRAW),
            ("0.999", Verdict.CONTRADICTED),
        ],
    )
    def test_verdicts(self, stated: str, verdict: Verdict):
        judged = judge_run(make_claim(RunValue("a", "test_accuracy", 1), stated), self.twenty)
        assert judged.verdict is verdict
        assert isinstance(judged.evidence, StatedValue)
        assert (judged.evidence.n, judged.evidence.last_digit_unit) == (20, 0.001)

    def test_too_few_seeds(self):
        assert judge_run(make_claim(RunValue("a", "m", 1), "5.0"), self.twenty[:19]).verdict is Verdict.UNDERPOWERED


class TestJudgeExact:
    def test_it_must_print_as_stated(self):
        claim = make_claim(ExactValue("x"), "0.99")
        assert judge_exact(claim, float(np.float32(0.99))) == Judged(
            claim, Verdict.REPRODUCED, ExactEvidence(float(np.float32(0.99)), "0.99", 0.0)
        )
        # within half of the last digit, and yet not what the source would have printed
        judged = judge_exact(claim, 0.9904)
        assert judged.verdict is Verdict.CONTRADICTED
        assert judged.evidence == ExactEvidence(0.9904, "0.9904", 0.0)

    def test_a_tolerance(self):
        claim = make_claim(ExactValue("x", 0.002, "cancellation"), "0.131")
        assert judge_exact(claim, 0.1329).verdict is Verdict.REPRODUCED
        assert judge_exact(claim, 0.1331).verdict is Verdict.CONTRADICTED

    @pytest.mark.parametrize(
        ("stated", "ours", "printed"),
        [("1", 1.0, "1"), ("4.273953e-05", 4.2739530e-05, "4.273953e-05"), ("99.95004", 99.9500375, "99.95004")],
    )
    def test_printed_as_numpy_or_to_seven_digits(self, stated: str, ours: float, printed: str):
        assert print_as(StatedNumber(stated), ours) == printed

    @pytest.mark.parametrize(
        ("fact", "ours", "verdict"),
        [
            (Fact("x", 0.0), 0.0, Verdict.REPRODUCED),
            (Fact("x", 0.0), 1e-9, Verdict.CONTRADICTED),
            (Fact("x", 2.0, 0.5, "rounding"), 2.5, Verdict.REPRODUCED),
            (Fact("x", 2.0, 0.5, "rounding"), 2.51, Verdict.CONTRADICTED),
            (Fact("x", 2.0, 0.5, "rounding"), NAN, Verdict.CONTRADICTED),
        ],
    )
    def test_a_fact(self, fact: Fact, ours: float, verdict: Verdict):
        judged = judge_exact(make_claim(fact), ours)
        assert judged.verdict is verdict
        assert isinstance(judged.evidence, ExactEvidence)
        assert judged.evidence.tolerance == fact.tolerance


class TestJudgeBound:
    # mean 2, every value within 0.5 of it
    values = np.array([1.5, 1.75, 2.0, 2.25, 2.5, 1.5, 2.0, 2.5])

    @pytest.mark.parametrize(
        ("bound", "above", "verdict"),
        [
            (3.0, False, Verdict.REPRODUCED),
            (1.0, False, Verdict.CONTRADICTED),
            (1.0, True, Verdict.REPRODUCED),
            (3.0, True, Verdict.CONTRADICTED),
            (2.0, True, Verdict.UNDERPOWERED),
        ],
    )
    def test_the_side_of_the_bound(self, bound: float, above: bool, verdict: Verdict):
        judged = judge_bound(make_claim(Bounded("a", "q", bound, above)), self.values)
        assert judged.verdict is verdict
        assert isinstance(judged.evidence, PairedDifference)
        assert judged.evidence.mean == bound - 2

    def test_a_bound_between_two_counts(self):
        judged = judge_bound(make_claim(Bounded("a", "q", 1.5)), np.ones(8, int))
        assert judged.verdict is Verdict.REPRODUCED
        assert isinstance(judged.evidence, PairedDifference)
        assert judged.evidence.mean == 0.5

    def test_too_few_seeds(self):
        assert judge_bound(make_claim(Bounded("a", "q", 3.0)), self.values[:5]).verdict is Verdict.UNDERPOWERED


class TestJudgeOrder:
    low, high = np.arange(8.0), 10 + np.arange(8.0) ** 2

    @pytest.mark.parametrize(("lower_is_better", "verdict"), [(True, Verdict.REPRODUCED), (False, Verdict.CONTRADICTED)])
    def test_better(self, lower_is_better: bool, verdict: Verdict):
        claim = make_claim(BetterThan("a", "b", "m"))
        judged = judge_order(claim, self.low, self.high, lower_is_better=lower_is_better)
        assert judged.verdict is verdict
        assert isinstance(judged.evidence, PairedDifference)
        # mean of s² over 0 … 7 is 17.5, and of s 3.5: 10 + 17.5 - 3.5
        assert judged.evidence.mean == pytest.approx(24)

    def test_nothing_is_settled(self):
        claim = make_claim(BetterThan("a", "b", "m"))
        assert judge_order(claim, self.low[:5], self.high[:5]).verdict is Verdict.UNDERPOWERED
        signs = np.array([1.0, -1] * 4)
        assert judge_order(claim, signs, -signs).verdict is Verdict.UNDERPOWERED

    def test_faster(self):
        claim = make_claim(FasterThan("a", "b", "m", 0.5))
        steps = np.array([10.0, 20, 30, 40, 50, 60, 70, 80])
        judged = judge_order(claim, steps, 2 * steps)
        assert judged.verdict is Verdict.REPRODUCED
        assert isinstance(judged.evidence, SpeedEvidence)
        assert judged.evidence.ratio.ratio == pytest.approx(2)
        assert judge_order(claim, 2 * steps, steps).verdict is Verdict.CONTRADICTED

    def test_an_arm_that_never_gets_there_is_slower(self):
        claim = make_claim(FasterThan("a", "b", "m", 0.5))
        there, never = np.full(8, 10.0), np.full(8, NAN)
        assert judge_order(claim, there, never).verdict is Verdict.REPRODUCED
        assert judge_order(claim, never, there).verdict is Verdict.CONTRADICTED
        assert judge_order(claim, never, never).verdict is Verdict.UNDERPOWERED


def test_without_evidence():
    claim = make_claim(ExactValue("x"), "1")
    assert underspecified(claim, "no strength is stated") == Judged(
        claim, Verdict.UNDERSPECIFIED, None, "no strength is stated"
    )
    assert not_run(claim, "MNIST is not here") == Judged(claim, Verdict.NOT_RUN, None, "MNIST is not here")


def test_a_judge_refuses_other_claims():
    run, exact = make_claim(RunValue("a", "m", 1), "1"), make_claim(ExactValue("x"), "1")
    eight = np.arange(8.0)
    for call, expected in (
        (lambda: judge_run(exact, eight), "one that is checked as a value of one run"),
        (lambda: judge_exact(run, 1.0), "one that is checked as an exact value"),
        (lambda: judge_order(run, eight, eight), "one that puts one arm before another"),
        (lambda: judge_bound(run, eight), "one that bounds a value"),
    ):
        with pytest.raises(ValueError, match=f"^claim: got test, expected {expected}$"):
            call()
