"""`bnlab runs`: list, show, export, remove."""

import csv
import io
import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from bnlab.config import load_config
from bnlab.runs import RunWriter, State, check_removable, json_bytes, list_runs, read_run, remove_run

runs = import_module("bnlab.runs")  # bnlab.runs is a function

ENVIRONMENT = {
    "packages": {"bnlab": "0.1.0", "jax": "0.10.2"},
    "device": "cpu: cpu",
    "git": {"commit": "0123456789abcdef", "dirty": True},
    "command": ["bnlab", "train", "digits"],
}


def write(name: str, *overrides: str, seeds: str = "0:2", metrics: tuple[str, ...] = ("train_loss", "test_loss")) -> Path:
    """Write a finished run of four steps; metric m of seed s at step r is m + s + r / 10."""
    config = load_config(name, overrides=["num_steps=4", "record_every=1", *overrides], seeds=seeds)
    path = runs.run_folder(config, None)
    pairs = config.seeds.pairs
    step = np.arange(1, 5)
    values = {m: (i + np.arange(len(pairs))[:, None] + step / 10).astype(np.float32) for i, m in enumerate(metrics)}
    with RunWriter(path, config) as writer:
        writer.finish(
            step,
            values,
            {"dense0/bias": np.zeros((len(pairs), 1))},
            {"loss.png": b"png"},
            json_bytes(ENVIRONMENT),
            {"failed": []},
        )
    return path


def begin(name: str) -> Path:
    """Write what an unfinished run leaves."""
    path = runs.run_folder(load_config(name), None)
    RunWriter(path, load_config(name)).close()
    return path


def message(call: Callable[[], object]) -> str:
    with pytest.raises(runs.listing.UserError) as caught:
        call()
    return str(caught.value)


class TestList:
    def test_by_config_with_state_seeds_and_last_metrics(self, bnlab: Callable, folder: Path):
        one, two = write("regression"), begin("digits")
        entries = list_runs()
        assert [(e.path, e.state, e.name) for e in entries] == [
            (two, State.UNFINISHED, "digits"),
            (one, State.FINISHED, "regression"),
        ]
        assert entries[1].size == sum(file.stat().st_size for file in one.iterdir())
        assert entries[1].final["test_loss"]["per_seed"] == pytest.approx([1.4, 2.4])
        answer = bnlab("runs")
        assert (answer.code, answer.err) == (0, "")
        assert answer.out.splitlines()[-1].startswith("2 runs, ")
        (line,) = [line for line in answer.out.splitlines() if str(one) in line]
        assert "   0, 1    finished   " in line
        assert line.endswith("test_loss 1.9 ± 0.71")
        assert "train_loss" not in line

    def test_by_name_folder_and_run(self, bnlab: Callable, folder: Path):
        one, two, three = write("regression"), write("regression", "batch_size=5"), write("digits")
        assert [e.path for e in list_runs(["digits"])] == [three]
        assert {e.path for e in list_runs(["regression"])} == {one, two}
        assert [e.path for e in list_runs([two.name])] == [two]
        assert {e.path for e in list_runs([str(two), "runs/digits"])} == {two, three}
        assert bnlab("runs", "regresion") == (
            2,
            "",
            "bnlab: regresion: no run in runs has this name, and no folder here (did you mean regression?)\n",
        )

    def test_a_file_that_goes_meanwhile(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        """A run that is being written moves its files to their places."""
        path = write("regression")
        (path / ".loss.png.0123abcd.part").write_bytes(b"png")
        is_file = Path.is_file

        def then_gone(self: Path) -> bool:
            found = is_file(self)
            if self.suffix == ".part":
                self.unlink(missing_ok=True)
            return found

        monkeypatch.setattr(Path, "is_file", then_gone)
        (entry,) = list_runs()
        assert entry.state is State.FINISHED

    def test_a_folder_that_goes_meanwhile(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        path = write("regression")
        monkeypatch.setattr(runs.listing, "run_folders", lambda *_: iter([path, Path("runs/gone")]))
        kept, gone = list_runs()
        assert (gone.state, gone.size, gone.path) == (State.DAMAGED, 0, Path("runs/gone"))
        assert kept.state is State.FINISHED

    def test_a_name_that_no_folder_can_have(self, bnlab: Callable, folder: Path):
        long = "a" * 300
        assert bnlab("runs", long).err == f"bnlab: {long}: no run in runs has this name, and no folder here\n"

    def test_a_folder_that_may_not_be_entered_holds_no_run(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        path, closed = write("regression"), Path("runs/closed")
        closed.mkdir()
        stat = Path.stat

        def refused(self: Path, **options: bool) -> os.stat_result:
            if self.parent == closed:
                raise PermissionError(13, "Permission denied", str(self))
            return stat(self, **options)

        monkeypatch.setattr(Path, "stat", refused)
        assert [entry.path for entry in list_runs()] == [path]

    def test_many_runs_are_a_line_for_each_config(self, bnlab: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch):
        paths = [write("regression", f"batch_size={size}") for size in (5, 6, 7)]
        begin("regression")
        write("digits", seeds="0")
        cli = import_module("bnlab.cli.runs")
        monkeypatch.setattr(cli, "MOST_LISTED", 4)
        monkeypatch.setattr(cli, "_size", lambda size: "9 kB")
        monkeypatch.setattr(cli, "_age", lambda modified: "3 h")
        answer = bnlab("runs")
        assert (answer.code, answer.err) == (0, "")
        lines = [line.split("  ") for line in answer.out.splitlines()]
        rows = [[cell.strip() for cell in line if cell.strip()] for line in lines]
        assert [row for row in rows if len(row) > 1] == [
            ["config", "runs", "states", "newest", "size"],
            ["digits", "1", "1 finished", "3 h", "9 kB"],
            ["regression", "4", "1 unfinished, 3 finished", "3 h", "9 kB"],
        ]
        assert rows[-1] == ["5 runs, 9 kB; `bnlab runs NAME` lists those of a config, `bnlab runs --all` lists every run"]
        assert all(str(path) not in answer.out for path in paths)
        for single in (bnlab("runs", "--all"), bnlab("runs", "regression")):
            assert all(str(path) in single.out for path in paths)
        monkeypatch.setattr(cli, "MOST_LISTED", 5)
        assert all(str(path) in bnlab("runs").out for path in paths)

    def test_a_damaged_run(self, folder: Path):
        path = write("regression")
        (path / "summary.json").write_text("{}")
        (entry,) = list_runs()
        assert (entry.state, entry.name) == (State.DAMAGED, "regression")
        assert entry.problem == (
            f"{path}/summary.json: was altered or damaged after the run: its values and their SHA-256 do not agree"
        )

    def test_folders_can_be_told_apart(self, folder: Path):
        names = [write("regression").name, write("regression", "batch_size=5", "model.hidden=[3,4]").name]
        assert names[0][15:].startswith("-num_steps=4-")
        assert "-model.hidden=3,4,batch_size=5,num_steps=4-" in names[1]
        full = runs.run_folder(load_config("regression"), None).name
        assert len(full) == len("20261121-190559-064cb9a3044b")
        long = ["model.norm.kind=batch", "model.norm.momentum=0.5", "model.norm.epsilon=0.5", "optimizer.learning_rate=0.5"]
        assert (
            "-model.norm=kind=batch,momentum=0.5,epsilon=0.5,etc-"
            in runs.run_folder(load_config("regression", overrides=long), None).name
        )
        out = Path("a" * 300)
        assert message(lambda: runs.comparison_folder(["digits"], out)) == (
            f"{out}/comparison.json: cannot be written or read: File name too long; what was finished before is kept"
        )
        folder = runs.comparison_folder(["digits", "digits_bn", "digits_bn:model.norm.momentum=0.5"], None)
        assert folder.name.startswith("digits-digits_bn-digits_bnmodel.norm.momentum=0.5-")


def test_show(bnlab: Callable, folder: Path):
    path = write("regression")
    answer = bnlab("runs", "show", path)
    assert answer.code == 0, answer.err
    words = " ".join(answer.out.split())
    for part in (
        f"{path}: finished, ",
        "regression: Cos-perturbed polynomial regression, one hidden layer of 10 ReLUs. Changed: num_steps=4",
        "seeds 0, 1 steps 4, 4 records train_loss 0.9 ± 0.71, test_loss 1.9 ± 0.71",
        "bnlab 0.1.0 jax 0.10.2; cpu: cpu; commit 0123456789ab, changed since made by bnlab train digits",
        "files: config.yaml, curves.npz, environment.json, loss.png, metrics.csv, params.npz, summary.json",
    ):
        assert part in words


class TestExport:
    def test_csv_of_runs_with_other_metrics(self, bnlab: Callable, folder: Path):
        one, two = write("regression"), write("digits", seeds="7", metrics=("test_loss", "test_accuracy"))
        answer = bnlab("runs", "export", "regression", "digits")
        assert (answer.code, answer.err) == (0, "")
        rows = list(csv.DictReader(io.StringIO(answer.out)))
        assert [(row["run"], row["seed"], row["step"]) for row in rows] == [
            *((str(two), "7", str(step)) for step in range(1, 5)),
            *((str(one), str(seed), str(step)) for seed in (0, 1) for step in range(1, 5)),
        ]
        assert rows[0]["train_loss"] == rows[4]["test_accuracy"] == ""
        back = np.array([row["test_loss"] for row in rows[4:]], np.float32).reshape(2, 4)
        np.testing.assert_array_equal(back, read_run(one).curves["test_loss"])

    def test_to_a_file(self, bnlab: Callable, folder: Path):
        write("regression")
        begin("regression")
        answer = bnlab("runs", "export", "regression", "--out", "all.csv")
        assert (answer.code, answer.out) == (0, "all.csv\n")
        assert answer.err.endswith("is unfinished, so that it is left out\n")
        assert len(Path("all.csv").read_text().splitlines()) == 9
        again = bnlab("runs", "export", "regression", "--out", "all.csv")
        assert (again.code, again.err.splitlines()[-1]) == (2, "bnlab: all.csv: is there already; choose another --out")
        other = bnlab("runs", "export", "regression", "--out", "all.xlsx")
        assert other.err.splitlines()[-1] == ("bnlab: --out: got 'all.xlsx', expected a file that ends in .csv or .parquet")

    def test_parquet_needs_pyarrow(self, bnlab: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        write("regression")
        assert bnlab("runs", "export", "regression", "--out", "x.parquet") == (
            2,
            "",
            "bnlab: --out: a .parquet file needs the package pyarrow, which is not installed; "
            "install it with `pip install pyarrow`, or choose a .csv file\n",
        )
        assert not Path("x.parquet").exists()

    def test_parquet(self, bnlab: Callable, folder: Path):
        parquet = pytest.importorskip("pyarrow.parquet")
        path = write("regression")
        write("digits", metrics=("test_loss", "test_accuracy"))
        assert bnlab("runs", "export", "regression", "digits", "--out", "x.parquet").code == 0
        table = parquet.read_table("x.parquet").to_pydict()
        ours = [i for i, run in enumerate(table["run"]) if run == str(path)]
        assert [table["step"][i] for i in ours] == [1, 2, 3, 4] * 2
        assert [table["test_loss"][i] for i in ours] == read_run(path).curves["test_loss"].ravel().tolist()
        assert {table["test_accuracy"][i] for i in ours} == {None}


class TestRemove:
    def test_only_what_is_named(self, bnlab: Callable, folder: Path):
        one, two, three = write("regression"), begin("regression"), write("digits")
        answer = bnlab("runs", "remove", "regression", "--yes")
        assert (answer.code, answer.out.splitlines()[-1]) == (0, "removed 2 runs")
        assert (one.exists(), two.exists(), three.exists()) == (False, False, True)

    def test_it_asks(self, bnlab: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch):
        path = write("regression")
        answer = bnlab("runs", "remove", "regression")
        assert (answer.code, answer.err) == (
            2,
            "bnlab: there is no terminal to ask at; add --yes to remove these runs\n",
        )
        for said, left in ((False, True), (True, False)):
            monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
            monkeypatch.setattr("typer.confirm", lambda text, said=said: said)
            assert bnlab("runs", "remove", "regression").code == 0
            assert path.exists() is left

    @pytest.mark.parametrize("finished", [True, False])
    def test_never_what_bnlab_did_not_write(self, finished: bool, bnlab: Callable, folder: Path):
        path = write("regression") if finished else begin("regression")
        (path / "notes.txt").write_text("mine")
        other = write("regression", "batch_size=5")
        answer = bnlab("runs", "remove", "regression", "--yes")
        assert (answer.code, answer.err) == (
            2,
            f"bnlab: {path}: holds notes.txt, which bnlab did not write, so that nothing in it is removed\n",
        )
        assert (path / "config.yaml").exists()
        assert other.exists()

    def test_an_altered_file_is_the_users(self, folder: Path):
        path = write("regression")
        (path / "loss.png").write_bytes(b"edited")
        assert message(lambda: remove_run(path)) == (
            f"{path}/loss.png: was altered or damaged after the run: its SHA-256 is not summary.json's; "
            f"nothing in {path} is removed"
        )
        assert (path / "curves.npz").exists()

    def test_a_folder_of_the_users_own(self, folder: Path):
        mine = folder / "mine"
        mine.mkdir()
        (mine / "config.yaml").write_text(load_config("regression").to_yaml())
        assert message(lambda: remove_run(mine)) == (
            f"{mine}: has neither a summary nor a checkpoint of a run, so that nothing in it is removed"
        )
        link = folder / "link"
        link.symlink_to(write("regression").resolve())
        assert message(lambda: remove_run(link)) == f"{link}: is no run folder, so that nothing in it is removed"

    def test_a_run_that_is_being_written(self, folder: Path):
        path = runs.run_folder(load_config("regression"), None)
        with RunWriter(path, load_config("regression")):
            assert [entry.state for entry in list_runs()] == [State.BEING_WRITTEN]
            assert message(lambda: check_removable(path)) == f"{path}: another process is writing this run"

    def test_a_kill_on_the_way_leaves_an_unfinished_run(self, folder: Path):
        names = [file.name for file in check_removable(write("regression"))]
        assert (names[0], names[-2:]) == ("summary.json", ["config.yaml", ".lock"])


def test_json(bnlab: Callable, folder: Path):
    path = write("regression")
    for command in (("runs", "--json"), ("runs", "list", "--json"), ("runs", "show", "regression", "--json")):
        answer = bnlab(*command)
        assert (answer.code, answer.err) == (0, "")
        (item,) = json.loads(answer.out)["runs"]
        assert (item["path"], item["state"], item["seeds"]) == (str(path), "finished", [0, 1])
