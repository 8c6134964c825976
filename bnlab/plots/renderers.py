"""matplotlib's renderers for PNG and SVG, with a cache for text.

Text takes half the time of drawing. matplotlib lays out "step" and "0.5" anew for each figure, and twice: once to
measure them and once to draw them. Here each text is laid out once per process. The cache does not change a figure.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8
from matplotlib.backends.backend_agg import RendererAgg, get_hinting_flag
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ft2font import FT2Font
from matplotlib.textpath import TextToPath

_TEXTS = 2048  # the size of each cache; a page of figures has a few hundred texts


class _Picture(NamedTuple):
    """A text as pixels: its opacity, the offset of its upper left corner, and its width, height and descent."""

    image: UInt8[np.ndarray, "height width"]
    left: float
    top: float
    size: tuple[float, float, float]


class Pixels(RendererAgg):
    """Draws into `buffer_rgba`. Horizontal text is placed on whole pixels."""

    def get_text_width_height_descent(self, s, prop, ismath):
        """Return the size of a text in pixels."""
        if ismath:
            return super().get_text_width_height_descent(s, prop, ismath)
        return _picture(s, prop, self.dpi).size

    def _get_font_height_metrics(self, prop):  # matplotlib's Text calls this method where a renderer has it
        return _line(prop, self.dpi)

    def draw_text(self, gc, x, y, s, prop, angle, ismath: Any = False, mtext=None):
        """Draw a text; the left end of its baseline is at (x, y)."""
        if ismath or angle:
            super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
            return
        picture = _picture(s, prop, self.dpi)
        _, _, descent = picture.size
        left, bottom = round(x + picture.left), round(y + picture.top + descent) + 1
        self._renderer.draw_text_image(picture.image, left, bottom, 0, gc)


@lru_cache(_TEXTS)
def _line(properties: FontProperties, dpi: float) -> tuple[float, float, float] | tuple[None, None, None]:
    """Return a line's ascent, descent and gap in pixels. Where the font has no such data they are None, and Text measures."""
    font = get_font(findfont(properties))
    line, head = font.get_sfnt_table("OS/2"), font.get_sfnt_table("head")
    if line is None or head is None:
        return None, None, None
    unit = properties.get_size_in_points() * dpi / 72 / head["unitsPerEm"]
    return line["sTypoAscender"] * unit, -line["sTypoDescender"] * unit, line["sTypoLineGap"] * unit


@lru_cache(_TEXTS)
def _picture(text: str, properties: FontProperties, dpi: float) -> _Picture:
    font: FT2Font = RendererAgg(1, 1, dpi)._prepare_font(properties)
    font.set_text(text, 0.0, flags=get_hinting_flag())
    font.draw_glyphs_to_bitmap(antialiased=True)
    width, height = font.get_width_height()
    left, top = font.get_bitmap_offset()  # this and the sizes are in 64ths of a pixel
    return _Picture(font.get_image().copy(), left / 64, top / 64, (width / 64, height / 64, font.get_descent() / 64))


class Paths(RendererSVG):
    """Writes SVG with text as paths, so that every reader sees the same letters."""

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **options)
        self._text2path = _TEXT_TO_PATH

    def _get_font_height_metrics(self, prop):
        return _line(prop, 72)


class _TextToPath(TextToPath):
    def get_text_width_height_descent(self, s, prop, ismath):
        return _size(s, prop, ismath)

    def get_glyphs_with_font(
        self, font, s, glyph_map=None, return_new_glyphs_only=False, *, features: Any = None, language: Any = None
    ):
        places, glyphs, boxes = _glyphs(font, s, features, language)
        if return_new_glyphs_only:
            glyphs = {name: glyph for name, glyph in glyphs.items() if name not in (glyph_map or {})}
        return places, glyphs, boxes


_PLAIN_TEXT_TO_PATH, _TEXT_TO_PATH = TextToPath(), _TextToPath()


@lru_cache(_TEXTS)
def _size(text: str, properties: FontProperties, ismath: bool) -> tuple[float, float, float]:
    return _PLAIN_TEXT_TO_PATH.get_text_width_height_descent(text, properties, ismath)


@lru_cache(_TEXTS)
def _glyphs(font: FT2Font, text: str, features: Any, language: Any) -> tuple[list, dict, list]:
    return _PLAIN_TEXT_TO_PATH.get_glyphs_with_font(font, text, features=features, language=language)
