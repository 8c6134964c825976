"""How an answer shows itself: counts in words, and HTML for a notebook, in the notebook's own colours."""

import base64
import html
import io
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

COLOURS = 64


def card(*parts: str) -> str:
    """Return the parts as one piece of HTML. It sets no colour, so that it is readable on light and on dark ground."""
    return f"<div>{''.join(parts)}</div>"


def title(text: str, remark: str = "", place: Path | None = None) -> str:
    """Return a line with a bold text, a remark, and where the files are."""
    where = f", in {place}" if place else ""
    return f"<p><b>{html.escape(text)}</b> {html.escape(remark + where)}</p>"


def sentences(texts: Iterable[str]) -> str:
    """Return a list of sentences; what stands between two ** is bold."""
    items = [re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape(text)) for text in texts]
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>" if items else ""


def picture(path: Path, text: str) -> str:
    """Return a PNG file inline, with a text for those who do not see it; nothing where the file is gone.

    It has COLOURS colours, which takes a third of the bytes. Its own ground is white, on dark ground too.
    """
    from PIL import Image

    try:
        with Image.open(path) as full:
            small, content = full.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE), io.BytesIO()
    except OSError:
        return ""
    small.save(content, "png", optimize=True)
    data = base64.b64encode(content.getvalue()).decode()
    return f'<img src="data:image/png;base64,{data}" alt="{html.escape(text)}" style="max-width: 100%"/>'


def count(number: int, noun: str) -> str:
    """Return "1 seed" or "1,200 seeds"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], bold: Collection[tuple[int, int]] = ()) -> str:
    """Return a table of text; `bold` holds (row, column) of bold cells."""

    def cell(i: int, j: int, text: str) -> str:
        escaped = html.escape(text)
        return f'<td style="text-align: left">{f"<b>{escaped}</b>" if (i, j) in bold else escaped}</td>'

    head = "".join(f'<th style="text-align: left">{html.escape(name)}</th>' for name in header)
    body = "".join(f"<tr>{''.join(cell(i, j, text) for j, text in enumerate(row))}</tr>" for i, row in enumerate(rows))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
