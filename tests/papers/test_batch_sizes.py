"""The arms of the studies of the batch size: rates and steps by hand, claims at the end of each training, short slices."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bnlab.claims import BetterThan, Bounded, RunValue
from bnlab.config import load_config
from bnlab.papers import PAPERS, hoffer_2017, ioffe_2017, keskar_2017, pairs, wu_he_2018
from bnlab.papers.batch_sizes import last_step
from bnlab.report import reproduce
from bnlab.runs.identity import same_computation
from bnlab.statistics import Verdict
from bnlab.sweep import load_sweep

IDS = ("wu-he-2018", "ioffe-2017", "hoffer-2017", "keskar-2017")
STUDIES = [study for id in IDS for study in PAPERS[id].studies]


@pytest.mark.parametrize(
    ("arm", "rate", "steps"),
    [
        (wu_he_2018.BN_2, 0.00625, 55_000),
        (wu_he_2018.LAYER_32, 0.1, 3_438),  # 2 · 55,000 / 32 = 3,437.5
        (ioffe_2017.RENORM_4, 0.0125, 27_500),
        (hoffer_2017.SMALL, 0.1, 4_297),  # 10 · 55,000 / 128 = 4,296.9
        (hoffer_2017.LARGE, 0.1, 135),  # 10 · 55,000 / 4,096 = 134.3
        (hoffer_2017.GHOSTS, 0.565685, 135),  # 0.1 · √32
        (keskar_2017.SMALL, 0.001, 4_297),  # 20 · 55,000 / 256
        (keskar_2017.LARGE, 0.001, 184),  # 20 · 55,000 / 6,000 = 183.3
    ],
    ids=lambda value: getattr(value, "label", str(value)),
)
def test_rates_and_steps(arm, rate: float, steps: int):
    config = arm.load()
    assert (config.optimizer.learning_rate, config.num_steps) == (pytest.approx(rate), steps)


def test_the_last_step():
    assert [last_step(size) for size in (2, 32, 512)] == [55_000, 3_438, 215]


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.id)
def test_a_study_can_be_compared(study):
    """All arms of a comparison have their records at the same steps."""
    assert len({tuple(arm.load().record_steps) for arm in study.arms}) == 1


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.id)
def test_claims_look_at_the_end_of_the_training(study):
    steps = {arm.label: arm.load().num_steps for arm in study.arms}
    for claim in study.claims:
        if isinstance(claim.check, BetterThan | RunValue):
            assert {steps[label] for label in claim.check.arms} == {claim.check.step}


@pytest.mark.parametrize(
    ("one", "other", "changed"),
    [
        (hoffer_2017.GHOSTS, hoffer_2017.SCALED, ("model.norm.virtual_batch_size=128",)),
        (
            ioffe_2017.RENORM_4,
            ioffe_2017.BN_4,
            ("model.norm.renorm=tensorflow1", "model.norm.renorm_clipping={rmin: 0.3333333, rmax: 3, dmax: 5}"),
        ),
        (wu_he_2018.LAYER_2, wu_he_2018.BN_2, ("model.norm={kind: layer}",)),
        (wu_he_2018.BN_2, wu_he_2018.BN_32, ("batch_size=2", "optimizer.learning_rate=0.00625", "num_epochs=2")),
        (keskar_2017.LARGE, keskar_2017.SMALL, ("batch_size=6000", "num_epochs=20")),
    ],
    ids=lambda value: getattr(value, "label", None),
)
def test_what_two_arms_differ_in(one, other, changed: tuple[str, ...]):
    config = load_config(other.config, overrides=[*other.overrides, *changed, "record_every=epoch"])
    assert same_computation(one.load(), config)


def test_the_sweep_holds_the_arms_of_the_studies():
    """So each of these trainings is done once."""
    points = [point.config for point in load_sweep("mnist_batch_sizes", seeds="0").points]
    for study in (*wu_he_2018.PAPER.studies, *ioffe_2017.PAPER.studies):
        for arm in study.arms:
            assert any(same_computation(point, arm.load()) for point in points), arm.label


@pytest.mark.parametrize("id", IDS)
def test_a_difference_is_from_an_arm_that_is_trained_to_its_end(id: str, monkeypatch: pytest.MonkeyPatch):
    asked: list[Any] = []
    curves = {"test_accuracy": np.zeros((1, 1))}
    monkeypatch.setattr(pairs, "plan_arms", asked.extend)
    monkeypatch.setattr(pairs, "complete", lambda plans: [SimpleNamespace(curves=curves)])
    arms = {arm.label: arm.load("0") for study in PAPERS[id].studies for arm in study.arms}
    bounds = [claim.check for study in PAPERS[id].studies for claim in study.claims if isinstance(claim.check, Bounded)]
    for bound in bounds:
        own: Any = SimpleNamespace(config=arms[bound.arm], curves=curves)
        PAPERS[id].seed_quantities()[bound.quantity](own)
    assert len(asked) == len(bounds) > 0
    assert all(any(same_computation(config, arm) for arm in arms.values()) for config in asked)


@pytest.mark.slow
@pytest.mark.usefixtures("real_mnist", "folder")
@pytest.mark.parametrize("id", IDS)
def test_a_slice(id: str):
    found = reproduce([id], quick=True)
    assert found.every_check_ran
    for study in found.sources[0].studies:
        assert set(study.pools) == {arm.label for arm in study.study.arms}
        assert {pool.config.num_steps for pool in study.pools.values()} == {study.study.quick_steps}
        assert {one.verdict for one in study.judged} == {Verdict.NOT_RUN}
