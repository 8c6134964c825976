"""`bnlab seed-check`: the table, the file, the exit codes."""

import json
from pathlib import Path

from bnlab.seed_check import conditions


def one_condition(ok: bool):
    verdict = "bitwise" if ok else "not"
    first = None if ok else conditions.Difference(7, "params/bn0/gamma", 3)
    return lambda self: iter([lambda: conditions.Outcome("a condition", "bitwise", verdict, ok, first, None, not ok, False)])


def test_passed(bnlab, folder, monkeypatch):
    monkeypatch.setattr(conditions._Check, "conditions", one_condition(ok=True))
    code, out, err = bnlab("seed-check", "regression_bn", "--steps", 20, "--quiet")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("regression_bn: 20 of 2,000 steps, init seed 0, data seed 0; it prints train_loss ")
    assert any(line.split() == ["a", "condition", "bitwise", "bitwise", "–", "same", "same", "ok"] for line in lines)
    path = Path(lines[-1])
    assert path.parts[:2] == ("runs", "seed-check")
    assert path.name == "seed_check.json"
    assert json.loads(path.read_text(encoding="utf-8"))["passed"] is True


def test_failed(bnlab, folder, monkeypatch):
    monkeypatch.setattr(conditions._Check, "conditions", one_condition(ok=False))
    code, out, err = bnlab("seed-check", "regression_bn", "--steps", 20, "--quiet", "--out", "here", "--set", "seeds.init=5")
    assert (code, err) == (1, "bnlab: regression_bn: 1 of 1 conditions failed: a condition\n")
    assert "init seed 5, data seed 0" in out
    assert "step 7, params/bn0/gamma, 3 ULP" in out
    assert out.splitlines()[-1] == "here/seed_check.json"
    (written,) = json.loads(Path("here/seed_check.json").read_text(encoding="utf-8"))["conditions"]
    assert written["first"] == {"step": 7, "array": "params/bn0/gamma", "ulp": 3}


def test_it_is_shown_where_it_cannot_be_written(bnlab, folder, monkeypatch):
    monkeypatch.setattr(conditions._Check, "conditions", one_condition(ok=True))
    Path("here").write_text("a file")
    code, out, err = bnlab("seed-check", "regression_bn", "--steps", 20, "--quiet", "--out", "here")
    assert (code, err) == (2, "bnlab: here: cannot be written or read: File exists; what was finished before is kept\n")
    assert any(line.split()[:2] == ["a", "condition"] for line in out.splitlines())


def test_mistakes(bnlab, folder):
    assert bnlab("seed-check", "regresion")[0] == 2
    assert bnlab("seed-check", "regression_bn", "--steps", 0)[0] == 2
    code, _, err = bnlab("seed-check", "regression_bn", "--set", "batch_size=301")
    assert (code, err) == (
        2,
        "bnlab: regression_bn: batch_size: got 301, expected at most 300, the rows of the training set of regression\n",
    )
