"""The papers: one module each, with its source, its studies, and what it states as data."""

from bnlab.papers import (
    bjorck_2018,
    hoffer_2017,
    hoffer_2018,
    ioffe_2017,
    ioffe_szegedy_2015,
    jordan_2023,
    keskar_2017,
    santurkar_2018,
    van_laarhoven_2017,
    wu_he_2018,
    wu_johnson_2021,
    zhang_2019,
)
from bnlab.studies import Article

PAPERS: dict[str, Article] = {
    paper.source.id: paper
    for paper in (
        ioffe_szegedy_2015.PAPER,
        bjorck_2018.PAPER,
        santurkar_2018.PAPER,
        van_laarhoven_2017.PAPER,
        hoffer_2018.PAPER,
        zhang_2019.PAPER,
        wu_he_2018.PAPER,
        ioffe_2017.PAPER,
        hoffer_2017.PAPER,
        keskar_2017.PAPER,
        wu_johnson_2021.PAPER,
        jordan_2023.PAPER,
    )
}
"""{id: the paper}, in the order of the pages in docs/."""
