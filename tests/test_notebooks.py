"""The notebooks of docs/ run from the top, and what they show was made by scripts/notebooks.py."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "docs").glob("*.ipynb"))
RUN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import notebooks
made = notebooks.stamped(notebooks.run(Path(sys.argv[2]), Path.cwd()), "Made by hand.")
notebooks.nbformat.write(made, "made.ipynb")
"""
ON_DIGITS = {
    '"article-003"': '"digits", "digits_bn"',
    "mnist_bn": "digits_bn",
    '"num_steps=3436", "record_every=859"': '"num_steps=40", "record_every=10"',
    'curves["BN"] < curves["no BN"]': 'curves["digits_bn"] < curves["digits"]',
    '"003", quick=True': '"004", quick=True',
}
"""What stands in the notebook's code: what makes it run without MNIST, in seconds."""


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.name)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


def shown(notebook: nbformat.NotebookNode) -> list[set[str]]:
    """Return for each code cell the kinds of what it shows."""
    return [
        {kind for output in cell.outputs for kind in output.get("data", {output.output_type: ""})}
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def run(path: Path, folder: Path) -> nbformat.NotebookNode:
    subprocess.run([sys.executable, "-c", RUN, ROOT / "scripts", path], cwd=folder, check=True, timeout=600)
    return nbformat.read(folder / "made.ipynb", 4)


def test_it_runs_without_mnist_on_the_digits(path, folder):
    notebook = nbformat.read(path, 4)
    for old, new in ON_DIGITS.items():
        assert any(old in cell.source for cell in notebook.cells if cell.cell_type == "code"), old
        for cell in notebook.cells:
            cell.source = cell.source.replace(old, new)
    nbformat.write(notebook, folder / "digits.ipynb")
    made = run(folder / "digits.ipynb", folder)
    assert [len(kinds) > 0 for kinds in shown(made)] == [True] * len(shown(notebook))


def test_it_runs_and_shows_what_is_stored(path, folder, real_mnist):
    made, stored = run(path, folder), nbformat.read(path, 4)
    assert made.cells[0].source.endswith("\n\n*Made by hand.*")
    assert made.cells[0].source.count("*Made by") == 1
    assert [cell.source for cell in made.cells[1:]] == [cell.source for cell in stored.cells[1:]]
    assert shown(made) == shown(stored)


def test_what_is_stored(path):
    stored = nbformat.read(path, 4)
    assert len(stored.cells) == 10
    assert re.search(
        r"\n\n\*Made by `python scripts/notebooks\.py` on \d{4}-\d\d-\d\d, bnlab \S+, commit [0-9a-f]{7,}\.\*$",
        stored.cells[0].source,
    )
    assert all(kinds and kinds <= {"text/plain", "text/html"} for kinds in shown(stored))
    assert path.stat().st_size < 150_000
    assert not re.findall(r"/(?:tmp|home|work|root)/", path.read_text(encoding="utf-8"))
