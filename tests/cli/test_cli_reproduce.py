"""`bnlab reproduce`: what it prints, and with which code it ends."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bnlab.articles.article_004 import sequence
from bnlab.claims import Claim, ExactValue, StatedNumber
from bnlab.nn import BatchNorm
from bnlab.sources import SOURCES
from bnlab.studies import Article, Source, Study

Call = Callable[..., Any]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("out", ["taken", "taken/report"])
def test_a_report_that_cannot_be_written_is_refused_before_the_training(bnlab: Call, out: str):
    Path("taken").write_text("a file")
    answer = bnlab("reproduce", "000", "--out", out)
    assert answer.code == 2
    assert f"{Path('taken').absolute()}: cannot be written or read: Not a directory" in answer.err
    assert [path.name for path in Path().iterdir()] == ["taken"]


@pytest.mark.usefixtures("folder")
def test_article_004(bnlab: Call):
    answer = bnlab("reproduce", "004", "--quiet", "--out", "report")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0] == "Article 004"
    (row,) = [line.split() for line in lines if line.strip().startswith("article-004")]
    assert row == ["article-004", "48"]
    assert lines[-1] == "report/report.html"
    assert max(map(len, lines)) <= 80
    assert Path("report/report.html").is_file()


@pytest.mark.usefixtures("folder")
def test_a_paper(bnlab: Call, monkeypatch: pytest.MonkeyPatch):
    """A source of any name: nothing takes it for an article of three digits."""
    name = "Doe and Roe (2015)"
    claim = Claim("doe/sum", name, "table 1", "The sum is this.", ExactValue("sum"), StatedNumber("2"))
    paper = Source("doe-roe-2015", name, "On sums", "Theano", "It adds.")
    monkeypatch.setitem(
        SOURCES,
        "doe-roe-2015",
        Article(paper, (Study("doe-sums", name, "Sums", claims=(claim,)),), lambda: {"sum": lambda: 2.0}),
    )
    answer = bnlab("reproduce", "doe-roe-2015", "--quick", "--quiet", "--out", "report")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("Doe and Roe (2015) (quick)\n")
    page = Path("report/report.html").read_text(encoding="utf-8")
    assert '<option value="source-doe-roe-2015">Doe and Roe (2015)</option>' in page
    assert '<h2 id="source-doe-roe-2015">Doe and Roe (2015): <bdi>On sums</bdi></h2>' in page
    assert "bnlab reproduce doe-roe-2015</code>" in page
    page = Path("report/report.md").read_text(encoding="utf-8")
    assert "| [Doe and Roe (2015)](#doe-and-roe-2015-on-sums) | 1 |" in page
    answer = bnlab("reproduce", "doe-roe-2014")
    assert answer.err == (f"bnlab: doe-roe-2014: expected one of {', '.join(SOURCES)} (did you mean doe-roe-2015?)\n")


@pytest.mark.usefixtures("folder")
def test_strict(bnlab: Call, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sequence, "LAYER", BatchNorm(formula="tensorflow", momentum=0.9))
    answer = bnlab("reproduce", "004", "--quiet", "--out", "report")
    assert (answer.code, answer.err) == (0, "")
    contradicted = [line.split() for line in answer.out.splitlines() if line.endswith("contradicted")]
    assert ["004/one", "training", "call:", "moving_variance", "0.99", "contradicted"] in contradicted
    answer = bnlab("reproduce", "004", "--quiet", "--strict", "--out", "report")
    assert answer.code == 1
    assert answer.err == f"bnlab: {len(contradicted)} of 48 claims are contradicted\n"
    answer = bnlab("reproduce", "004", "--quiet", "--strict", "--json", "--out", "report")
    assert (answer.code, json.loads(answer.out)["counts"]["contradicted"]) == (1, len(contradicted))  # one document


@pytest.mark.usefixtures("folder")
def test_json(bnlab: Call):
    answer = bnlab("reproduce", "004", "--quiet", "--json", "--out", "report")
    document = json.loads(answer.out)
    assert document["counts"]["reproduced"] == 48
    assert document == json.loads(Path("report/claims.json").read_text(encoding="utf-8"))
    assert answer.err.splitlines()[-1] == "report/report.html"


@pytest.mark.usefixtures("folder")
def test_what_was_not_checked(bnlab: Call, monkeypatch: pytest.MonkeyPatch):
    def planted() -> dict[str, float]:
        raise RuntimeError("planted")

    monkeypatch.setattr(sequence, "measure", planted)
    answer = bnlab("reproduce", "004", "--quiet", "--out", "report")
    assert answer.code == 1
    assert answer.err == "bnlab: 35 of 48 claims were not checked; the report says why\n"
    assert "004/parameters: the check ended with RuntimeError: planted" in answer.out.splitlines()
    answer = bnlab("reproduce", "004", "--quiet", "--json", "--out", "report")
    assert (answer.code, json.loads(answer.out)["counts"]["not run"]) == (1, 35)  # one document
    assert answer.err.endswith("bnlab: 35 of 48 claims were not checked; the report says why\n")


@pytest.mark.usefixtures("folder")
def test_refused(bnlab: Call):
    answer = bnlab("reproduce", "04")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == f"bnlab: 04: expected one of {', '.join(SOURCES)} (did you mean 004?)\n"
    assert bnlab("reproduce", "--seeds", "0").code == 2
    assert not Path("runs").exists()


def test_its_runs_have_the_numerics_of_the_other_commands(bnlab_process: Call, tmp_path: Path):
    """Each command runs in a process of its own, without the flags of this one."""
    own = {"XLA_FLAGS": ""}
    assert bnlab_process("train", "regression", "--set", "num_steps=2", "--quiet", "--out", "run", env=own).code == 0
    assert bnlab_process("reproduce", "004", "--quiet", "--out", "report", env=own).code == 0
    trained = json.loads((tmp_path / "run" / "environment.json").read_text(encoding="utf-8"))
    reproduced = json.loads((tmp_path / "report" / "claims.json").read_text(encoding="utf-8"))
    assert reproduced["environment"]["numerics"] == trained["numerics"]
