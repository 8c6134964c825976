"""The articles: one module each, with its source, its studies, and what it states as data."""

from functools import cache

from bnlab.articles import article_000, article_001, article_002, article_003, article_004
from bnlab.claims import Claim
from bnlab.config import Config
from bnlab.runs import same_computation
from bnlab.studies import Article, Study

ARTICLES: dict[str, Article] = {
    article.source.id: article
    for article in (article_000.ARTICLE, article_001.ARTICLE, article_002.ARTICLE, article_003.ARTICLE, article_004.ARTICLE)
}
"""{id: the article}."""

STUDIES: dict[str, Study] = {study.id: study for article in ARTICLES.values() for study in article.studies}
"""{id: the study}, of all articles. Those without arms train nothing."""


def claims_of(config: Config) -> tuple[Claim, ...]:
    """Return what articles state of single runs of this computation, whatever the config is called."""
    return tuple(claim for own, claims in _stated_runs() if same_computation(own, config) for claim in claims)


@cache
def _stated_runs() -> list[tuple[Config, tuple[Claim, ...]]]:
    """Return the config of every study's arm of which a run is stated, with the claims on it."""
    arms = [(study, arm) for study in STUDIES.values() for arm in study.arms]
    return [(arm.load(), claims) for study, arm in arms if (claims := study.stated_runs(arm.label))]
