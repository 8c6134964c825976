"""Verdicts stand only in what a command wrote, and results in the pages are what scripts/results.py stored."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from bnlab.claims import Verdict

ROOT = Path(__file__).resolve().parent.parent


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = load_script("results")
PAGES = script.pages(ROOT)
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
DEFINITIONS = re.compile(r"^<!-- verdicts: .*? -->\n(.*?)^<!-- end of verdicts -->$", re.DOTALL | re.MULTILINE)
# A line may break between two words, in a comment too.
VERDICTS = re.compile(r"\b(?:" + "|".join(verdict.replace(" ", r"[\s#]+") for verdict in Verdict) + r")\b", re.IGNORECASE)


def claimed_verdicts(text: str) -> list[str]:
    """Return the verdicts that stand neither in a result nor in the definitions."""
    return VERDICTS.findall(DEFINITIONS.sub("", script.BLOCK.sub("", text)))


def test_pairs_are_drawn(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    pairs = load_script("draw_pairs")
    monkeypatch.setattr(pairs, "SEEDS", "0:3")
    pairs.main()
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "learning_rate=0.0015 against learning_rate=0.001, 3 seeds:"
    assert said[-1] == "runs/figures/pairs"
    assert (folder / said[-1] / "pairs.png").is_file()


@pytest.mark.parametrize("path", [*PAGES, *CONFIGS], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_verdict_is_written_by_hand(path: Path):
    assert claimed_verdicts(path.read_text(encoding="utf-8")) == []


def test_a_planted_verdict_is_found():
    text = """
# Ended at 0.9449, an unusual
# draw. It was Reproduced elsewhere.
<!-- result: one: bnlab compare mnist mnist_bn -->
0.9449: **contradicted**
<!-- end of result -->
<!-- verdicts: what each word means -->
- *underpowered*: too few seeds.
<!-- end of verdicts -->
An irreproducible run is never underspecified.
"""
    assert claimed_verdicts(text) == ["unusual\n# draw", "Reproduced", "underspecified"]


def test_one_page_defines_every_verdict():
    sections = {page.name: DEFINITIONS.findall(page.read_text(encoding="utf-8")) for page in PAGES}
    assert [(name, len(found)) for name, found in sections.items() if found] == [("compare.md", 1)]
    defined = re.findall(r"^- \*(.+?)\*: ", sections["compare.md"][0], re.MULTILINE)
    assert defined == [str(verdict) for verdict in Verdict]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_results_are_as_stored(page: Path):
    for block in script.blocks(page):
        assert block.inside == block.expected(ROOT), f"{block.name}: run scripts/results.py {block.name}"


def test_every_stored_result_is_shown():
    shown = {block.stored(ROOT) for blocks in script.find_results(ROOT).values() for block in blocks}
    assert {path for path in (ROOT / "docs" / "results").glob("*") if path not in shown} == set()


def test_the_sections_of_the_benchmark_are_those_that_its_page_shows():
    machine = {"cores": 2, "sgemm_gflops": 211, "memory_gb_s": 25.6}
    report = {"machine": machine, "rounds": 3, "contenders": [], "seeds": [], "grids": [], "commands": []}
    sections = re.findall(r"^## (.+)$", load_script("benchmark").markdown(report), re.MULTILINE)
    assert [block.section for block in script.blocks(ROOT / "docs" / "speed.md") if block.name == "speed"] == sections


def test_every_result_is_in_a_closed_block():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = len(script.blocks(page))
        assert text.count("<!-- result: ") == text.count("<!-- end of result -->") == blocks, page


# --- The script ---------------------------------------------------------------------------------------------

PAGE = """# Page

<!-- result: small: bnlab train regression --set num_steps=2 --out runs/small -->
by hand
<!-- end of result -->

![The loss](images/small/loss.png) ![Of another result](images/other/loss.png)

<!-- result: both: bnlab compare regression regression_bn --seeds 0:2 --set num_steps=20 --out runs/both -->
<!-- end of result -->

<!-- result: both, Final values: bnlab compare regression regression_bn --seeds 0:2 --set num_steps=20 --out runs/both -->
<!-- end of result -->
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with one page, and one commit."""
    (tmp_path / "README.md").write_text("# Nothing\n", encoding="utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text(PAGE, encoding="utf-8")
    author = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for arguments in (("init", "--quiet"), ("add", "."), (*author, "commit", "--quiet", "--message", "one")):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    return tmp_path


def test_results_are_made(clone: Path):
    assert script.main(clone, []) == 0
    page = clone / "docs" / "page.md"
    small, both, finals = script.blocks(page)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=clone, check=True, capture_output=True, text=True)
    origin = rf" on \d{{4}}-\d\d-\d\d, bnlab [\d.]+, commit {commit.stdout.strip()}:\n\n"

    made = r"\nMade by `bnlab train regression --set num_steps=2 --out runs/small`"
    assert re.fullmatch(made + origin + r"```text\nregression: train_loss .*\nruns/small\n```\n\n", small.inside)
    assert (clone / "docs" / "images" / "small" / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert not (clone / "docs" / "images" / "other").exists()

    comparison = (clone / "runs" / "both" / "comparison.md").read_text(encoding="utf-8")
    for block, first in ((both, r"- Final test loss: "), (finals, r"The last record of each seed\. ")):
        match = re.fullmatch(rf"\nMade by `{block.command}`{origin}({first}.*)\n\n", block.inside, re.DOTALL)
        assert match
        assert f"## {block.section}\n\n{match[1]}\n\n## " in comparison
    assert sorted(path.name for path in (clone / "docs" / "results").iterdir()) == [
        "both-final-values.md",
        "both.md",
        "small.md",
    ]


def test_a_table_that_a_command_prints_stays_a_table(clone: Path):
    table = "| what | seconds |\n| --- | --- |\n| all | 1.0 |"
    (clone / "table.py").write_text(f"print('A table.\\n')\nprint({table!r})", encoding="utf-8")
    page = clone / "docs" / "page.md"
    page.write_text("<!-- result: table: python table.py -->\n<!-- end of result -->\n", encoding="utf-8")
    assert script.main(clone, []) == 0
    (block,) = script.blocks(page)
    assert block.inside.endswith(f":\n\nA table.\n\n{table}\n\n")


TWICE = """# Page

<!-- result: small: bnlab train regression --set num_steps=2 -->
<!-- end of result -->

<!-- result: both: bnlab compare regression regression_bn --seeds 0:2 --set num_steps=20 -->
<!-- end of result -->

![One run](images/small/loss.png) ![Two arms](images/both/test_loss.png)
"""
STAMP = re.compile(r"\d{4}-\d\d-\d\d, bnlab [\d.]+, commit \w+(?: with changes)?|\d{8}-\d{6}")
"""When and from which commit a result was made, and the time in the name of a folder."""


def without_stamp(path: Path) -> bytes:
    content = path.read_bytes()
    return content if path.suffix == ".png" else STAMP.sub("STAMP", content.decode()).encode()


def test_results_made_twice_are_the_same_but_for_the_stamp(clone: Path, monkeypatch: pytest.MonkeyPatch):
    docs = clone / "docs"
    (docs / "page.md").write_text(TWICE, encoding="utf-8")
    made: list[dict[str, bytes]] = []
    for day in ("2026-11-20", "2026-11-21"):
        monkeypatch.setattr(script.time, "strftime", lambda form, day=day: day)
        assert script.main(clone, []) == 0
        assert f"on {day}, bnlab" in (docs / "page.md").read_text(encoding="utf-8")
        made.append({str(path.relative_to(docs)): without_stamp(path) for path in docs.rglob("*") if path.is_file()})
        shutil.rmtree(docs / "images")
        shutil.rmtree(docs / "results")
    assert sorted(made[0]) == [
        "images/both/test_loss.png",
        "images/small/loss.png",
        "page.md",
        "results/both.md",
        "results/small.md",
    ]
    assert made[0] == made[1]
    assert b"STAMP" in made[0]["results/small.md"]


def test_a_report_becomes_a_page(clone: Path):
    (clone / "README.md").write_text(
        "# Clone\n\n<!-- result: answer, The verdicts: bnlab reproduce 004 --out runs/answer -->\n<!-- end of result -->\n",
        encoding="utf-8",
    )
    (clone / "docs" / "images" / "answer").mkdir(parents=True)
    (clone / "docs" / "images" / "answer" / "old.png").write_bytes(b"")
    assert script.main(clone, ["answer"]) == 0
    (block,) = script.blocks(clone / "README.md")
    assert "| source | claims | ✓ reproduced |" in block.inside
    assert "| Article 004 | 48 | 48 |" in block.inside  # without the link, which leads to a place in the report
    assert "[" not in block.inside

    page, report = clone / "docs" / "answer.md", clone / "runs" / "answer" / "report.md"
    lines, own = page.read_text(encoding="utf-8").splitlines(), report.read_text(encoding="utf-8").splitlines()
    assert (lines[0], lines[2]) == ("# bnlab report: 48 claims of 1 source", "[All pages](README.md)")
    made = r"Made by `bnlab reproduce 004 --out runs/answer` on \d{4}-\d\d-\d\d, bnlab [\d.]+, commit \w+\."
    assert re.fullmatch(made, lines[6])
    assert lines[8:] == own[2:]
    assert page not in script.pages(clone)  # it shows no results of others
    assert list((clone / "docs" / "images" / "answer").iterdir()) == []  # the figures of an old report are gone


def test_the_report_in_the_docs_has_every_picture_that_it_shows_and_no_other():
    page, pictures = ROOT / "docs" / "report.md", ROOT / "docs" / "images" / "report"
    shown = re.findall(r"\]\(images/report/([^)]+)\)", page.read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(path.name for path in pictures.iterdir())
    assert sum(path.stat().st_size for path in pictures.iterdir()) < 3_000_000


def test_a_command_that_fails_changes_nothing(clone: Path, capfd: pytest.CaptureFixture[str]):
    page = clone / "docs" / "page.md"
    page.write_text(PAGE.replace("train regression ", "train regresion "), encoding="utf-8")
    before = page.read_text(encoding="utf-8")
    assert script.main(clone, ["small"]) == 1
    assert "returned non-zero exit status 2" in capfd.readouterr().err
    assert page.read_text(encoding="utf-8") == before


def test_a_section_that_is_not_there(clone: Path, capfd: pytest.CaptureFixture[str]):
    page = clone / "docs" / "page.md"
    page.write_text(PAGE.replace("Final values", "Finale"), encoding="utf-8")
    assert script.main(clone, ["both"]) == 1
    assert capfd.readouterr().err.endswith(f"both: {clone}/runs/both/comparison.md: has no section 'Finale'\n")


def test_one_name_has_one_command(clone: Path):
    (clone / "README.md").write_text("<!-- result: small: bnlab configs -->\n<!-- end of result -->\n", encoding="utf-8")
    message = (
        f"{clone}/docs/page.md: result small: got 'bnlab train regression --set num_steps=2 --out runs/small', "
        "elsewhere 'bnlab configs'"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        script.main(clone, ["small"])


def test_an_unknown_name_is_refused(clone: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match=r"^2$"):
        script.main(clone, ["smal"])
    assert capsys.readouterr().err.endswith("error: got 'smal', expected one of small, both\n")
