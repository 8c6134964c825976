"""The conditions of a seed-check as a table of text."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bnlab.seed_check.conditions import Outcome

HEADER = ("condition", "must be", "is", "first difference", "digits", "conclusion", "")


def row(outcome: "Outcome") -> tuple[str, ...]:
    """Return the cells of one condition."""
    return (
        outcome.name,
        _WORDS.get(outcome.must, outcome.must),
        _verdict(outcome),
        str(outcome.first or "–"),
        _change(outcome.digits),
        _change(outcome.conclusion),
        "ok" if outcome.ok else "FAILED",
    )


_WORDS = {"differ": "different", "not": "different", "within tolerance": "within"}
"""The table's words for values of `conditions.Must` and `conditions.Verdict`, where they differ."""


def _verdict(outcome: "Outcome") -> str:
    word = _WORDS.get(outcome.verdict, outcome.verdict)
    if outcome.losses is None:
        return word
    step, record = outcome.losses
    return f"{'not' if outcome.verdict == 'not' else word} ({step:.0e}, {record:.0e})"


def _change(changed: bool | None) -> str:
    return "–" if changed is None else "change" if changed else "same"
