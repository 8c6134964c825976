"""The papers: one module each, with its source, its studies, and what it states as data."""

from bnlab.papers import hoffer_2018, jordan_2023, santurkar_2018, van_laarhoven_2017, wu_johnson_2021, zhang_2019
from bnlab.studies import Article

PAPERS: dict[str, Article] = {
    paper.source.id: paper
    for paper in (
        van_laarhoven_2017.PAPER,
        hoffer_2018.PAPER,
        zhang_2019.PAPER,
        santurkar_2018.PAPER,
        wu_johnson_2021.PAPER,
        jordan_2023.PAPER,
    )
}
"""{id: the paper}."""
