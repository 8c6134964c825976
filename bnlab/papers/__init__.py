"""The papers: one module each, with its source, its studies, and what it states as data."""

from bnlab.papers import bjorck_2018, hoffer_2018, ioffe_szegedy_2015, jordan_2023, van_laarhoven_2017, zhang_2019
from bnlab.studies import Article

PAPERS: dict[str, Article] = {
    paper.source.id: paper
    for paper in (
        ioffe_szegedy_2015.PAPER,
        bjorck_2018.PAPER,
        van_laarhoven_2017.PAPER,
        hoffer_2018.PAPER,
        zhang_2019.PAPER,
        jordan_2023.PAPER,
    )
}
"""{id: the paper}."""
