"""`--json`: one document on standard output that fits its schema, also where a command fails."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bnlab.cli import answers
from bnlab.data.idx_sets import MNIST
from bnlab.seed_check import conditions

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
SHORT = ("--set", "num_steps=60", "--set", "record_every=6", "--quiet", "--json")


def fits(out: str, model: type[answers.Answer]) -> dict:
    """Return the one document in `out`, which has no field that the model does not have, nor lacks one."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    document = json.loads(out, parse_constant=refuse)
    TypeAdapter(model).validate_python(document, strict=False)
    return document


def test_compare(bnlab: Callable, folder: Path):
    answer = bnlab("compare", "regression", "regression_bn", "--seeds", "0:6", *SHORT, "--out", "here")
    assert answer.code == 0, answer.err
    document = fits(answer.out, answers.CompareAnswer)
    assert document["folder"] == "here"
    assert document["first_figure"] == "test_loss.png"
    assert document["findings"][0].startswith("Final test loss: ")
    assert {key: value for key, value in document.items() if key not in ("folder", "first_figure", "findings")}.items() >= {
        "baseline": "regression",
        "seeds": list(range(6)),
    }.items()
    own = json.loads(Path("here/comparison.json").read_text())
    final = document["metrics"]["test_loss"]["final"]["regression_bn"]["against_baseline"]
    assert final == own["metrics"]["test_loss"]["final"]["regression_bn"]["against_baseline"]
    assert answer.err.splitlines() == ["regression: 6 seeds to be trained", "regression_bn: 6 seeds to be trained"]


def test_configs(bnlab: Callable):
    document = fits(bnlab("configs", "--json").out, answers.ConfigsAnswer)
    assert "digits_bn" in [config["name"] for config in document["configs"]]
    (study,) = [study for study in document["studies"] if study["name"] == "article-003"]
    assert study["arms"] == ["no BN", "BN"]
    document = fits(bnlab("configs", "--fields", "model.norm.momentum", "--json").out, answers.FieldsAnswer)
    assert [field["key"] for field in document["fields"]] == ["model.norm.momentum"]


def test_data_status(bnlab: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert fits(bnlab("data", "status", "--json").out, answers.DataAnswer)["damaged"] is False
    monkeypatch.setenv("BNLAB_DATA_DIR", str(tmp_path))
    (tmp_path / MNIST.files[0].name).write_bytes(b"not a gzip file")
    answer = bnlab("data", "status", "--json")
    assert answer.code == 1
    assert fits(answer.out, answers.DataAnswer)["damaged"] is True
    assert answer.err.startswith("bnlab: a file is damaged")


@pytest.mark.parametrize("ok", [True, False])
def test_seed_check(ok: bool, bnlab: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch):
    first = None if ok else conditions.Difference(7, "params/bn0/gamma", 3)
    outcome = conditions.Outcome("a condition", "bitwise", "bitwise" if ok else "not", ok, first, None, not ok, False)
    monkeypatch.setattr(conditions._Check, "conditions", lambda self: iter([lambda: outcome]))
    answer = bnlab("seed-check", "regression_bn", "--steps", 20, "--quiet", "--json")
    assert answer.code == (0 if ok else 1)
    document = fits(answer.out, answers.SeedCheckAnswer)
    assert document["passed"] is ok
    assert Path(document["path"]).name == "seed_check.json"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("compare", "regression", "--json"), "regression: one arm alone; name two or more, or give one config several values"
         " with --vary"),
        (("seed-check", "digits", "--set", "batch_size=x", "--json"), None),
        (("runs", "nothing", "--json"), "nothing: no run in runs has this name, and no folder here"),
        (("configs", "--fields", "x.y", "--json"), "x.y: no field begins so"),
        (("compare", "regression", "--json", "--bad"), "the command line was not understood; standard error says why"),
        (("data", "status", "--json", "--bad"), "the command line was not understood; standard error says why"),
    ],
)  # fmt: skip
def test_errors(command: tuple[str, ...], message: str | None, bnlab: Callable, folder: Path):
    answer = bnlab(*command)
    assert answer.code == 2
    error = fits(answer.out, answers.ErrorAnswer)["error"]
    assert error["exit_code"] == 2
    assert error["message"] == (message or answer.err.removeprefix("bnlab: ").strip())
    assert answer.err


def test_without_it_errors_are_not_on_standard_output(bnlab: Callable, folder: Path):
    assert bnlab("runs", "nothing").out == ""


def models(model: type[answers.Answer]) -> set[type[answers.Answer]]:
    """Return the model and all models that its fields hold."""
    found = {model}
    for field in model.model_fields.values():
        parts = [field.annotation]
        while parts:
            part = parts.pop()
            parts += getattr(part, "__args__", ())
            if isinstance(part, type) and issubclass(part, answers.Answer):
                found |= models(part)
    return found


def test_the_page_describes_every_field():
    """docs/json.md has a table for each model, with exactly its fields."""
    for model in set().union(*(models(document) for document in answers.DOCUMENTS)):
        title = f"### {model.__name__}\n"
        assert title in PAGE
        section = re.split(r"^##", PAGE.split(title)[1], flags=re.MULTILINE)[0]
        assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(model.model_fields)
