"""The data of every source: names, checks, and the configs that they are about."""

import subprocess
import sys

import pytest

from bnlab.claims import BetterThan, Bounded, ExactValue, Fact, FasterThan, RunValue
from bnlab.config import load_config, shipped_configs
from bnlab.metrics import find_metric
from bnlab.sources import SOURCES, STUDIES, claims_of

ALL = [claim for study in STUDIES.values() for claim in study.claims]


def test_names():
    assert [source.source.id for source in SOURCES.values()] == list(SOURCES)
    assert len(STUDIES) == sum(len(source.studies) for source in SOURCES.values())
    assert not set(STUDIES) & set(shipped_configs())
    ids = [claim.id for claim in ALL]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("id", SOURCES)
def test_claims_are_of_their_source(id: str):
    source = SOURCES[id]
    for study in source.studies:
        assert {study.source, *(claim.source for claim in study.claims)} == {source.source.name}


@pytest.mark.parametrize("id", SOURCES)
def test_a_quantity_for_every_check_and_a_check_for_every_quantity(id: str):
    source = SOURCES[id]
    checks = [claim.check for study in source.studies for claim in study.claims]
    assert {check.quantity for check in checks if isinstance(check, ExactValue | Fact)} == set(source.quantities())
    assert {check.quantity for check in checks if isinstance(check, Bounded)} == set(source.seed_quantities())


def test_every_tolerance_has_its_reason():
    tolerant = [claim.check for claim in ALL if getattr(claim.check, "tolerance", 0)]
    assert tolerant
    assert all(getattr(check, "reason", "") for check in tolerant)


def test_a_study_of_few_seeds_says_why_in_its_claims():
    for study in STUDIES.values():
        assert all(study.few_seeds in claim.assumed for claim in study.claims)


def test_importing_the_sources_imports_no_jax():
    code = "import sys, bnlab.sources; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_fits_its_configs(name: str):
    study = STUDIES[name]
    configs = {arm.label: arm.load(study.seeds) for arm in study.arms}
    for config in configs.values():
        assert set(study.at) <= set(config.record_steps)
        for metric in (*study.metrics, *study.levels):
            find_metric(metric, config)
    for claim in study.claims:
        for label in claim.check.arms:
            if isinstance(claim.check, RunValue | BetterThan | FasterThan):
                find_metric(claim.check.metric, configs[label])
            if isinstance(claim.check, RunValue | BetterThan) and claim.check.step is not None:
                assert claim.check.step in configs[label].record_steps


def test_claims_are_of_the_shipped_computation_alone():
    assert len(claims_of(load_config("mnist", overrides=["name=renamed", "description=another"]))) == 42
    assert claims_of(load_config("mnist", overrides=["num_steps=1718"])) == ()
    assert claims_of(load_config("regression")) == ()
