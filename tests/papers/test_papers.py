"""The papers as sources: their names, and what their arms are."""

import pytest

from bnlab.papers import PAPERS, van_laarhoven_2017, zhang_2019
from bnlab.sources import SOURCES


def test_they_are_sources():
    assert list(PAPERS) == [
        "ioffe-szegedy-2015",
        "bjorck-2018",
        "santurkar-2018",
        "van-laarhoven-2017",
        "hoffer-2018",
        "zhang-2019",
        "wu-he-2018",
        "ioffe-2017",
        "hoffer-2017",
        "keskar-2017",
        "wu-johnson-2021",
        "jordan-2023",
    ]
    assert PAPERS.items() <= SOURCES.items()


@pytest.mark.parametrize("id", PAPERS)
def test_claims_have_the_name_of_their_paper(id: str):
    source = PAPERS[id].source
    claims = [claim for study in PAPERS[id].studies for claim in study.claims]
    assert claims
    assert {claim.source for claim in claims} == {source.name}
    assert all(claim.id.startswith(f"{id}/") and claim.place for claim in claims)
    assert source.left_open
    assert source.assumed
    assert source.departures


@pytest.mark.parametrize("id", PAPERS)
def test_every_study_can_be_run(id: str):
    for study in PAPERS[id].studies:
        for arm in study.arms:
            assert arm.load().article is None or arm.config in ("digits_bn", "mnist_bn", "mnist_contrib_bn")


@pytest.mark.parametrize("id", PAPERS)
def test_every_study_has_a_quick_slice(id: str):
    assert all(study.quick_steps != 0 for study in PAPERS[id].studies)


def test_the_points_of_the_sweeps():
    """The rates of both arms, and the strengths, are points of the shipped grids."""
    none, decay = van_laarhoven_2017.BEST_NONE.load().optimizer, van_laarhoven_2017.BEST_DECAY.load().optimizer
    assert (none.learning_rate, none.weight_decay, decay.learning_rate, decay.weight_decay) == (0.3, 0.0, 0.3, 0.001)
    penalty = zhang_2019.PENALTY.load()
    assert penalty.l2_penalty is not None
    assert (penalty.optimizer.learning_rate, penalty.l2_penalty.scale) == (0.003, 1e-4)
    assert zhang_2019.DECAY.load().optimizer.weight_decay == 0.01
