"""The real thing, on the real data: slow."""

import time
from pathlib import Path

import pytest

from bnlab.articles import ARTICLES
from bnlab.report import reproduce
from bnlab.statistics import Verdict

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("real_mnist", "folder")]


def test_quick_takes_less_than_a_minute_of_two_cores():
    began = time.process_time()
    found = reproduce(quick=True)
    assert time.process_time() - began < 120
    assert found.every_check_ran
    assert len(found.judged) == sum(len(study.claims) for one in ARTICLES.values() for study in one.studies) >= 215
    assert all("quick" in one.why for one in found.judged)


def test_twenty_seeds():
    """Nothing is left unchecked, and one claim of articles 000 and 003 is contradicted."""
    found = reproduce(["000", "003"], seeds=20)
    assert found.every_check_ran
    assert [one.claim.id for one in found.contradicted] == ["003/always/one-row"]
    curves = [curve for source in found.sources for study in source.studies for curve in study.curves]
    assert [(curve.arm, curve.values, curve.verdict) for curve in curves] == [
        ("no BN", 42, Verdict.REPRODUCED),
        ("BN", 42, Verdict.REPRODUCED),
    ]
    again = reproduce(["000", "003"], seeds=20)
    assert sum(study.trained for source in again.sources for study in source.studies) == 0
    assert [one.verdict for one in again.judged] == [one.verdict for one in found.judged]
    assert Path("runs").is_dir()
