#!/usr/bin/env python
"""Run the notebooks of docs/ from the top, and store what they show.

    python scripts/notebooks.py

Each notebook runs in an empty folder. Its first cell ends with a line that says when, and by which version and commit, its
outputs were made. tests/test_notebooks.py runs the notebooks too, without storing. Both need MNIST (BNLAB_DATA_DIR).
"""

import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from results import ROOT, origin

STAMP = re.compile(r"\n\n\*Made by .*\*$")


def run(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Return the notebook with the outputs of a run in `folder`. Raises CellExecutionError where a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=600, record_timing=False, resources={"metadata": {"path": str(folder)}})
    return client.execute()


def stamped(notebook: nbformat.NotebookNode, stamp: str) -> nbformat.NotebookNode:
    """Return the notebook with the stamp at the end of its first cell, and without what differs between two machines."""
    first = notebook.cells[0]
    first.source = f"{STAMP.sub('', first.source)}\n\n*{stamp}*"
    notebook.metadata = {"kernelspec": notebook.metadata.kernelspec}
    for cell in notebook.cells:
        cell.metadata = {}
        shown = [output for output in cell.get("outputs", ()) if any(output.get("data", {"": "text"}).values())]
        cell.update({"outputs": shown} if cell.cell_type == "code" else {})  # not the place of a bar that is gone
    return notebook


def main() -> None:
    for path in sorted((ROOT / "docs").glob("*.ipynb")):
        print(path.name, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            notebook = run(path, Path(folder))
        made = origin(ROOT, f"python scripts/{Path(__file__).name}").strip().removesuffix(":")
        nbformat.write(stamped(notebook, f"{made}."), path)


if __name__ == "__main__":
    sys.exit(main())
