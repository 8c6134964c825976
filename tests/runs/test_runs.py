"""What a run leaves in its folder, that it can be repeated from it, and what is said of one that is not whole."""

import csv
import hashlib
import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from bnlab import experiment
from bnlab.config import Config, load_config
from bnlab.errors import UserError
from bnlab.runs import Catalogue, Run, identity, json_bytes, read_run

SEEDS, RECORDS = 3, 9

FILES = {
    *("config.yaml", "curves.npz", "metrics.csv", "params.npz", "summary.json", "environment.json"),
    *("loss.png", "fit.png", ".lock"),
}


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def bits(run: Run) -> tuple[bytes, bytes]:
    return (run.path / "curves.npz").read_bytes(), (run.path / "params.npz").read_bytes()


def test_the_files(short_run):
    assert {path.name for path in short_run.path.iterdir()} == FILES


def test_config_yaml_is_the_resolved_config(short_run, short_config):
    text = (short_run.path / "config.yaml").read_text(encoding="utf-8")
    assert text == short_config.to_yaml()
    assert "zero_debias_moving_mean: false" in text  # defaults included
    assert load_config(short_run.path / "config.yaml") == short_config


def test_curves(short_run):
    arrays = arrays_of(short_run.path / "curves.npz")
    assert {name: (values.shape, values.dtype.name) for name, values in arrays.items()} == {
        "seeds": ((SEEDS,), "int64"),
        "data_seeds": ((SEEDS,), "int64"),
        "step": ((RECORDS,), "int64"),
        "train_loss": ((SEEDS, RECORDS), "float32"),
        "test_loss": ((SEEDS, RECORDS), "float32"),
    }
    assert arrays["seeds"].tolist() == arrays["data_seeds"].tolist() == [0, 1, 2]
    assert arrays["step"].tolist() == [7, 14, 21, 28, 35, 42, 49, 56, 60]
    assert np.isfinite(arrays["test_loss"]).all()
    assert len(set(arrays["test_loss"][:, -1].tolist())) == SEEDS


def test_metrics_csv_holds_the_same(short_run):
    with (short_run.path / "metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["seed", "data_seed", "step", "train_loss", "test_loss"]
    assert len(rows) == SEEDS * RECORDS
    for number, row in enumerate(rows):
        seed, record = divmod(number, RECORDS)
        assert int(row["seed"]) == short_run.seeds[seed]
        assert int(row["step"]) == short_run.step[record]
        for name, curve in short_run.curves.items():
            assert np.float32(row[name]) == curve[seed, record]


def test_params(short_run):
    arrays = arrays_of(short_run.path / "params.npz")
    assert {name: values.shape for name, values in arrays.items()} == {
        "dense0/kernel": (SEEDS, 6, 10),
        "dense0/bias": (SEEDS, 10),
        "dense1/kernel": (SEEDS, 10, 1),
        "dense1/bias": (SEEDS, 1),
        "bn0/gamma": (SEEDS, 10),
        "bn0/beta": (SEEDS, 10),
        "bn0/moving_mean": (SEEDS, 10),
        "bn0/moving_variance": (SEEDS, 10),
    }
    assert all(values.dtype == np.float32 for values in arrays.values())


def test_params_are_the_model_of_the_last_record(short_run):
    """The test loss, worked out in NumPy from params.npz alone, is the curve's last value."""
    from bnlab.data import regression

    test = regression.load().test
    for seed in range(SEEDS):
        p = {name: values[seed].astype(np.float64) for name, values in short_run.params.items()}
        hidden = np.maximum(test.inputs @ p["dense0/kernel"] + p["dense0/bias"], 0)
        hat = (hidden - p["bn0/moving_mean"]) / np.sqrt(p["bn0/moving_variance"] + 1e-3)
        outputs = (p["bn0/gamma"] * hat + p["bn0/beta"]) @ p["dense1/kernel"] + p["dense1/bias"]
        loss = 0.5 * np.sum((outputs - test.targets) ** 2) / len(test.targets)
        np.testing.assert_allclose(short_run.curves["test_loss"][seed, -1], loss, rtol=1e-5)


def test_summary(short_run):
    summary = json.loads((short_run.path / "summary.json").read_text(encoding="utf-8"))
    last = short_run.curves["test_loss"][:, -1].astype(np.float64)
    final = summary["final"]["test_loss"]
    assert set(summary["final"]) == {"train_loss", "test_loss"}
    assert final["per_seed"] == last.tolist()
    assert final["mean"] == pytest.approx(last.mean(), rel=1e-12)
    assert final["std"] == pytest.approx(last.std(ddof=1), rel=1e-12)
    assert (final["min"], final["max"]) == (last.min(), last.max())
    assert summary["failed"] == []
    assert summary["steps_per_second"] > 0
    assert set(summary["seconds"]) == {"compile", "train", "draw", "total"}
    assert summary["seconds"]["total"] > summary["seconds"]["draw"] > 0


def test_every_file_is_vouched_for(short_run):
    summary = json.loads((short_run.path / "summary.json").read_text(encoding="utf-8"))
    sums = summary["sha256"]
    for name in FILES - {"summary.json", ".lock"}:
        assert sums[name] == hashlib.sha256((short_run.path / name).read_bytes()).hexdigest()


def test_environment(short_run):
    environment = json.loads((short_run.path / "environment.json").read_text(encoding="utf-8"))
    assert {"numerics", "python", "packages", "platform", "device", "cpu", "cores", "xla_flags", "git", "command"} <= set(
        environment
    )
    assert set(environment["packages"]) == {"bnlab", "jax", "jaxlib", "optax", "numpy"}
    assert environment["device"].startswith(("cpu: ", "gpu: ", "tpu: "))


@pytest.mark.parametrize("name", ["loss.png", "fit.png"])
def test_pictures_are_pictures(short_run, name):
    content = (short_run.path / name).read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    assert width >= 600
    assert height >= 300


def test_no_file_is_a_pickle(short_run):
    for path in short_run.path.glob("*.npz"):
        arrays_of(path)  # allow_pickle=False raises
        assert not any(values.dtype.hasobject for values in arrays_of(path).values())


def test_classification_has_accuracies(tmp_path):
    run = experiment.train(load_config("digits_bn", overrides=["num_steps=6", "record_every=3"]), out=tmp_path / "run")
    splits = ("train", "valid", "test")
    assert set(run.curves) == {f"{split}_{metric}" for split in splits for metric in ("loss", "accuracy")}
    assert (run.path / "accuracy.png").exists()
    assert not (run.path / "fit.png").exists()
    assert set(run.summary["final"]) == set(run.curves)
    for split in splits:
        accuracy = run.curves[f"{split}_accuracy"]
        assert ((accuracy >= 0) & (accuracy <= 1)).all()


def test_penalties_are_recorded(tmp_path):
    config = load_config("regression", overrides=["num_steps=4", "record_every=2", "l2_penalty.scale=0.1"])
    run = experiment.train(config, out=tmp_path / "run")
    kernels = np.concatenate([run.params[f"dense{i}/kernel"].ravel() for i in (0, 1)])
    np.testing.assert_allclose(run.curves["penalty"][0, -1], 0.05 * np.sum(kernels**2), rtol=1e-6)


def test_reading_gives_what_training_gave(short_run, short_config):
    run = read_run(short_run.path)
    assert run.config == short_config
    assert run.path == short_run.path
    assert run.summary == short_run.summary
    np.testing.assert_array_equal(run.step, short_config.record_steps)
    for name, curve in short_run.curves.items():
        np.testing.assert_array_equal(run.curves[name], curve)
    assert set(run.params) == set(short_run.params)
    assert run.environment["python"]


# --- Repeated ---------------------------------------------------------------------------------------------------------


def test_the_same_config_gives_the_same_bits(short_run, short_config, tmp_path):
    assert bits(experiment.train(short_config, out=tmp_path / "again")) == bits(short_run)


def test_config_yaml_repeats_the_run(short_run, tmp_path):
    config = load_config(short_run.path / "config.yaml")
    assert bits(experiment.train(config, out=tmp_path / "again")) == bits(short_run)


def test_a_seed_has_the_same_bits_in_a_run_of_its_own(short_run, short_config, tmp_path):
    config = load_config(short_run.path / "config.yaml", seeds="1")
    alone = experiment.train(config, out=tmp_path / "one")
    for name, curve in short_run.curves.items():
        np.testing.assert_array_equal(alone.curves[name][0], curve[1])
    for name, values in short_run.params.items():
        np.testing.assert_array_equal(alone.params[name][0], values[1])


def test_the_two_seeds_are_two(short_run, tmp_path):
    """The weights' seed alone, and the batches' seed alone, give another run."""
    curves = {}
    for which in ("init", "data"):
        config = load_config(short_run.path / "config.yaml", overrides=[f"seeds={{{which}: 5}}"])
        curves[which] = experiment.train(config, out=tmp_path / which).curves["test_loss"][0]
    assert (curves["init"] != short_run.curves["test_loss"][0]).all()
    assert (curves["data"] != short_run.curves["test_loss"][0]).all()
    assert (curves["init"] != curves["data"]).all()


def test_seeds_on_disk_tell_init_and_data_apart(tmp_path):
    """Seed 7 with data seeds 3 and 4; the run explodes in both."""
    overrides = ["num_steps=6", "optimizer={name: sgd, learning_rate: 0.01}", "seeds={init: 7, data: [3, 4]}"]
    run = experiment.train(load_config("regression", overrides=overrides), out=tmp_path / "run")
    arrays = arrays_of(run.path / "curves.npz")
    assert (arrays["seeds"].tolist(), arrays["data_seeds"].tolist()) == ([7, 7], [3, 4])
    with (run.path / "metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = [(row["seed"], row["data_seed"], row["step"]) for row in csv.DictReader(file)]
    steps = [str(step) for step in run.step]
    assert rows == [("7", data, step) for data in ("3", "4") for step in steps]
    assert [(one["seed"], one["data_seed"]) for one in run.summary["failed"]] == [(7, 3), (7, 4)]
    assert run.pairs == [(7, 3), (7, 4)]


# --- Folders ----------------------------------------------------------------------------------------------------------


def test_without_out_a_run_goes_to_a_new_folder_of_runs(folder):
    config = load_config("regression", overrides=["num_steps=2"])
    first, second = experiment.train(config), experiment.train(config)
    assert first.path != second.path
    for run in (first, second):
        assert run.path.parent == Path("runs/regression")
        assert run.path.name.endswith(identity(config)[:12])
        assert run.summary["identity"] == identity(config)
    assert {run.path for run in Catalogue().finished(config)} == {first.path, second.path}
    assert Catalogue().unfinished(config) == []
    assert Catalogue().finished(load_config("regression", overrides=["num_steps=3"])) == []


def test_an_existing_run_is_not_touched(short_run, short_config, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(short_run.path, copy)
    before = {path.name: path.read_bytes() for path in copy.iterdir()}
    with pytest.raises(UserError) as caught:
        experiment.train(short_config, out=copy)
    assert str(caught.value).startswith(f"{copy}: holds a run already (config.yaml, ")
    assert caught.value.advice == "choose another --out, or resume it with --resume"
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == before


def test_resuming_a_finished_run_reads_it(short_run, short_config):
    before = {path.name: path.stat().st_mtime_ns for path in short_run.path.iterdir() if path.name != ".lock"}
    run = experiment.train(short_config, out=short_run.path, resume=True)
    assert bits(run) == bits(short_run)
    assert {p.name: p.stat().st_mtime_ns for p in run.path.iterdir() if p.name != ".lock"} == before


def test_resuming_with_another_config(short_run):
    other = load_config("regression")
    with pytest.raises(UserError) as caught:
        experiment.train(other, out=short_run.path, resume=True)
    assert str(caught.value) == (
        f"{short_run.path}: holds a run of another config or of other seeds, which cannot be resumed with this one"
    )


# --- Damaged ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def copy(short_run, tmp_path) -> Path:
    path = tmp_path / "run"
    shutil.copytree(short_run.path, path)
    return path


def complaint(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        _ = read_run(path).params
    return str(caught.value)


@pytest.mark.parametrize("name", ["config.yaml", "curves.npz", "params.npz", "metrics.csv", "loss.png"])
def test_an_altered_file_is_named(copy, name):
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    assert complaint(copy) == (f"{copy / name}: was altered or damaged after the run: its SHA-256 is not summary.json's")


@pytest.mark.parametrize("name", ["config.yaml", "summary.json"])
def test_a_run_that_is_not_whole(copy, name):
    (copy / name).unlink()
    assert (
        complaint(copy)
        == {
            "config.yaml": f"{copy}: holds no run (there is no config.yaml)",
            "summary.json": f"{copy}: this run is not finished",
        }[name]
    )


@pytest.mark.parametrize("change", ["cut", "edited"])
def test_an_altered_summary(copy, change):
    path = copy / "summary.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[:100] if change == "cut" else text.replace('"failed": []', '"failed": [1]'), encoding="utf-8")
    assert complaint(copy) == (f"{path}: was altered or damaged after the run: its values and their SHA-256 do not agree")


# --- Exploding --------------------------------------------------------------------------------------------------------

EXPLODING = ["num_steps=60", "record_every=2", "optimizer={name: sgd, learning_rate: 0.003}"]
"""Seed 0 explodes at step 4, seed 1 at step 6."""


@pytest.fixture(scope="module")
def exploded(tmp_path_factory: pytest.TempPathFactory) -> Run:
    config = load_config("regression", overrides=EXPLODING, seeds="0:2")
    return experiment.train(config, out=tmp_path_factory.mktemp("exploded") / "run")


def test_a_loss_that_explodes_names_the_seed_and_the_step(exploded):
    assert exploded.summary["failed"] == [
        {"seed": 0, "data_seed": 0, "step": 4},
        {"seed": 1, "data_seed": 1, "step": 6},
    ]


def test_its_curves_are_kept_up_to_it(exploded):
    assert exploded.step.tolist() == [2, 4]
    for curve in exploded.curves.values():
        assert np.isfinite(curve).tolist() == [[True, False], [True, True]]
    assert exploded.summary["final"]["test_loss"]["per_seed"] == [None, exploded.curves["test_loss"][1, 1]]


def test_its_files_are_all_there(exploded):
    assert {path.name for path in exploded.path.iterdir()} == FILES
    text = (exploded.path / "summary.json").read_text(encoding="utf-8")
    assert "NaN" not in text  # which JSON does not have
    assert "Infinity" not in text


def test_it_is_repeated_with_the_same_bits(exploded, tmp_path):
    assert bits(experiment.train(exploded.config, out=tmp_path / "again")) == bits(exploded)


def test_one_seed_that_explodes_at_once_leaves_nothing_to_draw(tmp_path):
    overrides = ["num_steps=4", "optimizer={name: sgd, learning_rate: 1e30}"]
    run = experiment.train(load_config("regression", overrides=overrides), out=tmp_path / "run")
    assert run.summary["failed"] == [{"seed": 0, "data_seed": 0, "step": run.summary["failed"][0]["step"]}]
    assert read_run(run.path).config == run.config


def test_a_config_for_two_studies_has_one_name(tmp_path):
    config: Config = load_config("regression")
    with pytest.raises(UserError, match=r"^regression: 2 of the configs have this name; give each its own$"):
        experiment.plan_folders([config, config], tmp_path, resume=False)


def test_json_has_a_field_a_line_and_numbers_in_one():
    value = {"none": {}, "per_seed": [1.5, 2, None], "failed": [{"seed": 1}, {"seed": 2}], "words": "½ Σ"}
    text = json_bytes(value).decode()
    assert json.loads(text) == value
    assert text.splitlines() == [
        "{",
        '  "none": {},',
        '  "per_seed": [1.5, 2, null],',
        '  "failed": [',
        "    {",
        '      "seed": 1',
        "    },",
        "    {",
        '      "seed": 2',
        "    }",
        "  ],",
        '  "words": "½ Σ"',
        "}",
    ]
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_bytes({"loss": float("nan")})
