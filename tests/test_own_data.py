"""Configs on a file of the user's own: where it is looked for, what a config records of it, what a run depends on."""

import shutil
from pathlib import Path

import pytest

from bnlab.config import Config, load_config
from bnlab.errors import UserError
from bnlab.metrics import metrics_of
from bnlab.runs import computation, identity, read_run
from bnlab.training import prepare

REFERENCE = Path(__file__).parent / "reference"
FOUND = {
    "train_rows": 120,
    "valid_rows": 0,
    "test_rows": 30,
    "num_classes": 3,
    "sha256": "dad19dc3817625a5490ab6be0fdb592efdcd6921badbbaf4275cef90bcfaa994",
}


@pytest.fixture
def iris(tmp_path: Path) -> Path:
    """A copy of tests/reference/iris.yaml and of its file."""
    for name in ("iris.yaml", "iris.csv"):
        shutil.copyfile(REFERENCE / name, tmp_path / name)
    return tmp_path / "iris.yaml"


def refusal(path: Path, *overrides: str) -> str:
    with pytest.raises(UserError) as caught:
        load_config(path, overrides=overrides)
    return str(caught.value).removeprefix(f"{path}: ")


def test_what_is_found_is_in_the_config(iris):
    config = load_config(iris)
    assert config.data.path == str(iris.parent / "iris.csv")
    assert config.data.found is not None
    assert config.data.found.model_dump() == FOUND
    assert (config.num_steps, config.record_every) == (150, 8)  # 20 epochs of 120 / 16 = 7.5 steps
    assert [metric.name for metric in metrics_of(config)] == ["train_loss", "train_accuracy", "test_loss", "test_accuracy"]
    with_valid = load_config(iris, overrides=["data.valid_fraction=0.1"])
    assert [metric.name for metric in metrics_of(with_valid)][2:4] == ["valid_loss", "valid_accuracy"]


def test_a_run_reads_without_the_file(iris, tmp_path, bnlab):
    out = tmp_path / "run"
    assert bnlab("train", iris, "--set", "num_steps=2", "--out", out, "--quiet").code == 0
    (tmp_path / "iris.csv").unlink()
    run = read_run(out)
    assert run.config.data.found is not None
    assert run.config.data.found.model_dump() == FOUND
    assert run.curves["test_accuracy"].shape == (1, 1)


def test_the_content_decides_and_not_the_path(iris, tmp_path):
    config = load_config(iris)
    moved = tmp_path / "elsewhere" / "flowers.txt"
    moved.parent.mkdir()
    (tmp_path / "iris.csv").rename(moved)
    same = load_config(iris, overrides=[f"data.path={moved}"])
    assert identity(same) == identity(config)
    assert computation(config)["data"] == {
        "name": "csv",
        "target": "species",
        "task": "classification",
        "found": FOUND["sha256"],
    }
    lines = moved.read_text(encoding="utf-8").splitlines()
    moved.write_text("\n".join([*lines[:-1], lines[-1].replace("1.8", "1.9")]), encoding="utf-8")
    assert identity(load_config(iris, overrides=[f"data.path={moved}"])) != identity(config)


@pytest.mark.parametrize("change", ["data.split_seed=1", "data.test_fraction=0.3", "data.standardise=false"])
def test_what_makes_other_rows_is_another_computation(iris, change):
    assert identity(load_config(iris, overrides=[change])) != identity(load_config(iris))


def test_a_file_that_changed_after_the_run(iris, tmp_path):
    (tmp_path / "again.yaml").write_text(load_config(iris).to_yaml(), encoding="utf-8")
    again = load_config(tmp_path / "again.yaml")
    with (tmp_path / "iris.csv").open("a", encoding="utf-8") as file:
        file.write("5,3,1,0.2,setosa\n")
    with pytest.raises(UserError) as caught:
        prepare([again])
    message = "has other content than data.found says; without data.found, the file is taken as it is"
    assert str(caught.value) == f"{tmp_path / 'iris.csv'}: {message}"
    assert load_config(tmp_path / "again.yaml", overrides=["data.split_seed=0"]).data.facts.train_rows == 121


def test_the_current_folder_comes_before_that_of_the_config(iris, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert load_config(iris).data.path == str(tmp_path / "iris.csv")
    shutil.copyfile(tmp_path / "iris.csv", "iris.csv")
    assert load_config(iris).data.path == str(tmp_path / "here" / "iris.csv")
    Path("iris.csv").unlink()
    (tmp_path / "iris.csv").unlink()
    assert refusal(iris) == f"data.path: there is no file iris.csv; looked in {tmp_path / 'here'} and {tmp_path}"
    long = "a" * 300
    assert refusal(iris, "data.path=~nobody-here/a.csv") == (
        "data.path: got '~nobody-here/a.csv', and there is no such home folder"
    )
    assert refusal(iris, f"data.path={long}") == f"data.path: {long}: cannot be read: File name too long"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "data.target=petal",
            "data.target: got 'petal', expected a column of FOLDER/iris.csv: sepal length, sepal width, "
            "petal length, petal width, species (did you mean petal width?)",
        ),
        ("data={name: csv, path: iris.csv, target: species}", "data.task: is missing, data.name 'csv' needs it"),
        ("data={name: arrays, task: regression}", "data.path: is missing, data.name 'arrays' needs it"),
        (
            "data={name: arrays, task: regression, path: a, target: b}",
            "data.target: is given, but data.name 'arrays' does not take it",
        ),
        ("data={name: digits, test_fraction: 0.3}", "data.test_fraction: is given, but data.name 'digits' does not take it"),
        ("data.test_fraction=1", "data.test_fraction: got 1, expected less than 1"),
        (
            "loss=mean_squared_error",
            "loss: got 'mean_squared_error', expected softmax_cross_entropy with data.task 'classification'",
        ),
        (
            "data.task=clasification",
            "data.task: got 'clasification', expected one of classification, regression (did you mean classification?)",
        ),
    ],
)
def test_what_is_refused(iris, change, message):
    assert refusal(iris, change) == message.replace("FOLDER", str(iris.parent))


def test_a_config_made_by_hand_needs_what_was_found(iris):
    fields = load_config(iris).model_dump(mode="json")
    del fields["data"]["found"]
    with pytest.raises(ValueError, match=r"data\.found: is missing; load_config fills it in"):
        Config.model_validate(fields)


def test_arms_on_other_splits_are_not_compared(iris, bnlab, folder):
    code, _, err = bnlab("compare", iris, "--vary", "data.split_seed=0,1")
    assert code == 2
    assert err.endswith("arms on different data cannot be compared\n")
