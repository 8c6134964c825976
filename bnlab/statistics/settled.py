"""The outcomes of a comparison of two paired arms, and the one rule that chooses among them."""

from enum import StrEnum
from typing import Literal

MIN_PAIRS = 6
"""The fewest pairs that settle a comparison. Six of six pairs have one sign with a chance of 2 * 0.5**6 = 0.031, five of
five with 0.063."""

MAX_MISSING = 0.2
"""The largest share of seeds without a pair. With more, the remaining pairs are too selected to settle a comparison."""


class Settled(StrEnum):
    """The outcome of a comparison of two arms. The better arm is the lower one, or the higher one where higher is better."""

    A_BETTER = "a better"
    B_BETTER = "b better"
    UNDECIDED = "undecided"
    """The interval holds the neutral value (a difference of 0, a ratio of 1)."""
    FAILS_MORE = "fails more"
    """The interval excludes the neutral value, but the arm that it favours fails in more seeds than the other."""
    TOO_FEW_PAIRS = "too few pairs"
    TOO_MANY_MISSING = "too many missing"

    @property
    def better(self) -> Literal["a", "b"] | None:
        """The better arm, if settled."""
        return "a" if self is Settled.A_BETTER else "b" if self is Settled.B_BETTER else None


def settle(better: Literal["a", "b"] | None, *, pairs: int, seeds: int, failed_a: int, failed_b: int) -> Settled:
    """Return the outcome for `pairs` of `seeds`, where `better` is the arm that the interval alone would choose."""
    if pairs < MIN_PAIRS:
        return Settled.TOO_FEW_PAIRS
    if seeds - pairs > MAX_MISSING * seeds:
        return Settled.TOO_MANY_MISSING
    if better is None:
        return Settled.UNDECIDED
    if (failed_a > failed_b) if better == "a" else (failed_b > failed_a):
        return Settled.FAILS_MORE
    return Settled.A_BETTER if better == "a" else Settled.B_BETTER
