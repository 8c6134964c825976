"""Figures as bytes and files."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from bnlab import plots
from tests.plots.reading import UNIT


class TestSave:
    def figure(self) -> Figure:
        return plots.loss_figure(np.arange(9), {"test": np.ones((3, 9))}, title="λ", unit=UNIT)

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
        other = plots.accuracy_figure(np.arange(2), {"test": np.ones((1, 2))}, title="")
        with pytest.raises(OSError, match=r"^disk full$"):
            plots.save(other, tmp_path / "loss")
        assert list(tmp_path.iterdir()) == [path]
        assert path.read_bytes() == before
