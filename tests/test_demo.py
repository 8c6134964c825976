"""scripts/demo: its last lines say what was found, and which picture to open first."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_demo_ends_with_what_was_found(tmp_path: Path):
    """Its own commands, beside a set-up that does nothing: tests have an environment already."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "demo", tmp_path / "scripts" / "demo")
    for path, text in (
        (tmp_path / "scripts" / "setup", "#!/bin/sh\n"),
        (tmp_path / ".venv" / "bin" / "bnlab", f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m bnlab "$@"\n'),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    ended = subprocess.run(
        ["bash", "scripts/demo"], cwd=tmp_path, env=os.environ, capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == 0, ended.stderr
    found = ended.stdout.split("What was found:\n")[1]
    assert found.count("- Final test loss: ") == 2
    assert found.count("- Final test accuracy: ") == 1
    lines = found.splitlines()
    first = Path(lines[next(i for i, line in enumerate(lines) if line.endswith("Open this picture first:")) + 1].strip())
    assert first.name == "test_loss.png"
    assert first.exists()
