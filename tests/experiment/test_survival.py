"""Runs survive kills, Ctrl-C, full disks, deleted folders and damaged files: with the same bits, or one clear message."""

import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from bnlab import environment, experiment
from bnlab.config import load_config
from bnlab.errors import UserError
from bnlab.experiment import running
from bnlab.runs import Progress, Run, RunWriter, read_run, writing
from bnlab.runs.writing import LEFTOVER

CONFIG = load_config("regression_bn", overrides=["num_steps=24000", "record_every=2000"], seeds="0:4")
"""Twelve segments per seed, each with a checkpoint: a kill comes before one, between two, during one or at the end."""
SHORT = load_config("regression_bn", overrides=["num_steps=6000", "record_every=1000"], seeds="0:2")
KEPT = ("config.yaml", "curves.npz", "params.npz")


def bits(path: Path) -> dict[str, bytes]:
    return {name: (path / name).read_bytes() for name in KEPT}


def start(config_file: Path, out: Path, *options: str, **env: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "bnlab", "train", str(config_file), "--out", str(out), "--quiet", *options]
    everything = {**os.environ, "BNLAB_CHECKPOINT_SECONDS": "0", **env}
    return subprocess.Popen(command, env=everything, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(condition: Callable[[], object], process: subprocess.Popen) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.fixture(scope="module")
def config_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "long.yaml"
    path.write_text(CONFIG.to_yaml(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return experiment.run_all([(CONFIG, tmp_path_factory.mktemp("whole") / "run")])[0]


@pytest.fixture(scope="module")
def short_whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return experiment.run_all([(SHORT, tmp_path_factory.mktemp("short") / "run")])[0]


def whole_again(out: Path, whole: Run) -> None:
    """The run in `out` is finished, has the bits of `whole`, and has left no temporary files."""
    assert bits(out) == bits(whole.path)
    assert not read_run(out).summary["failed"]
    assert {path.name for path in out.iterdir()} == {path.name for path in whole.path.iterdir()}


# Killed.


def kill_and_resume(kills: int, config_file: Path, out: Path, whole: Run) -> int:
    """SIGKILL the run at random moments, then let it finish. Return how many kills came after a checkpoint.

    A quarter of the moments falls into the imports. The others are counted from the first write of the process, or from its
    first checkpoint: it trains for a short part of its time.
    """
    rng = random.Random(kills)
    found = 0
    for _ in range(kills):
        moment = rng.random()
        name, most = ("checkpoint-*", 0.3) if moment < 0.5 else ("*", 1.0)
        before = set(out.glob(name))
        process = start(config_file, out, *(["--resume"] if out.exists() else []))
        if moment < 0.25:
            time.sleep(rng.uniform(0, 2))
        else:

            def written(name=name, before=before) -> bool:
                return bool(set(out.glob(name)) - before) or (out / "summary.json").exists()

            until(written, process)
            time.sleep(rng.uniform(0, most))
        process.kill()
        process.communicate()
        found += any(out.glob("checkpoint-*"))
        assert len(list(out.glob("checkpoint-*.ckpt"))) <= 3  # two, and a third one until the oldest is deleted
        if (out / "summary.json").exists():  # the run finished before the kill; the next one starts anew
            assert bits(out) == bits(whole.path)
            shutil.rmtree(out)
    process = start(config_file, out, *(["--resume"] if out.exists() else []))
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    whole_again(out, whole)
    return found


def test_killed_five_times(config_file, uninterrupted, tmp_path):
    assert kill_and_resume(5, config_file, tmp_path / "run", uninterrupted) >= 1


@pytest.mark.slow
def test_killed_thirty_times(config_file, uninterrupted, tmp_path):
    assert kill_and_resume(30, config_file, tmp_path / "run", uninterrupted) >= 8


class Killed(BaseException):
    """Stands for a SIGKILL: nothing is written afterwards."""


def test_killed_in_each_write(short_whole, tmp_path, monkeypatch):
    """The process may die while it writes any of its files, including config.yaml and summary.json."""
    monkeypatch.setenv("BNLAB_CHECKPOINT_SECONDS", "0")
    write = writing.write_atomically
    alive, deaths = 0, 0

    def dying(path: Path, content: bytes, *, durable: bool) -> None:
        nonlocal alive
        alive -= 1
        if alive >= 0:
            return write(path, content, durable=durable)
        path.with_name(f".{path.name}.0123abcd.part").write_bytes(content[: len(content) // 2])
        raise Killed

    for deaths in range(100):
        out = tmp_path / str(deaths)
        alive = deaths
        monkeypatch.setattr(writing, "write_atomically", dying)
        try:
            experiment.run_all([(SHORT, out)])
            break
        except Killed:
            monkeypatch.setattr(writing, "write_atomically", write)
            assert any(LEFTOVER.fullmatch(path.name) for path in out.iterdir())
            experiment.run_all([(SHORT, out)], resume=True)
            whole_again(out, short_whole)
    assert deaths > 10  # config.yaml, six or more checkpoints, and the finished run's files


# Interrupted.


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long enough to be interrupted in the middle on any machine."""
    config = load_config("regression_bn", overrides=["num_steps=20000000", "record_every=2000"])
    path = tmp_path_factory.mktemp("endless") / "endless.yaml"
    path.write_text(config.to_yaml(), encoding="utf-8")
    return path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_says_what_was_kept_and_how_to_go_on(endless, tmp_path, number):
    out = tmp_path / "run"
    process = start(endless, out, BNLAB_CHECKPOINT_SECONDS="3600")
    until((out / "config.yaml").exists, process)
    time.sleep(1.5)
    process.send_signal(number)
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert printed == ""
    pattern = rf"bnlab: interrupted: ([\d,]+) of 20,000,000 steps of regression_bn are kept in {out}; the same command with "
    told = re.fullmatch(pattern + "--resume continues\n", said)
    assert told, said
    if int(told[1].replace(",", "")):
        assert [path.name for path in out.glob("checkpoint-*")] == ["checkpoint-1.ckpt"]


def test_sigterm_before_the_training(tmp_path):
    code = (
        "import os, signal, sys, bnlab.__main__, bnlab.config\n"
        "bnlab.config.load_config = lambda *a, **k: os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.argv = ['bnlab', 'train', 'regression_bn']\n"
        "bnlab.__main__.main()"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "bnlab: interrupted\n")
    assert not list(tmp_path.iterdir())


def interrupt_at(chunk: int, out: Path) -> str:
    """Interrupt the short run after this many segments. Return its message."""
    seen = 0

    def watch(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == chunk:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as interrupted:
        experiment.run_all([(SHORT, out)], on_chunk=watch)
    return str(interrupted.value)


@pytest.mark.parametrize("chunk", [1, 3, 6])
def test_interrupted_and_resumed(short_whole, tmp_path, chunk):
    said = interrupt_at(chunk, tmp_path / "run")
    assert said == f"{2000 * chunk:,} of 12,000 steps of regression_bn are kept in {tmp_path / 'run'}" or chunk == 6
    experiment.run_all([(SHORT, tmp_path / "run")], resume=True)
    whole_again(tmp_path / "run", short_whole)


def test_a_second_ctrl_c_while_the_first_one_is_answered(short_whole, tmp_path, monkeypatch):
    checkpoint = RunWriter.checkpoint
    monkeypatch.setenv("BNLAB_CHECKPOINT_SECONDS", "0")

    def interrupted_again(self: RunWriter, progress: Progress) -> None:
        if progress.next_segment.sum() == 4:
            raise KeyboardInterrupt
        checkpoint(self, progress)

    with monkeypatch.context() as patched:
        patched.setattr(RunWriter, "checkpoint", interrupted_again)
        with pytest.raises(KeyboardInterrupt, match=r"^6,000 of 12,000 steps of regression_bn are kept in "):
            experiment.run_all([(SHORT, tmp_path / "run")])
    experiment.run_all([(SHORT, tmp_path / "run")], resume=True)
    whole_again(tmp_path / "run", short_whole)


# Checkpoints.


@pytest.fixture
def stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run with two checkpoints, from its third and fourth segment."""
    with monkeypatch.context() as patched:
        patched.setenv("BNLAB_CHECKPOINT_SECONDS", "0")
        interrupt_at(4, tmp_path / "run")
    names = sorted(path.name for path in (tmp_path / "run").glob("checkpoint-*"))
    assert names == ["checkpoint-4.ckpt", "checkpoint-5.ckpt"]  # the interrupt itself wrote the last one
    return tmp_path / "run"


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def emptied(content: bytes) -> bytes:
    return content[:0]


DAMAGES = [truncated, flipped, emptied]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("damaged", [("checkpoint-5.ckpt",), ("checkpoint-4.ckpt", "checkpoint-5.ckpt")])
def test_a_damaged_checkpoint_is_passed_over(short_whole, stopped, caplog, damage, damaged):
    for name in damaged:
        (stopped / name).write_bytes(damage((stopped / name).read_bytes()))
    experiment.run_all([(SHORT, stopped)], resume=True)
    said = [f"{stopped / name}: is damaged; the run is resumed from the checkpoint before it" for name in reversed(damaged)]
    assert [record.getMessage() for record in caplog.records if record.name.startswith("bnlab.runs")] == said
    whole_again(stopped, short_whole)


def rewritten(path: Path, **changed: object) -> None:
    """Write the checkpoint again, with a correct checksum."""
    with np.load(io.BytesIO(path.read_bytes()[:-32]), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    body = io.BytesIO()
    np.savez(body, **{name: values for name, values in {**arrays, **changed}.items() if values is not None})
    path.write_bytes(body.getvalue() + hashlib.sha256(body.getvalue()).digest())


def test_a_checkpoint_of_other_software_is_refused(stopped, monkeypatch):
    monkeypatch.setattr(running, "numerics", lambda: {**environment.numerics(), "jaxlib": "9.9.9"})
    with pytest.raises(UserError) as refused:
        experiment.run_all([(SHORT, stopped)], resume=True)
    assert str(refused.value) == (
        f"{stopped}/checkpoint-5.ckpt: was written under jaxlib '{version('jaxlib')}', and this is '9.9.9': to resume it "
        f"would give the bits of neither; delete {stopped}/checkpoint-*.ckpt to begin again"
    )
    assert len(list(stopped.glob("checkpoint-*"))) == 2


def test_a_checkpoint_of_other_segments_is_refused(stopped):
    with pytest.raises(UserError, match=r"was written under segments '3 from Segment\(.*', and this is '\d+ from Segment\("):
        experiment.run_all([(SHORT, stopped)], resume=True, segment_steps=500)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"origin": None}, "was written under checkpoint format 'None', and this is '1'"),
        ({"next_segment": None}, "has no next_segment, so bnlab did not write it"),
        ({"failed_step": np.array([os], dtype=object)}, "is not an .npz of plain arrays"),
    ],
)
def test_a_checkpoint_that_bnlab_did_not_write(stopped, changed, message, recwarn):
    rewritten(stopped / "checkpoint-5.ckpt", **{k: np.array([print]) if v is not None else v for k, v in changed.items()})
    with pytest.raises(UserError) as refused:
        experiment.run_all([(SHORT, stopped)], resume=True)
    assert str(refused.value).startswith(f"{stopped}/checkpoint-5.ckpt: {message}")


def test_checkpoints_without_a_config_are_not_begun_upon(stopped):
    (stopped / "config.yaml").unlink()
    with pytest.raises(UserError, match=r"holds a run already \(checkpoint-4\.ckpt, checkpoint-5\.ckpt\)"):
        experiment.run_all([(SHORT, stopped)])
    with pytest.raises(UserError, match=r"holds checkpoint-4\.ckpt, checkpoint-5\.ckpt but no config\.yaml"):
        experiment.run_all([(SHORT, stopped)], resume=True)


@pytest.mark.parametrize("seconds", ["soon", "-1", "nan"])
def test_a_wrong_checkpoint_interval(tmp_path, monkeypatch, seconds):
    monkeypatch.setenv("BNLAB_CHECKPOINT_SECONDS", seconds)
    with pytest.raises(UserError, match=f"^BNLAB_CHECKPOINT_SECONDS: got '{seconds}', expected a number of seconds"):
        experiment.run_all([(SHORT, tmp_path / "run")])
    assert not (tmp_path / "run").exists()  # nor is it held by this process, which may be a notebook's


# The folder.


def test_two_processes_on_one_folder(config_file, tmp_path):
    with RunWriter(tmp_path / "run", CONFIG):
        process = start(config_file, tmp_path / "run", "--resume")
        printed, said = process.communicate(timeout=60)
    assert (process.returncode, printed) == (2, "")
    assert said == f"bnlab: {tmp_path / 'run'}: another process is writing this run\n"


def test_a_file_system_that_is_full(config_file, uninterrupted, tmp_path):
    """No file may grow beyond 4 kB: config.yaml fits, a checkpoint does not."""
    out = tmp_path / "run"
    code = (
        "import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); "
        "runpy.run_module('bnlab', run_name='__main__', alter_sys=True)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, "train", str(config_file), "--out", str(out), "--quiet"],
        env={**os.environ, "BNLAB_CHECKPOINT_SECONDS": "0", "BNLAB_COMPILATION_CACHE": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"bnlab: {out}: cannot be written or read: File too large; what was finished before is kept\n"
    assert {path.name for path in out.iterdir()} == {"config.yaml", ".lock"}
    experiment.run_all([(CONFIG, out)], resume=True)
    whole_again(out, uninterrupted)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_folder_that_vanishes_loses_no_other(short_whole, tmp_path, monkeypatch, replaced):
    monkeypatch.setenv("BNLAB_CHECKPOINT_SECONDS", "0")
    gone = SHORT.model_copy(update={"name": "gone"})
    seen = 0

    def vanish(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == 3:
            shutil.rmtree(tmp_path / "gone")
            if replaced:
                (tmp_path / "gone").mkdir()

    with pytest.raises(UserError) as lost:
        experiment.run_all([(gone, tmp_path / "gone"), (SHORT, tmp_path / "other")], on_chunk=vanish)
    assert (
        str(lost.value)
        == f"{tmp_path / 'gone'}: the run folder is gone or was replaced; what was not yet written to it is lost"
    )
    assert not replaced or not list((tmp_path / "gone").iterdir())
    experiment.run_all([(SHORT, tmp_path / "other")], resume=True)
    whole_again(tmp_path / "other", short_whole)


def test_a_config_that_does_not_fit_leaves_no_folder_of_the_others(tmp_path):
    wide = SHORT.model_copy(update={"name": "wide", "batch_size": 301})
    with pytest.raises(UserError, match="batch_size"):
        experiment.run_all([(SHORT, tmp_path / "a"), (wide, tmp_path / "b")])
    assert not list(tmp_path.iterdir())


# Damaged runs.

FILES = ("config.yaml", "curves.npz", "params.npz", "metrics.csv", "environment.json", "summary.json", "loss.png", "fit.png")


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_each_damaged_file_is_named(short_whole, tmp_path, name, damage):
    out = Path(shutil.copytree(short_whole.path, tmp_path / "run"))
    (out / name).write_bytes(damage((out / name).read_bytes()))
    for read in (read_run, lambda path: experiment.run_all([(SHORT, path)], resume=True)):
        with pytest.raises(UserError) as refused:
            read(out)
        assert str(refused.value).startswith((f"{out / name}: ", f"{out}: holds a run of another config"))


def test_every_byte_of_a_summary_counts(short_whole, tmp_path):
    out = Path(shutil.copytree(short_whole.path, tmp_path / "run"))
    content = (out / "summary.json").read_bytes()
    rng = random.Random(0)
    for at in rng.sample(range(len(content)), 200):
        (out / "summary.json").write_bytes(content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :])
        try:
            run = read_run(out)
        except UserError as refused:
            said = str(refused)
            assert said.startswith(f"{out}/")
        else:  # white space
            assert run.summary == short_whole.summary


def test_a_run_that_would_be_unpickled(short_whole, tmp_path):
    out = Path(shutil.copytree(short_whole.path, tmp_path / "run"))
    np.savez(out / "curves.npz", seeds=np.array([print], dtype=object), allow_pickle=True)
    summary = json.loads((out / "summary.json").read_text())
    summary["sha256"]["curves.npz"] = hashlib.sha256((out / "curves.npz").read_bytes()).hexdigest()
    del summary["sha256"]["summary.json"]
    summary["sha256"]["summary.json"] = hashlib.sha256(json.dumps(summary, sort_keys=True).encode()).hexdigest()
    (out / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(UserError, match=r"curves\.npz: is not an \.npz of plain arrays$"):
        read_run(out)


def test_an_interrupt_inside_a_cache_of_jax(tmp_path):
    """Ctrl-C may come while JAX compares two keys in C++, which makes another error of it."""

    def trainer(tasks: Iterable[experiment.SeedTask]) -> Generator[experiment.Part, None, None]:
        next(iter(tasks))
        raise SystemError("returned a result with an exception set") from KeyboardInterrupt()
        yield  # pyright: ignore[reportUnreachable] - a generator, as every trainer is

    runs = experiment.run_each([(SHORT, tmp_path / "run")], draw=False, trainer=trainer)
    with pytest.raises(KeyboardInterrupt, match=r"0 of .* steps of .* are kept"):
        next(runs)
