"""Settings that must be made before JAX computes anything, and the two ways to call the command line."""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

# One cache for the whole session, including the processes of pytest-xdist and of the tests. It is never the user's cache.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["BNLAB_CACHE_DIR"] = tempfile.mkdtemp(prefix="bnlab-tests-")
    atexit.register(shutil.rmtree, os.environ["BNLAB_CACHE_DIR"], ignore_errors=True)
os.environ["BNLAB_MNIST_MIRRORS"] = "http://127.0.0.1:9/"  # nothing listens there
os.environ["BNLAB_FASHION_MNIST_MIRRORS"] = os.environ["BNLAB_KMNIST_MIRRORS"] = os.environ["BNLAB_MNIST_MIRRORS"]
if given := os.environ.get("BNLAB_DATA_DIR"):
    given = os.environ["BNLAB_DATA_DIR"] = str(Path(given).resolve())  # tests change their working folder

from bnlab import runtime

runtime.configure()

from jaxtyping import install_import_hook  # noqa: E402

# Not batch_norm: its tests give it wrong options on purpose, to check its own messages.
install_import_hook(["bnlab.models", "bnlab.nn.dense", "bnlab.nn.losses", "bnlab.nn.penalties"], "beartype.beartype")

import pytest  # noqa: E402

from bnlab import __main__, experiment  # noqa: E402
from bnlab.config import Config, load_config  # noqa: E402
from bnlab.data.idx_sets import MNIST  # noqa: E402
from bnlab.runs import Run  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


class Answer(NamedTuple):
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


@pytest.fixture
def bnlab(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """bnlab("train", …) runs the command in this process, through the same `main` as the installed command."""

    def call(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["bnlab", *map(str, arguments)])
        capsys.readouterr()
        sigterm = signal.getsignal(signal.SIGTERM)
        try:
            with pytest.raises(SystemExit) as ended:
                __main__.main()
        finally:
            signal.signal(signal.SIGTERM, sigterm)
        code = ended.value.code
        return Answer(code if isinstance(code, int) else int(bool(code)), *capsys.readouterr())

    return call


@pytest.fixture
def bnlab_process(tmp_path: Path) -> Callable[..., Answer]:
    """bnlab_process("train", …) runs `python -m bnlab` in a separate process, in the test's folder."""

    def call(*arguments: object, env: Mapping[str, str] | None = None, cwd: Path = tmp_path) -> Answer:
        command = [sys.executable, "-m", "bnlab", *map(str, arguments)]
        ended = subprocess.run(
            command, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=300
        )
        return Answer(ended.returncode, ended.stdout, ended.stderr)

    return call


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def real_mnist() -> Path:
    """The folder with the real MNIST files. Tests that need them are skipped where they are missing."""
    for path in [Path(given), Path(given) / "mnist"] if given else []:
        if all((path / file.name).is_file() for file in MNIST.files):
            return path
    pytest.skip(f"the real MNIST files are not here (BNLAB_DATA_DIR={given})")


SHORT = ("num_steps=60", "record_every=7")
"""Eight records of seven steps and a last one of four."""


@pytest.fixture(scope="session")
def short_config() -> Config:
    """The regression with batch norm, for 60 steps and three seeds."""
    return load_config("regression_bn", overrides=SHORT, seeds="0:3")


@pytest.fixture(scope="session")
def short_run(short_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of `short_config`."""
    return experiment.train(short_config, out=tmp_path_factory.mktemp("short") / "run")
