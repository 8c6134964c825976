"""The papers: one module each, with its source, its studies, and what it states as data."""

from bnlab.papers import van_laarhoven_2017
from bnlab.studies import Article

PAPERS: dict[str, Article] = {paper.source.id: paper for paper in (van_laarhoven_2017.PAPER,)}
"""{id: the paper}."""
