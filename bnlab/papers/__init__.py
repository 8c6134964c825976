"""The papers: one module each, with its source, its studies, and what it states as data."""

from bnlab.papers import (
    hoffer_2017,
    hoffer_2018,
    ioffe_2017,
    jordan_2023,
    keskar_2017,
    van_laarhoven_2017,
    wu_he_2018,
    zhang_2019,
)
from bnlab.studies import Article

PAPERS: dict[str, Article] = {
    paper.source.id: paper
    for paper in (
        van_laarhoven_2017.PAPER,
        hoffer_2018.PAPER,
        zhang_2019.PAPER,
        jordan_2023.PAPER,
        wu_he_2018.PAPER,
        ioffe_2017.PAPER,
        hoffer_2017.PAPER,
        keskar_2017.PAPER,
    )
}
"""{id: the paper}."""
