"""The quantities by hand; and the first steps at a large rate, where seeds without batch norm stop being finite."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bnlab.papers import bjorck_2018 as paper
from bnlab.papers.bjorck_2018 import quantities
from bnlab.papers.bjorck_2018.quantities import largest_finite
from bnlab.papers.deep_digits import SWEEP
from bnlab.report.checking import reproduce
from bnlab.statistics import Verdict
from bnlab.sweep import load_sweep

NAN, INF = math.nan, math.inf


def pool(**curves: Any) -> Any:
    return SimpleNamespace(curves={name: np.array(values, np.float32) for name, values in curves.items()})


def test_the_largest_finite_number():
    norms = np.array([[1.0, 3.0, 2.0], [5.0, INF, NAN], [NAN, NAN, NAN]])
    np.testing.assert_array_equal(largest_finite(norms), [3.0, 5.0, NAN])


def test_the_explosion_in_powers_of_ten(monkeypatch: pytest.MonkeyPatch):
    """1,000 over 10, and 1e30 over 1; the second seed without BN fails after it."""
    without = pool(gradient_norm=[[10, 1000, 10], [1e30, INF, NAN]])
    monkeypatch.setattr(quantities, "train_changed", lambda own, change: [without])
    own = pool(gradient_norm=[[10, 2, 1], [1, 1, 1]])
    np.testing.assert_allclose(paper.PAPER.seed_quantities()[paper.EXPLOSION](own), [2.0, 30.0], rtol=1e-6)


def test_the_gain_is_that_of_the_last_record(monkeypatch: pytest.MonkeyPatch):
    without = pool(test_accuracy=[[0.0, 0.75], [0.0, 0.5]])
    monkeypatch.setattr(quantities, "train_changed", lambda own, change: [without])
    own = pool(test_accuracy=[[0.9, 1.0], [0.9, 0.25]])
    np.testing.assert_array_equal(paper.PAPER.seed_quantities()[paper.GAIN](own), [0.25, -0.25])


def test_the_rates_are_points_of_the_sweep():
    rates = {point.config.optimizer.learning_rate for point in load_sweep(SWEEP).points}
    arms = (paper.NONE_SMALL, paper.BN_SMALL, paper.NONE_LARGE, paper.BN_LARGE)
    assert [arm.load().optimizer.learning_rate for arm in arms] == [0.02, 0.02, 1.0, 1.0]
    assert {0.02, 1.0} <= rates


@pytest.mark.slow
def test_a_slice_of_the_studies(folder):
    """Some seeds without batch norm fail within 40 steps: that is a result."""
    found = reproduce(["bjorck-2018"], seeds=6, quick=True)
    *short, explosion = found.judged
    assert {one.why for one in short} == {"quick: trained for 300 steps only, which is too short for this claim"}
    assert explosion.verdict is not Verdict.NOT_RUN
    without, with_bn = found.sources[0].studies[1].pools.values()
    assert without.failed
    assert not with_bn.failed
