"""How answers show themselves: in a line, as HTML in a notebook, and as pandas tables; and the bar while one waits."""

import base64
import io
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import bnlab as package
from bnlab import inline, progress
from bnlab.environment import command_line
from bnlab.errors import UserError
from bnlab.runs import Run
from bnlab.seed_check.conditions import Outcome


def pictures(html: str) -> list[Image.Image]:
    """Return the pictures in the HTML, decoded."""
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in re.findall(r'"data:image/png;base64,([^"]+)"', html)]


def words(html: str) -> str:
    """Return the text of the HTML, its tags as spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("comparison"))
        yield package.compare("regression", "regression_bn", seeds=range(2), overrides=["num_steps=4"], out="out")


class TestPieces:
    def test_text_is_escaped(self):
        assert inline.table(["<a>"], [["b & c", "<d>"]], {(0, 1)}) == (
            '<table><thead><tr><th style="text-align: left">&lt;a&gt;</th></tr></thead><tbody><tr>'
            '<td style="text-align: left">b &amp; c</td><td style="text-align: left"><b>&lt;d&gt;</b></td>'
            "</tr></tbody></table>"
        )
        assert inline.title("<x>", "a&b", Path("<y>")) == "<p><b>&lt;x&gt;</b> a&amp;b, in &lt;y&gt;</p>"

    def test_stars_make_bold_only_in_pairs(self):
        assert inline.sentences(["**a** < 2 ** 3", "b"]) == "<ul><li><b>a</b> &lt; 2 ** 3</li><li>b</li></ul>"
        assert inline.sentences([]) == ""

    def test_no_colour_is_set(self, short_run, comparison):
        """The notebook's theme is light or dark."""
        assert "color" not in short_run._repr_html_() + comparison._repr_html_()

    def test_a_picture_that_is_gone(self, tmp_path):
        assert inline.picture(tmp_path / "gone.png", "") == ""


class TestRun:
    def test_html(self, short_run: Run):
        html = short_run._repr_html_()
        (picture,) = pictures(html)
        with Image.open(short_run.path / "loss.png") as full:
            assert (picture.size, picture.mode) == (full.size, "P")
        assert len(html) < 60_000
        assert words(html).startswith(
            f"regression_bn 3 seeds, 9 records, in {short_run.path} last record mean std min max train_loss"
        )
        assert f"{short_run.summary['final']['test_loss']['mean']:.4g}" in html

    def test_a_seed_that_failed_everywhere(self, short_run: Run):
        nothing = {"mean": None, "std": None, "min": None, "max": None, "per_seed": [None]}
        failed = replace(short_run, summary={**short_run.summary, "final": {"test_loss": nothing}})
        assert words(failed._repr_html_()).endswith("last record mean std min max test_loss")

    def test_pandas_has_the_rows_of_metrics_csv(self, short_run: Run):
        table = short_run.to_pandas()
        written = pd.read_csv(short_run.path / "metrics.csv")
        assert list(table.columns) == list(written.columns) == ["seed", "data_seed", "step", "train_loss", "test_loss"]
        np.testing.assert_array_equal(table.to_numpy(np.float32), written.to_numpy(np.float32))


class TestRuns:
    def test_one_line_however_many(self, folder):
        for name in ("regression", "regression", "regression_bn"):
            package.train(name, overrides=["num_steps=2"])
        runs = package.runs()
        assert repr(runs) == "Runs(2 of regression, 1 of regression_bn; 3 finished)"
        assert words(runs._repr_html_()).startswith(f"run seeds state last metrics {runs[0].path} 0 finished test_loss ")
        table = runs.to_pandas()
        assert table["config"].tolist() == ["regression", "regression", "regression_bn"]
        assert table["run"].tolist() == [str(entry.path) for entry in runs]
        assert table["test_loss"].tolist() == [entry.final["test_loss"]["mean"] for entry in runs]
        assert table[["seeds", "failed"]].to_numpy().tolist() == [[1, 0]] * 3

    def test_none(self, folder):
        assert repr(package.runs()) == "Runs(none)"
        assert package.runs().to_pandas().empty


class TestComparison:
    def test_html(self, comparison):
        assert len(pictures(comparison._repr_html_())) == 1
        text = words(comparison._repr_html_())
        assert text.startswith("regression_bn against regression 2 seeds, in out Final test loss: ")
        assert "metric arm n mean ± std" in text

    def test_pandas_is_comparison_csv(self, comparison):
        table = comparison.to_pandas()
        final = table[table.measure == "final"]
        assert final["arm"].tolist() == ["regression", "regression_bn"]
        means = [comparison.curves["test_loss"][arm][:, -1].mean(dtype=np.float64) for arm in final["arm"]]
        np.testing.assert_allclose(final["mean"], means, rtol=1e-12)
        assert final["effect_value"].isna().tolist() == [True, False]
        header = (comparison.folder / "comparison.csv").read_text(encoding="utf-8").splitlines()[0]
        assert header == ",".join(table.columns)


def test_the_command_of_a_notebook_is_not_its_kernels(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/some/site-packages/ipykernel_launcher.py", "-f", "/root/kernel-1.json"])
    assert command_line() == ["notebook"]
    monkeypatch.setattr(sys, "argv", ["/usr/bin/bnlab", "train", "digits"])
    assert command_line() == ["bnlab", "train", "digits"]


def test_a_seed_check(short_config):
    outcomes = [
        Outcome("twice in one process", "bitwise", "bitwise", True),
        Outcome("another <seed>", "differ", "bitwise", False),
    ]
    report = package.SeedCheck(short_config, 60, "test_loss 2", [], outcomes, {})
    assert repr(report) == "SeedCheck(regression_bn, 60 steps: 1 of 2 conditions ok)"
    assert words(report._repr_html_()) == (
        "seed-check regression_bn 60 steps condition must be is first difference digits conclusion "
        "twice in one process bitwise bitwise – – – ok another &lt;seed&gt; different bitwise – – – FAILED"
    )
    assert report.to_pandas()[["name", "ok"]].to_numpy().tolist() == [
        ["twice in one process", True],
        ["another <seed>", False],
    ]


def test_a_reproduction(folder):
    found = package.reproduce("004", quick=True, out="report")
    assert (folder / "report" / "report.html").is_file()
    assert re.fullmatch(r"Reproduction\(004: \d+ reproduced(, \d+ [a-z ]+)*; report\)", repr(found))
    text = words(found._repr_html_())
    assert text.startswith(f"{len(found.judged)} claims report/report.html shows every claim ")
    assert "study reproduced unusual draw contradicted underpowered underspecified not run" in text
    table = found.to_pandas()
    assert table["claim"].tolist() == [one.claim.id for one in found.judged]
    assert table["verdict"].tolist() == [one.verdict for one in found.judged]


def test_a_reproduction_shows_a_figure_of_its_first_study(folder):
    found = package.reproduce("000", seeds=1, quick=True, out="report")
    (picture,) = pictures(found._repr_html_())
    assert picture.width > 900


def test_without_pandas(short_run, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(
        UserError, match=r"^to_pandas needs the package pandas, which is not installed: run pip install pandas$"
    ):
        short_run.to_pandas()


class TestProgress:
    def test_a_script_without_a_terminal_is_silent(self, folder, capfd):
        package.train("regression", overrides=["num_steps=2"])
        assert capfd.readouterr() == ("", "")

    @pytest.fixture
    def published(self, monkeypatch) -> list[tuple[str, str, bool]]:
        """What a notebook is told: (identity, HTML, whether it replaces what was there)."""
        calls: list[tuple[str, str, bool]] = []

        def publish(data: dict[str, str], *, transient: dict[str, str], update: bool) -> None:
            calls.append((transient["display_id"], data["text/html"], update))

        shell = SimpleNamespace(kernel=object(), display_pub=SimpleNamespace(publish=publish))
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
        return calls

    def test_a_notebook_has_a_bar_that_goes(self, published, monkeypatch):
        monkeypatch.setattr(progress, "LEAST_SECONDS", 0.0)
        with progress.bar("a < b") as on_done:
            assert on_done
            on_done(0, 4)
            on_done(3, 4)
        identity = {call[0] for call in published}
        assert len(identity) == 1
        assert [call[1:] for call in published] == [
            ('a &lt; b <progress value="0" max="4">0%</progress> 0%', False),
            ('a &lt; b <progress value="3" max="4">75%</progress> 75%', True),
            ("", True),
        ]

    def test_the_bar_is_drawn_now_and_then(self, published):
        with progress.bar("long") as on_done:
            assert on_done
            for step in range(1000):
                on_done(step, 1000)
        assert len(published) < 100

    def test_every_function_shows_it_unless_told_not_to(self, published, folder):
        package.train("regression", overrides=["num_steps=2"])
        assert published[0][1].startswith("regression <progress")
        published.clear()
        package.train("regression", overrides=["num_steps=2"], progress=False)
        package.compare("regression", "regression_bn", seeds=0, overrides=["num_steps=2"], progress=False)
        assert published == []
        package.compare("regression", "regression_bn", seeds=1, overrides=["num_steps=2"])
        assert published[0][1].startswith("regression, regression_bn <progress")
        published.clear()
        package.compare("regression", "regression_bn", seeds=1, overrides=["num_steps=2"])  # nothing is left to train
        assert published == []

    def test_on_a_terminal(self, monkeypatch):
        text = io.StringIO()
        text.isatty = lambda: True
        monkeypatch.setattr(sys, "stderr", text)
        with progress.bar("training") as on_done:
            assert on_done
            on_done(1, 2)
        assert "training" in text.getvalue()
