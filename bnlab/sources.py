"""The registry of sources: every article and paper whose studies bnlab repeats and whose claims it checks.

A new source is a module with an `Article`, and an entry in SOURCES.
"""

from functools import cache

from bnlab.articles import ARTICLES
from bnlab.claims import Claim
from bnlab.config import Config
from bnlab.papers import PAPERS
from bnlab.runs import same_computation
from bnlab.studies import Article, Study

SOURCES: dict[str, Article] = {**ARTICLES, **PAPERS}
"""{id: the source}, in the order of the report."""

STUDIES: dict[str, Study] = {study.id: study for source in SOURCES.values() for study in source.studies}
"""{id: the study}, of all sources. Those without arms train nothing."""


def claims_of(config: Config) -> tuple[Claim, ...]:
    """Return what sources state of single runs of this computation, whatever the config is called."""
    return tuple(claim for own, claims in _stated_runs() if same_computation(own, config) for claim in claims)


@cache
def _stated_runs() -> list[tuple[Config, tuple[Claim, ...]]]:
    """Return the config of every study's arm of which a run is stated, with the claims on it."""
    arms = [(study, arm) for study in STUDIES.values() for arm in study.arms]
    return [(arm.load(), claims) for study, arm in arms if (claims := study.stated_runs(arm.label))]
