"""The articles: one module each, with its source, its studies, and what it states as data."""

from bnlab.articles import article_000, article_001, article_002, article_003, article_004
from bnlab.studies import Article

ARTICLES: dict[str, Article] = {
    article.source.id: article
    for article in (article_000.ARTICLE, article_001.ARTICLE, article_002.ARTICLE, article_003.ARTICLE, article_004.ARTICLE)
}
"""{id: the article}."""
