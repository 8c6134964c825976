"""Text of any origin, made fit for a page."""

import re

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$])")


def clean(text: str) -> str:
    """Return the text with "\N{REPLACEMENT CHARACTER}" for what no page may hold: controls and halves of characters."""
    return _UNPRINTABLE.sub("\ufffd", text)


def markdown(text: str) -> str:
    """Return the text so that GitHub's Markdown shows it as it is, in one line; no letter of it is taken as markup."""
    escaped = clean(" ".join(text.split())).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", escaped)
