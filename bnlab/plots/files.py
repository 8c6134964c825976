"""Write figures as PNG and SVG, to bytes or to files."""

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from PIL import Image

from bnlab.files import write_atomically
from bnlab.plots.renderers import Paths, Pixels


def save(figure: Figure, path: Path, formats: Sequence[str] = ("png",)) -> list[Path]:
    """Write the figure to `path` + "." + format for each format (png, svg); return the paths.

    A path that ends in .png or .svg is written in this format only. The same figure gives the same bytes: a file
    has no date and no version. No partly written file is left.

    Raises: OSError.
    """
    if path.suffix in (".png", ".svg"):
        path, formats = path.with_suffix(""), (path.suffix[1:],)
    paths = [path.with_name(f"{path.name}.{name}") for name in formats]
    for name, file in zip(formats, paths, strict=True):
        write_atomically(file, to_bytes(figure, name))
    return paths


def to_bytes(figure: Figure, format: str = "png") -> bytes:
    """Return the figure as the bytes of a PNG or SVG file. The same figure gives the same bytes.

    Raises ValueError for another format.
    """
    if format not in ("png", "svg"):
        raise ValueError(f"format: got {format!r}, expected one of png, svg")
    return _png(figure) if format == "png" else _svg(figure)


def _png(figure: Figure) -> bytes:
    width, height = figure.get_size_inches() * figure.dpi
    renderer = Pixels(int(width), int(height), figure.dpi)
    figure.draw(renderer)
    opaque = Image.frombytes("RGB", (renderer.width, renderer.height), renderer.buffer_rgba(), "raw", "RGBX")
    image = io.BytesIO()
    # level 3 compresses a fifth faster than level 6, to 4 % more bytes
    opaque.save(image, "png", dpi=(figure.dpi, figure.dpi), compress_level=3)
    return image.getvalue()


def _svg(figure: Figure) -> bytes:
    dpi, (width, height) = figure.dpi, figure.get_size_inches() * 72
    image = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "bnlab"}):
        renderer = Paths(width, height, image, image_dpi=dpi, metadata={"Date": None, "Creator": None})
        try:
            figure.dpi = 72  # SVG's points
            figure.draw(renderer)
        finally:
            figure.dpi = dpi
        renderer.finalize()
    return image.getvalue().encode()
