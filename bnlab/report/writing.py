"""The files of a report.

report.html   everything in one file
report.md     the same as Markdown, and its figures in figures/
claims.json   the same for machines: see `machine`
"""

from pathlib import Path

from bnlab.report.document import make_document
from bnlab.report.html import to_html
from bnlab.report.machine import to_json
from bnlab.report.markdown import to_markdown
from bnlab.report.model import Reproduction
from bnlab.runs import write_answers

FIGURES = "figures"
"""The folder of the figures, beside report.md."""


def write(reproduction: Reproduction, folder: Path) -> Path:
    """Draw the figures, write the files into the folder, report.html last, and return its path.

    A report that lies in the folder is replaced.

    Raises:
        UserError: the folder cannot be written.
    """
    document = make_document(reproduction)
    pairs = [drawn.pair for source in document.sources for study in source.studies for drawn in study.drawn]
    pictures = [picture for pair in pairs for picture in (pair.one, pair.many) if picture]
    contents = {f"{FIGURES}/{picture.name}": picture.png for picture in pictures}
    contents |= {
        "claims.json": to_json(reproduction),
        "report.md": to_markdown(document, FIGURES),
        "report.html": to_html(document),
    }
    write_answers(folder, contents)
    return folder / "report.html"
