"""Claims: what a source states, how each statement is checked, and the one place where verdicts are made.

A claim is data: where it stands, what it says, the number as the source prints it, and its *check*. A check names what has to
be measured, in words (an arm, a metric, a step); whoever trains or computes hands the numbers to a judge:

    judge_run(claim, values)                        a value of one run, among the same value of our seeds
    judge_exact(claim, ours)                        a value, or a saying, that does not depend on a draw
    judge_order(claim, arm, other, lower_is_better) one arm better, or faster, than another, paired over seeds
    judge_bound(claim, values)                      a value of every seed, at most or at least so large
    not_run(claim, why)                             the check was not done
    underspecified(claim, why)                      the source does not say enough to check it
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Num

from bnlab.statistics import (
    PairedDifference,
    ReachRatio,
    ReachShare,
    StatedValue,
    Verdict,
    judge_stated_value,
    paired_difference,
    reach_ratio,
    reach_share,
)


@dataclass(frozen=True)
class StatedNumber:
    """A number as its source prints it: "0.9449", "95.31%", "4.273953e-05". Its value and its precision follow.

    Raises ValueError for text that is no finite number.
    """

    text: str

    def __post_init__(self) -> None:
        try:
            finite = self._decimal.is_finite()
        except InvalidOperation:
            finite = False
        if not finite:
            raise ValueError(f"text: got {self.text!r}, expected a number such as 0.9449, 95.31% or 4.27e-05")

    @property
    def value(self) -> float:
        """The number; a percentage as a fraction."""
        return float(self._decimal)

    @property
    def last_digit_unit(self) -> float:
        """What one in the last printed digit is worth: 0.0001 for 0.9449 and for 95.31%, 1e-11 for 4.273953e-05."""
        return float(Decimal(1).scaleb(int(self._decimal.as_tuple().exponent)))

    @cached_property
    def _decimal(self) -> Decimal:
        percent = self.text.endswith("%")
        return Decimal(self.text.removesuffix("%")).scaleb(-2 if percent else 0)


# --- How a claim is checked ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunValue:
    """A stated value of one run: `metric` of the arm after `step`, among the same value of our seeds."""

    arm: str
    metric: str
    step: int

    @property
    def arms(self) -> tuple[str, ...]:
        """The labels of the arms that have to be trained."""
        return (self.arm,)


@dataclass(frozen=True)
class ExactValue:
    """A stated value that no seed moves: `quantity` is the name under which it is computed.

    Ours must print as the source's, or lie within `tolerance` of it, where one is given with its `reason`.
    """

    quantity: str
    tolerance: float = 0.0
    reason: str = ""

    @property
    def arms(self) -> tuple[str, ...]:
        """No arm has to be trained."""
        return ()


@dataclass(frozen=True)
class Fact:
    """A saying that one number decides, which no seed moves: `quantity` must be `expected`.

    It must be equal, or lie within `tolerance` of it, where one is given with its `reason`.
    """

    quantity: str
    expected: float
    tolerance: float = 0.0
    reason: str = ""

    @property
    def arms(self) -> tuple[str, ...]:
        """No arm has to be trained."""
        return ()


@dataclass(frozen=True)
class BetterThan:
    """The arm is better than another in `metric`: after `step`, or in the mean over training where `step` is None."""

    arm: str
    other: str
    metric: str
    step: int | None = None

    @property
    def arms(self) -> tuple[str, ...]:
        """The labels of the arms that have to be trained."""
        return (self.arm, self.other)


@dataclass(frozen=True)
class FasterThan:
    """The arm needs fewer steps than another until `metric` is at `level` or better."""

    arm: str
    other: str
    metric: str
    level: float

    @property
    def arms(self) -> tuple[str, ...]:
        """The labels of the arms that have to be trained."""
        return (self.arm, self.other)


@dataclass(frozen=True)
class Bounded:
    """A quantity of every seed of the arm lies at or below `bound` in the mean over seeds; `above`: at or above it."""

    arm: str
    quantity: str
    bound: float
    above: bool = False

    @property
    def arms(self) -> tuple[str, ...]:
        """The labels of the arms that have to be trained."""
        return (self.arm,)


@dataclass(frozen=True)
class Open:
    """The source does not say enough to check the saying; `missing` is what it leaves open."""

    missing: str

    @property
    def arms(self) -> tuple[str, ...]:
        """No arm has to be trained."""
        return ()


Check = RunValue | ExactValue | Fact | BetterThan | FasterThan | Bounded | Open


@dataclass(frozen=True)
class Claim:
    """One stated number or saying of a source.

    id: a short name that no other claim has. source, place: the source's name, and where it stands there. says: the
    statement in our words. check: how it is checked; an arm in it is the label of an arm of the claim's study. stated: the
    number, where there is one. conditions: under which the source has it. assumed: what the source leaves open, and what we
    chose.
    """

    id: str
    source: str
    place: str
    says: str
    check: Check
    stated: StatedNumber | None = None
    conditions: str = ""
    assumed: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.check, RunValue | ExactValue) and self.stated is None:
            raise ValueError(f"stated: got None, expected a number: claim {self.id} is checked by one")

    @property
    def printed(self) -> str:
        """The stated number as the source prints it; empty where there is none."""
        return self.stated.text if self.stated else ""


# --- Verdicts -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ExactEvidence:
    """Our value, how the source would print it, and how far from the stated one it may lie (0: it must print the same)."""

    ours: float
    printed: str
    tolerance: float


@dataclass(frozen=True)
class SpeedEvidence:
    """The ratio of the steps to a level, and in how many seeds each arm gets there."""

    ratio: ReachRatio
    share: ReachShare

    @property
    def better(self) -> Literal["a", "b"] | None:
        """The arm that is faster or, where most seeds of an arm never get there, that gets there more often."""
        return self.share.more_often if self.share.mostly_missed else self.ratio.settled.better


Evidence = StatedValue | ExactEvidence | PairedDifference | SpeedEvidence


@dataclass(frozen=True)
class Judged:
    """A claim with its verdict and the evidence for it.

    why: why there is no evidence, or why it is weak, in words. raised: whether the check ended with an error.
    """

    claim: Claim
    verdict: Verdict
    evidence: Evidence | None = None
    why: str = ""
    raised: bool = False


def judge_run(claim: Claim, values: Num[np.ndarray, "seeds"]) -> Judged:
    """Return whether the stated value of one run could be one of our `values`: see `statistics.judge_stated_value`."""
    if not isinstance(claim.check, RunValue) or claim.stated is None:
        raise ValueError(f"claim: got {claim.id}, expected one that is checked as a value of one run")
    evidence = judge_stated_value(claim.stated.value, claim.stated.last_digit_unit, values)
    return Judged(claim, evidence.verdict, evidence)


def judge_exact(claim: Claim, ours: float) -> Judged:
    """Return whether our value is the stated (for a fact the expected) one: within the tolerance, or without one the same.

    A stated value without a tolerance is the same where ours prints as it does. An exact value is reproduced or
    contradicted; no number of seeds matters.
    """
    check, stated = claim.check, claim.stated
    if isinstance(check, Fact):
        printed = _as_numpy(ours)
        holds = abs(ours - check.expected) <= check.tolerance
    elif isinstance(check, ExactValue) and stated is not None:
        printed = _as_numpy(ours) if check.tolerance else print_as(stated, ours)
        holds = abs(ours - stated.value) <= check.tolerance if check.tolerance else printed == stated.text
    else:
        raise ValueError(f"claim: got {claim.id}, expected one that is checked as an exact value")
    verdict = Verdict.REPRODUCED if holds else Verdict.CONTRADICTED
    return Judged(claim, verdict, ExactEvidence(ours, printed, check.tolerance))


def judge_order(
    claim: Claim,
    arm: Num[np.ndarray, "seeds"],
    other: Num[np.ndarray, "seeds"],
    *,
    lower_is_better: bool = True,
) -> Judged:
    """Return whether the arm is better, or faster, than the other; entry s of both is the same seed.

    For `BetterThan` the values are the metric's; for `FasterThan` they are the steps to the level (NaN: never), and where
    most seeds of an arm never get there, the share that does decides. The claim is *reproduced* where the pairs settle it,
    *contradicted* where they settle the opposite, and *underpowered* where they settle nothing.
    """
    if isinstance(claim.check, BetterThan):
        evidence = paired_difference(arm, other, lower_is_better=lower_is_better)
        better = evidence.settled.better
    elif isinstance(claim.check, FasterThan):
        evidence = SpeedEvidence(reach_ratio(arm, other), reach_share(arm, other))
        better = evidence.better
    else:
        raise ValueError(f"claim: got {claim.id}, expected one that puts one arm before another")
    return Judged(claim, _BY_BETTER_ARM[better], evidence)


def judge_bound(claim: Claim, values: Num[np.ndarray, "seeds"]) -> Judged:
    """Return whether the mean of `values`, one a seed, lies on the claimed side of the bound.

    The evidence is the paired difference bound - value. The claim is *reproduced* where its interval lies on the claimed
    side of 0, *contradicted* where it lies on the other, and *underpowered* where it holds 0.
    """
    check = claim.check
    if not isinstance(check, Bounded):
        raise ValueError(f"claim: got {claim.id}, expected one that bounds a value")
    bound = np.full_like(values, check.bound, np.result_type(values, np.float32))  # of counts too, no integer
    evidence = paired_difference(values, bound, lower_is_better=not check.above)
    return Judged(claim, _BY_BETTER_ARM[evidence.settled.better], evidence)


_BY_BETTER_ARM = {"a": Verdict.REPRODUCED, "b": Verdict.CONTRADICTED, None: Verdict.UNDERPOWERED}


def not_run(claim: Claim, why: str, *, raised: bool = False) -> Judged:
    """Return that the claim was not checked, and why; `raised`: because the check ended with an error."""
    return Judged(claim, Verdict.NOT_RUN, why=why, raised=raised)


def underspecified(claim: Claim, why: str) -> Judged:
    """Return that the source does not say enough to check the claim, and what it leaves open."""
    return Judged(claim, Verdict.UNDERSPECIFIED, why=why)


def print_as(stated: StatedNumber, ours: float) -> str:
    """Return our float32 as the source prints: by NumPy (8 decimals at most) where that agrees, else to 7 digits."""
    as_numpy = _as_numpy(ours)
    return as_numpy if as_numpy == stated.text else f"{ours:.7g}"


def _as_numpy(value: float) -> str:
    return np.array_str(np.array([value], np.float32)).strip("[]").removesuffix(".")
