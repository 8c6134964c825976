"""A sweep trains what is missing, with the bits of single runs; it survives kills, Ctrl-C and a second process."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import bnlab
from bnlab import experiment
from bnlab.config import load_config
from bnlab.errors import UserError
from bnlab.runs import list_runs, read_run
from bnlab.sweep import SweepPlan, load_sweep, make_plan, running

SHORT = "num_steps: [30]\n  record_every: [10]\n"
GRID = (
    "name: small\nbase: regression_bn\nseeds: 0:3\n"
    f"grid:\n  optimizer.learning_rate: [1e-3, 1e-2]\n  batch_size: [10, 20]\n  {SHORT}"
)


def write(text: str = GRID, **changed: str) -> Path:
    for old, new in changed.items():
        assert old in text
        text = text.replace(old, new)
    Path("small.yaml").write_text(text, encoding="utf-8")
    return Path("small.yaml")


def missing(plan: SweepPlan) -> list[tuple[str, list[int]]]:
    """The points with missing seeds, and these seeds."""
    points = plan.plan.sweep.points
    found = [(points[one.points[0]].label, one.outcome.missing) for one in plan.plan.missing]
    return [
        (label.replace("learning_rate", "rate").replace("batch_", ""), [init for init, _ in seeds]) for label, seeds in found
    ]


def test_each_point_has_the_bits_of_bnlab_train(folder):
    result = bnlab.sweep(write())
    values = result.values("test_loss")
    for number, (rate, size) in enumerate([("1e-3", 10), ("1e-3", 20), ("1e-2", 10), ("1e-2", 20)]):
        overrides = [f"optimizer.learning_rate={rate}", f"batch_size={size}", "num_steps=30", "record_every=10"]
        alone = bnlab.train(load_config("regression_bn", overrides=overrides, seeds="0:3"), out=f"alone{number}")
        np.testing.assert_array_equal(values[number], alone.curves["test_loss"][:, -1])
        (path,) = result.document["points"][number]["runs"]
        assert (Path(path) / "curves.npz").read_bytes() == (alone.path / "curves.npz").read_bytes()
        assert (Path(path) / "params.npz").read_bytes() == (alone.path / "params.npz").read_bytes()


def test_the_runs_of_a_sweep_are_lean_and_read_as_any_other(folder, monkeypatch):
    monkeypatch.setattr(os, "fsync", None)  # is not called for a run
    config = load_config("regression", overrides=["num_steps=5"])
    ((_, run),) = experiment.run_each([(config, Path("a"))], lean=True, draw=False)
    again = read_run("a")
    assert sorted(path.name for path in run.path.iterdir()) == [
        ".lock", "config.yaml", "curves.npz", "environment.json", "params.npz", "summary.json"
    ]  # fmt: skip
    assert run.summary["metrics_csv"] == "left out: the run is one of many; curves.npz has its values"
    assert (again.config, again.summary, again.pairs, again.numerics) == (run.config, run.summary, run.pairs, run.numerics)
    for name, values in again.curves.items():
        np.testing.assert_array_equal(values, run.curves[name])


class TestOnlyWhatIsMissing:
    def test_a_second_time_nothing_is_trained(self, folder, monkeypatch):
        first = bnlab.sweep(write())
        monkeypatch.setattr(running, "run_each", None)
        plan = make_plan(load_sweep(write()))
        assert missing(plan) == []
        assert plan.at_hand == "small: 4 points, 3 seeds each; all are in finished runs"
        np.testing.assert_array_equal(plan.finish().values("test_loss"), first.values("test_loss"))

    def test_one_more_value_and_one_more_seed(self, folder):
        narrow = bnlab.sweep(write())
        assert missing(make_plan(load_sweep(write(GRID, **{"[10, 20]": "[10, 15, 20]"})))) == [
            ("rate=0.001, size=15", [0, 1, 2]),
            ("rate=0.01, size=15", [0, 1, 2]),
        ]
        plan = make_plan(load_sweep(write(), seeds="0:4"))
        assert [seeds for _, seeds in missing(plan)] == [[3]] * 4
        assert plan.at_hand == "small: 4 points, 4 seeds each; 4 of 16 seeds to be trained"
        wide = plan.finish()
        np.testing.assert_array_equal(wide.values("test_loss")[:, :3], narrow.values("test_loss"))
        assert [len(point["runs"]) for point in wide.document["points"]] == [2, 2, 2, 2]

    def test_runs_that_bnlab_train_made_count(self, folder):
        overrides = ["optimizer.learning_rate=1e-3", "batch_size=20", "num_steps=30", "record_every=10"]
        bnlab.train(load_config("regression_bn", overrides=overrides, seeds="0:8"))
        assert [label for label, _ in missing(make_plan(load_sweep(write())))] == [
            "rate=0.001, size=10",
            "rate=0.01, size=10",
            "rate=0.01, size=20",
        ]

    def test_points_that_compute_the_same_are_trained_once(self, folder):
        rate = "  optimizer.learning_rate: [1e-4]\n"
        text = f"name: small\nbase: regression\nseeds: 0:2\ngrid:\n{rate}  optimizer.b1: [0.5, 0.9]\n  {SHORT}"
        text += "  optimizer.name: [sgd]"
        plan = make_plan(load_sweep(write(text)))
        assert plan.at_hand == (
            "small: 2 points, 2 seeds each; 1 of the points compute the same as another; 2 of 2 seeds to be trained"
        )
        values = plan.finish().values("test_loss")
        np.testing.assert_array_equal(values[0], values[1])
        assert len(list_runs()) == 1


def test_a_point_that_diverges_is_a_result(folder, bnlab: Callable):
    text = f"name: small\nbase: regression\nseeds: 0:2\ngrid:\n  optimizer.learning_rate: [1e-4, 1e30]\n  {SHORT}"
    text += "  optimizer.name: [sgd]"
    answer = bnlab("sweep", write(text), "--quiet", "--json")
    assert answer.code == 0, answer.err
    fine, lost = json.loads(answer.out)["points"]
    assert fine["failed"] == []
    assert [one["seed"] for one in lost["failed"]] == [0, 1]
    assert all(1 <= one["step"] <= 3 for one in lost["failed"])
    assert lost["final"]["test_loss"]["per_seed"] == [None, None]
    assert lost["final"]["test_loss"]["n"] == 0
    document = json.loads(answer.out)
    assert [one["point"] for one in document["best"]] == ["learning_rate=0.0001"]
    assert re.fullmatch(
        r"The loss of 2 seeds at 1 point was no longer finite \(learning_rate=1e\+30: 2 of 2, the first at step \d\)\.",
        document["notes"][0],
    )


def test_a_point_that_does_not_fit_its_data_is_named_before_anything_runs(folder):
    with pytest.raises(UserError) as refused:
        make_plan(load_sweep(write(GRID, **{"[10, 20]": "[10, 301]"})))
    assert str(refused.value) == (
        "small.yaml: point learning_rate=0.001, batch_size=301: batch_size: got 301, expected at most 300, the rows of the "
        "training set of regression"
    )
    assert not Path("runs").exists()


# --- Real processes -----------------------------------------------------------------------------------------------

LONG = GRID.replace("[1e-3, 1e-2]", "[1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2]").replace("[30]", "[4000]")


def start(*options: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "bnlab", "sweep", "small.yaml", "--quiet", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished() -> int:
    return len(list(Path("runs").glob("regression_bn/*/summary.json")))


def until_finished(count: int, *processes: subprocess.Popen) -> None:
    end = time.monotonic() + 240
    while finished() < count:
        assert all(process.poll() is None for process in processes)
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """The final test losses of the long sweep, from runs that were not broken off."""
    base = tmp_path_factory.mktemp("whole")
    rates, sizes = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2), (10, 20)
    points = [(rate, size) for rate in rates for size in sizes]
    fields = [
        [f"optimizer.learning_rate={rate}", f"batch_size={size}", "num_steps=4000", "record_every=10"]
        for rate, size in points
    ]
    configs = [load_config("regression_bn", overrides=one, seeds="0:3") for one in fields]
    runs = experiment.run_all([(config, base / str(number)) for number, config in enumerate(configs)], draw=False)
    return np.stack([run.curves["test_loss"][:, -1] for run in runs])


def check_whole(folder: str, whole: np.ndarray) -> None:
    """Every point is there once, with the right bits."""
    points = json.loads((Path(folder) / "sweep.json").read_text())["points"]
    np.testing.assert_array_equal([point["final"]["test_loss"]["per_seed"] for point in points], whole.astype(np.float64))
    paths = [path for point in points for path in point["runs"]]
    assert len(set(paths)) == len(paths) == len(points)
    # A kill while config.yaml is written leaves a folder that holds no run yet, with a part of it: nobody resumes that one.
    assert not [part for part in Path("runs").glob("*/*/*.part") if (part.parent / "config.yaml").exists()]


def test_killed_and_started_again(folder, whole):
    write(LONG)
    for count in (1, 6):
        process = start()
        until_finished(count, process)
        process.kill()
        process.communicate()
    before = finished()
    assert 6 <= before <= 14
    process = start()
    printed, said = process.communicate(timeout=240)
    assert process.returncode == 0, said
    check_whole(printed.splitlines()[-1], whole)
    assert finished() == 14


def test_ctrl_c_says_what_was_kept(folder, whole):
    write(LONG)
    process = start()
    until_finished(2, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    told = re.fullmatch(
        r"bnlab: interrupted: (\d+) of 14 points of small are finished; (\d+) seeds are still to be trained; the same "
        r"command goes on with what is kept\n",
        said,
    )
    assert told, said
    assert finished() == int(told[1])
    assert not list(Path("runs").glob("sweep/*"))
    process = start()
    printed, said = process.communicate(timeout=240)
    assert process.returncode == 0, said
    check_whole(printed.splitlines()[-1], whole)


def test_two_clients_on_one_folder_share_the_work(folder, whole):
    write(LONG)
    clients = [start(), start()]
    printed = [client.communicate(timeout=240) for client in clients]
    assert [client.returncode for client in clients] == [0, 0], printed
    places = [out.splitlines()[-1] for out, _ in printed]
    assert places[0] != places[1]
    for place in places:
        check_whole(place, whole)
    assert finished() == 14


def test_one_of_two_clients_is_killed(folder, whole):
    """The other one waits for the runs that the first has begun, and finishes them."""
    write(LONG)
    first = start()
    until_finished(1, first)
    second = start()
    until_finished(4, first, second)
    first.kill()
    first.communicate()
    printed, said = second.communicate(timeout=240)
    assert second.returncode == 0, said
    check_whole(printed.splitlines()[-1], whole)
