"""Docstrings as reStructuredText.

bnlab's docstrings are plain text: `code` stands between single backticks, and formulas and tables stand as they are. Read as
reStructuredText, "|mean|" or "renorm_…" would be markup. So everything is escaped, except

- `code` and *emphasis*;
- lists, whose items begin with "- ";
- sections such as "Raises:", whose entries are indented;
- formulas and tables, that is paragraphs with indented or aligned lines: they keep their lines.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence

SECTION = re.compile(r"^(Args|Raises|Departures):$")
INLINE = re.compile(r"`(?P<code>[^`\n]+)`|(?<![\w*])\*(?P<emphasis>\w(?:[^*\n]*\w)?)\*(?![\w*])")


def to_rst(lines: Sequence[str]) -> list[str]:
    """Return the lines of a docstring as reStructuredText."""
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines).strip("\n"))
    return [line for paragraph in paragraphs if paragraph.strip() for line in _paragraph(paragraph.split("\n"))]


def _paragraph(lines: list[str]) -> Iterator[str]:
    first_item = next((number for number, line in enumerate(lines) if line.startswith("- ")), None)
    if section := SECTION.match(lines[0]):
        yield from (f"**{section[1]}**", "")
        yield from _items(textwrap.dedent("\n".join(lines[1:])).split("\n"))
    elif first_item is not None:
        if first_item:
            yield from _paragraph(lines[:first_item])
        yield from _items([line.removeprefix("- ") for line in lines[first_item:]])
    elif any(re.search(r"^ |\S {3,}\S", line) for line in lines):
        yield from ("::", "", *(f"    {line}" for line in lines), "")
    else:
        yield from (_inline(" ".join(lines)), "")


def _items(lines: Sequence[str]) -> Iterator[str]:
    """Yield a list whose items begin at the left edge; further lines of an item are indented."""
    joined = re.sub(r"\n +", " ", "\n".join(lines))
    yield from (f"- {_inline(item)}" for item in joined.split("\n"))
    yield ""


def _inline(text: str) -> str:
    parts, end = [], 0
    for match in INLINE.finditer(text):
        marked = f"``{match['code']}``" if match["code"] else f"*{_escaped(match['emphasis'])}*"
        parts += [_escaped(text[end : match.start()]), rf"\ {marked}\ "]
        end = match.end()
    return "".join([*parts, _escaped(text[end:])])


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_|:])", r"\\\1", text)
