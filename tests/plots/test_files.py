"""Figures as bytes and files."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from PIL import Image

from bnlab import plots
from bnlab.plots.renderers import Pixels
from tests.plots.reading import UNIT


class TestSave:
    def figure(self) -> Figure:
        return plots.metric_figure(np.arange(9), {"test": np.ones((3, 9))}, title="λ", unit=UNIT, quantity="loss", log=True)

    def test_one_file_for_each_format_and_none_besides(self, tmp_path: Path):
        paths = plots.save(self.figure(), tmp_path / "new" / "run.v1", ("png", "svg"))
        assert paths == [tmp_path / "new" / "run.v1.png", tmp_path / "new" / "run.v1.svg"]
        assert sorted((tmp_path / "new").iterdir()) == paths
        assert paths[0].read_bytes().startswith(b"\x89PNG\r\n")
        assert paths[1].read_bytes().startswith(b"<?xml")

    def test_a_path_with_a_suffix_is_that_file(self, tmp_path: Path):
        assert plots.save(self.figure(), tmp_path / "loss.svg") == [tmp_path / "loss.svg"]
        assert plots.save(self.figure(), tmp_path / "loss.png") == [tmp_path / "loss.png"]

    def test_the_same_bytes_each_time_and_for_each_equal_figure(self, tmp_path: Path):
        figure, formats = self.figure(), ("png", "svg")
        first = plots.save(figure, tmp_path / "first", formats)
        for again in (
            plots.save(figure, tmp_path / "second", formats),
            plots.save(self.figure(), tmp_path / "third", formats),
        ):
            assert [path.read_bytes() for path in again] == [path.read_bytes() for path in first]
        png, svg = (path.read_bytes() for path in first)
        assert b"matplotlib" not in png.lower()
        assert b"<dc:date>" not in svg
        assert b"Matplotlib v" not in svg

    def test_a_failed_write_leaves_the_old_file_alone_and_no_temporary_one(self, tmp_path: Path, monkeypatch):
        (path,) = plots.save(self.figure(), tmp_path / "loss")
        before = path.read_bytes()

        def fail(self: Path, target: Path) -> None:
            raise OSError("disk full")

        monkeypatch.setattr(Path, "replace", fail)
        other = plots.metric_figure(
            np.arange(2), {"test": np.ones((1, 2))}, title="", quantity="accuracy", unit="%", log=False
        )
        with pytest.raises(OSError, match=r"^disk full$"):
            plots.save(other, tmp_path / "loss")
        assert list(tmp_path.iterdir()) == [path]
        assert path.read_bytes() == before

    def test_another_format_is_refused(self):
        with pytest.raises(ValueError, match=r"^format: got 'pdf', expected one of png, svg$"):
            plots.to_bytes(self.figure(), "pdf")

    def test_a_png_has_the_size_of_the_figure_and_no_transparency(self):
        figure = self.figure()
        image = Image.open(io.BytesIO(plots.to_bytes(figure)))
        width, height = figure.get_size_inches() * 110
        assert image.mode == "RGB"
        assert image.size == (int(width), int(height))
        assert image.getpixel((0, 0)) == (255, 255, 255)

    @pytest.mark.parametrize("format", ["png", "svg"])
    def test_what_was_drawn_before_changes_nothing(self, format):
        """Texts are laid out once per process. A fresh process, with no text laid out, draws the same bytes."""
        code = (
            "import sys, numpy as np; from bnlab import plots\n"
            "curves = {'test': np.ones((3, 9))}\n"
            f"figure = plots.metric_figure(np.arange(9), curves, title='λ', unit={UNIT!r}, quantity='loss', log=True)\n"
            f"sys.stdout.buffer.write(plots.to_bytes(figure, {format!r}))"
        )
        other = plots.metric_figure(
            np.arange(2), {"test": np.ones((1, 2))}, title="λ", quantity="accuracy", unit="%", log=False
        )
        plots.to_bytes(other, "svg"), plots.to_bytes(other, "png")
        fresh = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
        assert plots.to_bytes(self.figure(), format) == fresh

    @pytest.mark.parametrize("format", ["png", "svg"])
    def test_mathematics_and_vertical_words_are_drawn_too(self, format):
        figure, same = self.figure(), self.figure()
        figure.text(0.5, 0.5, "$x^2$")
        figure.text(0.2, 0.5, "up", rotation=90)
        assert plots.to_bytes(figure, format) != plots.to_bytes(same, format)


def ink(image: bytes) -> float:
    return float((255 - np.asarray(Image.open(io.BytesIO(image)).convert("L"), dtype=float)).sum())


def test_lines_of_text_have_the_distance_that_matplotlib_gives_them():
    figure = Figure(dpi=110, figsize=(4, 1))
    text = figure.text(0.1, 0.9, "one\ntwo\nthree", verticalalignment="top")
    theirs = text.get_window_extent(RendererAgg(440, 110, 110)).height
    assert text.get_window_extent(Pixels(440, 110, 110)).height == pytest.approx(theirs, abs=1e-9)


def test_text_looks_as_matplotlib_draws_it():
    """Text on whole pixels moves an edge, but neither adds nor removes ink."""
    figure = Figure(dpi=110, figsize=(4, 1))
    figure.text(0.1, 0.5, "0.05 Test loss, gÅ", fontsize=14)
    plain = io.BytesIO()
    figure.savefig(plain, format="png")
    ours, theirs = plots.to_bytes(figure), plain.getvalue()
    assert ink(ours) == pytest.approx(ink(theirs), rel=0.02)
    a, b = (np.asarray(Image.open(io.BytesIO(image)).convert("L")) < 128 for image in (ours, theirs))
    for axis in (0, 1):
        (first, last), (their_first, their_last) = ((np.flatnonzero(x.any(axis=axis))[[0, -1]]) for x in (a, b))
        assert abs(first - their_first) <= 1
        assert abs(last - their_last) <= 1
