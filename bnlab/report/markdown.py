"""The report as Markdown for GitHub, with the figures as files beside it."""

import re
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bnlab.report.document import Badge, Document
from bnlab.report.strips import Strip, in_letters
from bnlab.report.text import clean, markdown


def to_markdown(document: Document, folder: str) -> bytes:
    """Return report.md; the figures lie in `folder` beside it. All text of the document is escaped."""
    templates = Environment(
        loader=PackageLoader("bnlab.report"),
        autoescape=False,  # HTML's; finalize escapes what Markdown takes as markup
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_escape,
    )
    templates.filters |= {"code": code_block, "github_anchor": github_anchor, "address": _address, "letters": _letters}
    page = templates.get_template("report.md").render(document=document, folder=Markup(folder), badge=_badge)
    return (re.sub(r"\n{3,}", "\n\n", page).strip() + "\n").encode()


def code_block(text: str) -> Markup:
    """Return the text as lines of code, which hold no markup."""
    lines = clean(text).splitlines() or [""]
    return Markup("\n".join(f"    {line}" for line in lines))


def github_anchor(name: str, title: str) -> Markup:
    """Return the anchor that GitHub gives to the heading "name: title"."""
    kept = re.sub(r"[^\w\- ]", "", clean(f"{name}: {title}").lower())
    return Markup(quote(kept.replace(" ", "-")))


def _address(name: str) -> Markup:
    return Markup(quote(name))


def _letters(strip: Strip | None) -> Markup:
    return Markup(f"`{in_letters(strip)}`" if strip else "")


def _badge(badge: Badge) -> Markup:
    return Markup(f"{badge.symbol} **{badge.word}**{' (quick)' if badge.quick else ''}")


def _escape(value: Any) -> Any:
    return value if isinstance(value, Markup) else markdown(str(value))
