"""The articles: one module each, with its study and what it states as data."""

from functools import cache

from bnlab.articles import article_000, article_001, article_002, article_003, article_004
from bnlab.claims import Claim, RunValue
from bnlab.config import Config
from bnlab.runs import same_computation
from bnlab.studies import Study

STUDIES: dict[str, Study] = {
    study.id: study
    for study in (article_000.STUDY, article_001.STUDY, article_002.STUDY, article_003.STUDY, article_004.STUDY)
}
"""{id: the main comparison of an article}; article 004 trains nothing."""


def claims_of(config: Config) -> tuple[Claim, ...]:
    """Return what articles state of single runs of this computation, whatever the config is called."""
    return tuple(claim for own, claims in _stated_runs() if same_computation(own, config) for claim in claims)


@cache
def _stated_runs() -> list[tuple[Config, list[Claim]]]:
    """Return the config of every study's arm of which a run is stated, with the claims on it."""
    stated: list[tuple[Config, list[Claim]]] = []
    for study in STUDIES.values():
        for arm in study.arms:
            claims = [c for c in study.claims if isinstance(c.check, RunValue) and c.check.arm == arm.label]
            if claims:
                stated.append((arm.load(), claims))
    return stated
