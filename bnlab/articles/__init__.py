"""The articles: one module each, with its study and what it states as data."""

from typing import Any

from bnlab.articles import article_000, article_001, article_002, article_003, article_004
from bnlab.claims import Claim, RunValue
from bnlab.config import Config
from bnlab.studies import Study

STUDIES: dict[str, Study] = {
    study.id: study
    for study in (article_000.STUDY, article_001.STUDY, article_002.STUDY, article_003.STUDY, article_004.STUDY)
}
"""{id: the main comparison of an article}; article 004 trains nothing."""


def claims_of(config: Config) -> tuple[Claim, ...]:
    """Return what articles state of single runs of this computation; empty unless it is that of a study's arm."""
    return tuple(
        claim
        for study in STUDIES.values()
        for arm in study.arms
        if arm.config == config.name and _computation(arm.load()) == _computation(config)
        for claim in study.claims
        if isinstance(claim.check, RunValue) and claim.check.arm == arm.label
    )


def _computation(config: Config) -> dict[str, Any]:
    """Return what the config computes: all of it but words and seeds."""
    return config.model_dump(exclude={"name", "article", "variant", "description", "seeds"})
