"""Sphinx's settings for the documentation site; `scripts/docs` builds it.

The pages are the Markdown files that GitHub shows: README.md, docs/*.md, CHANGELOG.md and CONTRIBUTING.md. Their links lead
to the same places on the site. What the site has besides is made from the package when it is built, so it never goes stale:

- the navigation, from the headings and tables of docs/README.md;
- docs/site/claims.md, from the data in `bnlab.sources`;
- docs/site/api.rst, from the docstrings of the public names.
"""

import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))
import docstrings
import endings

import bnlab

ROOT = Path(__file__).parent.parent.parent

project = "bnlab"
author = "The bnlab authors"
version = release = bnlab.__version__
root_doc = "README"
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/*.md", "docs/site/*", "tests/reference/README.md"]
exclude_patterns = [".venv", "build", "runs"]

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_heading_anchors = 4  # anchors as GitHub makes them
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"bnlab {version}"
html_static_path = [str(Path(__file__).parent / "static")]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False


def add_ending(_app: Sphinx, page: str, source: list[str]) -> None:
    """Append to a page what is made from the package."""
    if page in endings.ENDINGS:
        source[0] += "\n" + endings.ENDINGS[page](ROOT)


def convert_docstring(_app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Make a docstring reStructuredText."""
    lines[:] = docstrings.to_rst(lines)


def skip_member(_app: Sphinx, _what: str, name: str, member: object, skip: bool, _options: object) -> bool:
    """Leave out the fields of a NamedTuple, whose docstrings say "Alias for field number 0", and pydantic's settings."""
    return skip or name == "model_config" or (getattr(member, "__doc__", None) or "").startswith("Alias for field number")


def add_index(app: Sphinx, error: Exception | None) -> None:
    """Make the start page also the one that a web server shows for a folder."""
    if error is None and app.builder.name == "html":
        out = Path(app.outdir)
        (out / "index.html").write_bytes((out / "README.html").read_bytes())


def setup(app: Sphinx) -> None:
    """Connect the steps above."""
    app.connect("source-read", add_ending)
    app.connect("autodoc-process-docstring", convert_docstring)
    app.connect("autodoc-skip-member", skip_member)
    app.connect("build-finished", add_index)
