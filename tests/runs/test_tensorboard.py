"""Event files, read back by TensorBoard's own reader."""

import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnlab.config import load_config
from bnlab.experiment import run_all, to_tensorboard
from bnlab.runs import EventFiles, Run, read_run
from bnlab.runs.tensorboard import varied_fields
from bnlab.training import Chunk

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # TensorBoard's own, about the packages that it imports
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

SEGMENTS = ("num_steps=60", "record_every=10", "optimizer.learning_rate=0.01")


def scalars(folder: Path) -> dict[str, tuple[list[int], list[float]]]:
    """{tag: (steps, values)} of a seed's folder, as TensorBoard reads it."""
    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    reader.Reload()
    found = {tag: reader.Scalars(tag) for tag in reader.Tags()["scalars"]}
    return {tag: ([event.step for event in events], [event.value for event in events]) for tag, events in found.items()}


def hyperparameters(folder: Path) -> tuple[str, dict[str, object]]:
    """The group and the hyperparameters of a seed's folder."""
    reader = EventAccumulator(str(folder))
    reader.Reload()
    content = reader.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    start = HParamsPluginData.FromString(content).session_start_info
    values = {name: getattr(value, value.WhichOneof("kind")) for name, value in start.hparams.items()}
    return start.group_name, values


def assert_equal_to_curves(run: Run, folder: Path) -> None:
    for row, seed in enumerate(run.seeds):
        found = scalars(folder / f"seed-{seed}")
        assert list(found) == list(run.curves)
        for name, curve in run.curves.items():
            steps, values = found[name]
            assert steps == run.step.tolist()
            assert np.array(values, np.float32).tobytes() == curve[row].tobytes()


def test_a_finished_run(bnlab: Callable, short_run: Run, folder: Path):
    for _ in range(2):  # the second time writes the same files anew
        answer = bnlab("runs", "export", short_run.path, "--to", "tensorboard", "logs")
        assert (answer.code, answer.out, answer.err) == (0, "logs\n", "")
        seeds = Path("logs/regression_bn/run")
        assert sorted(str(file.relative_to(seeds)) for file in seeds.rglob("*.*")) == [
            f"seed-{seed}/events.out.tfevents.000000000000.bnlab" for seed in range(3)
        ]
        assert_equal_to_curves(short_run, seeds)


def test_while_it_trains(bnlab: Callable, folder: Path):
    answer = bnlab("train", "regression_bn", "--set", "num_steps=20", "--seeds", "0:2", "--tensorboard", "logs", "--quiet")
    assert (answer.code, answer.err) == (0, "")
    run = read_run(answer.out.splitlines()[-1])
    assert_equal_to_curves(run, Path("logs/regression_bn") / run.path.name)


def test_records_come_segment_after_segment(folder: Path):
    config = load_config("regression_bn", overrides=SEGMENTS)
    plans = [(config, Path("run"))]
    follow, seen = to_tensorboard(Path("logs"), plans), []

    def on_chunk(config: object, index: int, chunk: Chunk) -> None:
        follow(config, index, chunk)
        seen.append(scalars(Path("logs/regression_bn/run/seed-0"))["test_loss"][0])

    run_all(plans, on_chunk=on_chunk, segment_steps=20)
    assert seen == [[10, 20], [10, 20, 30, 40], [10, 20, 30, 40, 50, 60]]


def test_a_resumed_run_goes_on_in_another_file(folder: Path):
    """The first process is stopped after its second segment, and only its first one is in the checkpoint."""
    config = load_config("regression_bn", overrides=SEGMENTS)
    plans = [(config, Path("run"))]
    follow = to_tensorboard(Path("logs"), plans)

    class Stop(Exception):
        pass

    def until(segment: int) -> Callable:
        def on_chunk(config: object, index: int, chunk: Chunk) -> None:
            follow(config, index, chunk)
            if chunk.index == segment:
                raise Stop

        return on_chunk

    with pytest.raises(Stop):
        run_all(plans, on_chunk=until(0), segment_steps=20)
    shutil.copytree("run", "kept")
    with pytest.raises(Stop):
        run_all(plans, on_chunk=until(1), segment_steps=20, resume=True)
    shutil.rmtree("run")
    Path("kept").rename("run")
    (run,) = run_all(plans, on_chunk=to_tensorboard(Path("logs"), plans), segment_steps=20, resume=True)
    seed = Path("logs/regression_bn/run/seed-0")
    assert sorted(file.name for file in seed.iterdir()) == [
        "events.out.tfevents.000000000000.bnlab",
        "events.out.tfevents.000000000020.bnlab",
    ]
    assert_equal_to_curves(run, seed.parent)


def test_a_later_process_replaces_what_it_trains_again(folder: Path):
    """Steps 1 to 3 and 4 to 6 were written; then the steps from 3 on are trained again."""
    runs = [(load_config("regression"), Path("run"))]

    def add(after: int, *values: float) -> None:
        curve = np.array(values, np.float32)
        EventFiles(Path("logs"), runs, argument="to").add(
            Path("run"), (0, 7), after, range(after + 1, after + 4), {"m": curve}
        )

    add(0, 1, 2, 3)
    add(3, 4, 5, 6)
    add(2, 30, 40, 50)
    assert scalars(Path("logs/regression/run/init-0-data-7")) == {"m": ([1, 2, 3, 4, 5], [1, 2, 30, 40, 50])}


def test_a_failed_seed_ends_before_it_failed(bnlab: Callable, folder: Path):
    explodes = ("--set", "num_steps=8", "--set", "record_every=1", "--set", "optimizer={name: sgd, learning_rate: 0.003}")
    answer = bnlab("train", "regression", *explodes, "--out", "run", "--tensorboard", "live", "--quiet")
    assert answer.code == 1
    assert bnlab("runs", "export", "run", "--to", "tensorboard", "later").code == 0
    live, later = (scalars(Path(root) / "regression/run/seed-0") for root in ("live", "later"))
    assert live == later
    assert live["test_loss"][0] == [1, 2, 3]


def test_the_hyperparameters_of_a_sweep(bnlab: Callable, folder: Path):
    Path("grid.yaml").write_text(
        "name: grid\nbase: regression\nseeds: '0:2'\n"
        "grid: {optimizer.learning_rate: [0.001, 0.01], model.norm: [null, {kind: batch}]}\n"
    )
    answer = bnlab("sweep", "grid.yaml", "--set", "num_steps=3", "--out", "answers", "--quiet")
    assert answer.code == 0, answer.err
    bnlab("train", "regression", "--set", "num_steps=5", "--quiet")  # no point of the sweep
    assert bnlab("runs", "export", "answers", "--to", "tensorboard", "logs").code == 0
    seeds = sorted(Path("logs").glob("*/*/seed-*"))
    assert len(seeds) == 8
    found = [hyperparameters(seed) for seed in seeds]
    assert [group for group, _ in found] == [str(seed.parent.relative_to("logs")) for seed in seeds]
    assert sorted(sorted(values.items()) for _, values in found[::2]) == [
        [("model.norm", norm), ("optimizer.learning_rate", rate)] for norm in ("batch", "none") for rate in (0.001, 0.01)
    ]
    assert all(max(scalars(seed)["test_loss"][0]) == 3 for seed in seeds)


def test_what_varies():
    one = load_config("regression_bn")
    assert varied_fields([]) == []
    assert varied_fields([one, one]) == [{}, {}]
    changes = ["num_steps=7"], ["model.norm.renorm=keras3", "model.norm.center=false"], []
    varied = varied_fields([load_config("regression_bn", overrides=change) for change in changes])
    assert [fields["num_steps"] for fields in varied] == [7, one.num_steps, one.num_steps]
    assert [fields["model.norm.center"] for fields in varied] == [True, False, True]
    assert [fields["model.norm.renorm"] for fields in varied] == ["none", "keras3", "none"]


def test_sections_that_look_alike_are_written_whole():
    norms = "null", "{kind: batch}", "{kind: batch, momentum: 0.5}"
    varied = varied_fields([load_config("regression", overrides=[f"model.norm={norm}"]) for norm in norms])
    texts = [fields["model.norm"] for fields in varied]
    assert texts[0] == "null"
    assert '"momentum": 0.99,' in texts[1]
    assert '"momentum": 0.5,' in texts[2]


class TestMistakes:
    @pytest.fixture
    def without(self, monkeypatch: pytest.MonkeyPatch) -> str:
        monkeypatch.setitem(sys.modules, "tensorboardX.record_writer", None)
        return (
            "TensorBoard's files need the package tensorboardX, which is not installed; "
            "install it with `pip install 'bnlab[tensorboard]'`\n"
        )

    def test_no_tensorboardx(self, bnlab: Callable, short_run: Run, folder: Path, without: str):
        assert bnlab("train", "regression", "--tensorboard", "logs") == (2, "", f"bnlab: --tensorboard: {without}")
        assert bnlab("runs", "export", short_run.path, "--to", "tensorboard", "logs") == (2, "", f"bnlab: --to: {without}")
        assert not any(folder.iterdir())

    def test_a_table_too(self, bnlab: Callable, short_run: Run, folder: Path):
        answer = bnlab("runs", "export", short_run.path, "--to", "tensorboard", "logs", "--out", "x.csv")
        assert (answer.code, answer.err) == (2, "bnlab: --out: cannot be given together with --to\n")

    def test_two_runs_of_one_name(self, bnlab: Callable, short_run: Run, folder: Path):
        for name in "ab":
            shutil.copytree(short_run.path, Path(name) / "run")
        answer = bnlab("runs", "export", "a", "b", "--to", "tensorboard", "logs")
        assert (answer.code, answer.err) == (2, "bnlab: --to: two runs of regression_bn are in folders named run\n")

    def test_a_file_in_the_way(self, bnlab: Callable, short_run: Run, folder: Path):
        Path("logs").write_text("mine")
        answer = bnlab("runs", "export", short_run.path, "--to", "tensorboard", "logs")
        assert (answer.code, answer.err) == (
            2,
            "bnlab: logs/regression_bn/run/seed-0: cannot be written or read: Not a directory; "
            "what was finished before is kept\n",
        )

    def test_a_sweep_whose_run_is_gone(self, bnlab: Callable, folder: Path):
        Path("answers").mkdir()
        for content, problem in (
            ('{"points": [{"runs": ["runs/gone"]}]}', "names the run runs/gone, which is not here"),
            ("[]", "cannot be read as the answers of a sweep"),
        ):
            Path("answers/sweep.json").write_text(content)
            answer = bnlab("runs", "export", "answers", "--to", "tensorboard", "logs")
            assert (answer.code, answer.err) == (2, f"bnlab: answers/sweep.json: {problem}\n")
