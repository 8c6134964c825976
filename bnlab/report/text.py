"""Text of any origin, made fit for a page."""

import re

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SLUG = 60
_MARKDOWN = re.compile(r"([\\`*_\[\]|~$])")
_AT_START = re.compile(r"^(\d*)([#+\-=.)])(?=[\s#+\-=]|$)")  # of a line: a heading, a list, a rule


def clean(text: str) -> str:
    """Return the text with "\N{REPLACEMENT CHARACTER}" for what no page may hold: controls and halves of characters."""
    return _UNPRINTABLE.sub("\ufffd", text)


def slug(text: str) -> str:
    """Return a name of plain letters, digits and "-" for a file or an anchor: "a-b" for "a/b"; "x" where nothing is left."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", text)[:_SLUG].strip("-") or "x"


def markdown(text: str) -> str:
    """Return the text so that GitHub's Markdown shows it as it is, in one line; no letter of it is taken as markup."""
    escaped = clean(" ".join(text.split())).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _AT_START.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", escaped))
