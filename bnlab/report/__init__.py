"""`bnlab reproduce`: every claim of the sources checked, and one report of the answers.

`model` says what is known after a reproduction; `checking` trains what is missing and judges; the other modules write it.

    from bnlab import report

    found = report.reproduce(["000"], seeds=20)
    report.write(found, Path("answer"))
"""

from bnlab.report.checking import reproduce
from bnlab.report.machine import to_json
from bnlab.report.model import CheckedSource, CheckedStudy, CurveVerdict, Reproduction
from bnlab.report.terminal import remarks, verdict_tables
from bnlab.report.writing import write

__all__ = [
    "CheckedSource",
    "CheckedStudy",
    "CurveVerdict",
    "Reproduction",
    "remarks",
    "reproduce",
    "to_json",
    "verdict_tables",
    "write",
]
