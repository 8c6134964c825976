"""The report as one HTML file, which asks nothing of any server and is readable without JavaScript and without its styles."""

import base64
import hashlib
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bnlab.report import strips
from bnlab.report.document import Document
from bnlab.report.figures import Picture
from bnlab.report.text import clean


def to_html(document: Document) -> bytes:
    """Return report.html. All text of the document is escaped; styles and the script are allowed by their SHA-256 alone."""
    templates = Environment(
        loader=PackageLoader("bnlab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_clean,
    )
    templates.filters["data_uri"] = data_uri
    style, script = (_own(name) for name in ("report.css", "report.js"))
    page = templates.get_template("report.html").render(
        document=document,
        style=Markup(style),
        script=Markup(script),
        policy=f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {_digest(script)}",
        strip_size=(strips.WIDTH, strips.HEIGHT),
    )
    return page.encode()


def data_uri(picture: Picture) -> str:
    """Return the picture as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(picture.png).decode()}"


def _own(name: str) -> str:
    return files("bnlab.report").joinpath("templates", name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _clean(value: Any) -> Any:
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
