"""The files of a report."""

import itertools
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from bnlab.errors import UserError
from bnlab.metrics import metrics_of
from bnlab.report import figures
from bnlab.report.model import CheckedStudy, Reproduction
from bnlab.report.writing import write
from bnlab.runs import Run, gather
from bnlab.studies import Study, StudyArm


def test_what_is_written(report: Path):
    names = sorted(path.relative_to(report).as_posix() for path in report.rglob("*") if path.is_file())
    pictures = [
        f"figures/article-003-{metric}-{seeds}.png"
        for metric in ("test_accuracy", "test_loss")
        for seeds in ("all-seeds", "one-seed")
    ]
    assert names == ["claims.json", *pictures, "report.html", "report.md"]


def test_a_report_is_replaced(reproduction: Reproduction, tmp_path: Path):
    (tmp_path / "report.html").write_text("old")
    assert write(reproduction, tmp_path) == tmp_path / "report.html"
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_the_same_reproduction_gives_the_same_bytes(reproduction: Reproduction, report: Path, tmp_path: Path):
    write(reproduction, tmp_path)
    for path in tmp_path.rglob("*.*"):
        assert path.read_bytes() == (report / path.relative_to(tmp_path)).read_bytes()


def test_a_folder_that_cannot_be_written(reproduction: Reproduction, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError) as caught:
        write(reproduction, tmp_path / "file")
    assert str(caught.value) == (
        f"{tmp_path / 'file' / 'figures'}: cannot be written or read: Not a directory; what was finished before is kept"
    )


def test_the_templates_are_beside_the_code():
    names = {file.name for file in files("bnlab.report").joinpath("templates").iterdir()}
    assert names == {"parts.html", "report.css", "report.html", "report.js", "report.md"}


@pytest.fixture(scope="module")
def claims(report: Path) -> dict:
    def refuse(constant: str):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads((report / "claims.json").read_text(), parse_constant=refuse)


@pytest.fixture(scope="module")
def page(report: Path) -> list[str]:
    return (report / "report.md").read_text().splitlines()


class TestClaims:
    def test_top(self, claims: dict):
        assert {key: claims[key] for key in ("schema", "date", "command", "seconds", "seeds", "quick")} == {
            "schema": 1,
            "date": "2026-11-21 19:00",
            "command": ["bnlab", "reproduce", "003"],
            "seconds": 75.0,
            "seeds": 8,
            "quick": False,
        }
        assert claims["counts"] == {
            "reproduced": 5,
            "unusual draw": 1,
            "contradicted": 1,
            "underpowered": 2,
            "underspecified": 1,
            "not run": 1,
        }

    def test_a_stated_value(self, claims: dict):
        one = claims["sources"][0]["studies"][0]["claims"][0]
        assert (one["id"], one["verdict"]) == ("003/loss", "reproduced")
        assert one["stated"] == {"text": "3.04", "value": 3.04, "last_digit_unit": 0.01}
        assert one["check"] == {"kind": "run value", "arm": "no BN", "metric": "test_loss", "step": 4}
        assert one["evidence"]["kind"] == "stated value"
        assert one["evidence"]["mean"] == pytest.approx(3.035)
        assert one["per_seed"]["seeds"][:2] == [[0, 0], [1, 1]]
        assert one["per_seed"]["values"] == pytest.approx(3 + 0.01 * np.arange(8))

    def test_arms_and_curves(self, claims: dict):
        study = claims["sources"][0]["studies"][0]
        assert [arm["label"] for arm in study["arms"]] == ["no BN", "BN"]
        assert [len(arm["runs"]) for arm in study["arms"]] == [1, 1]
        assert study["curves"][0]["ours"] == [0.5, 1.0, 1.5, 2.0]

    def test_without_evidence(self, claims: dict):
        one = claims["sources"][0]["studies"][0]["claims"][-1]
        assert (one["verdict"], one["why"], one["evidence"]) == ("not run", "MNIST is not here.", None)


class TestMarkdown:
    def test_verdicts(self, page: list[str]):
        row = page.index("| [Article 003](#article-003-bn-lab-on-mnist) | 8 | 3 | 1 | · | 2 | 1 | 1 | 8 | 3.2 s |")
        assert page[row - 1] == "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
        assert page[row + 2] == "| **all** | **11** | **5** | **1** | **1** | **2** | **1** | **1** | | **3.2 s** |"
        assert (
            "| Article 003 | After training, the test loss is this. (test loss of no BN after step 4) | 3.04 "
            r"| 3.035 \[2.969, 3.101\], 8 seeds | ✓ **reproduced** |"
        ) in page

    def test_what_did_not_come_out_stands_first(self, page: list[str]):
        first, after = page.index("## What did not come out as the source says"), page.index("## All claims")
        ids = [line.split(" | ")[1] for line in page[first:after] if line.startswith("| Article")]
        assert [text.partition(" (")[0] for text in ids] == [
            "BN learns faster.",
            "It works on images.",
            "After training, the test loss with BN is this.",
            "After training, the test loss with BN is this too.",
            "The sum is this.",
        ]

    def test_strips(self, page: list[str]):
        """3.00 to 3.07, the interval from 2.969 to 3.101, 3.04 stated."""
        row = next(line for line in page if line.startswith("| After training, the test loss is this. (test loss of no BN"))
        assert "| `2.96 ─[────•─•─••─◆•─•─•────]─ 3.11` |" in row

    def test_the_sources_own_system(self, page: list[str]):
        # 3.00 … 3.07 and 0.8 − 0.002 k
        head = page.index("| what | stated by the source | TensorFlow 1.8.0, five seeds | ours | among our seeds |")
        loss, accuracy = page[head + 2 : head + 4]
        ours = "3.035 ± 0.024, 8 seeds"
        assert (
            loss
            == f"| Test loss of no BN after step 4 | 3.04 | 3.050 ± 0.020 | {ours} | `3 ─•──•──•──▲───◆──▲──•──▲─ 3.07` |"
        )
        assert accuracy.startswith("| Test accuracy of BN after step 4 |  | 77.12, 80.1 % | 79.30 ± 0.49 %, 8 seeds | `77")
        assert accuracy.count("▲") == 2

    def test_every_picture_is_there(self, page: list[str], report: Path):
        pictures = [line.rpartition("(")[2].rstrip(")") for line in page if line.startswith("![")]
        assert len(pictures) == 4
        assert all((report / picture).is_file() for picture in pictures)

    def test_tables_are_whole(self, page: list[str]):
        for before, line in itertools.pairwise(page):
            if before.startswith("|") and line.startswith("|"):
                assert line.replace(r"\|", "").count("|") == before.replace(r"\|", "").count("|")


def test_a_regression_is_drawn_as_its_article_did_with_one_seed_and_with_all(short_run: Run):
    pool, _ = gather(short_run.config, [short_run])
    study = Study("fit", "article 000", "Fit", arms=(StudyArm("regression_bn", "BN"),), metrics=())
    fit, losses, *_ = figures.draw(CheckedStudy(study, (), pools={"BN": pool}, metrics=metrics_of(pool.config)))
    assert fit.many is not None
    assert (fit.title, fit.one.name, fit.many.name) == ("Fit of BN", "fit-fit-0-one-seed.png", "fit-fit-0-all-seeds.png")
    assert fit.one.caption == "Fit of BN, one seed."
    assert losses.many is not None
    assert (losses.title, losses.many.name) == ("Losses of BN", "fit-losses-0-all-seeds.png")
    ends = {name: np.median(pool.curves[name][:, -1]) for name in ("train_loss", "test_loss")}
    assert losses.many.alt == (
        f"Training and test loss of BN over 60 steps, 3 seeds; at the end: training loss: {ends['train_loss']:.3g}; "
        f"test loss: {ends['test_loss']:.3g}."
    )
    predicted = figures._predict(pool, figures.regression.load().test.inputs)
    loss = np.square(predicted - figures.regression.load().test.targets[:, 0]).mean(1) / 2  # ½ Σ d² per point
    np.testing.assert_allclose(loss, pool.curves["test_loss"][:, -1], rtol=1e-5)
