"""A reproduction as a notebook shows it: a figure of the first study that was trained, and each source's verdicts."""

from collections.abc import Iterator
from pathlib import Path

from bnlab import inline
from bnlab.report.model import Reproduction
from bnlab.report.terminal import COLUMNS, remarks, verdict_tables
from bnlab.report.text import slug
from bnlab.report.writing import FIGURES

_WHOLE = {folded: verdict.value for verdict, folded in COLUMNS.items()}
"""{the head of a column on the terminal: the verdict in full}."""


def html(reproduction: Reproduction) -> str:
    """Return the reproduction as HTML."""
    where = f"{reproduction.folder}/report.html shows every claim" if reproduction.folder else ""
    figure = next(_figures(reproduction), None)
    return inline.card(
        inline.title(inline.count(len(reproduction.judged), "claim"), where),
        inline.picture(figure, figure.stem) if figure else "",
        *(
            inline.title(table.title) + inline.table([_WHOLE.get(name, name) for name in table.header], table.rows)
            for table in verdict_tables(reproduction)
        ),
        inline.sentences(remarks(reproduction)),
    )


def _figures(reproduction: Reproduction) -> Iterator[Path]:
    """Yield the files of metrics over steps, those of all seeds first."""
    if reproduction.folder is None:
        return
    for seeds in ("all-seeds", "one-seed"):
        for source in reproduction.sources:
            for study in source.studies:
                for metric in study.metrics:
                    path = reproduction.folder / FIGURES / f"{slug(study.study.id)}-{slug(metric.name)}-{seeds}.png"
                    if path.is_file():
                        yield path
