"""The wheel, installed outside the clone."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bnlab.config import shipped_configs
from bnlab.runs import read_run

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built with the installed hatchling, so it needs no network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which `bnlab` comes from the wheel, and its dependencies from this Python."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(folder), str(wheel)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return {**os.environ, "PYTHONPATH": str(folder)}  # before the clone, which this Python has installed as editable


def run(*arguments: str, cwd: Path, env: dict[str, str]) -> str:
    command = [sys.executable, *arguments]
    ended = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_what_is_in_it(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    assert "bnlab/py.typed" in names
    assert {f"bnlab/configs/{name}.yaml" for name in shipped_configs()} <= set(names)
    assert {f"bnlab/report/templates/report.{kind}" for kind in ("css", "html", "js", "md")} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "runs/", "scripts/", "configs/"))]


def test_it_is_what_runs(installed, tmp_path):
    code = "import bnlab, bnlab.config; print(bnlab.__file__); print(bnlab.config.configs_folder())"
    module, configs = run("-c", code, cwd=tmp_path, env=installed).splitlines()
    assert module == f"{installed['PYTHONPATH']}/bnlab/__init__.py"
    assert configs == f"{installed['PYTHONPATH']}/bnlab/configs"


def test_configs_are_found_by_name_and_runs_are_made_here(installed, tmp_path):
    assert " regression_bn " in run("-m", "bnlab", "configs", cwd=tmp_path, env=installed)
    out = run("-m", "bnlab", "train", "regression_bn", "--set", "num_steps=2", cwd=tmp_path, env=installed)
    path = tmp_path / out.splitlines()[-1]
    assert path.parent == tmp_path / "runs" / "regression_bn"
    assert read_run(path).environment["git"] is None  # no clone
