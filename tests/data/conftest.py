"""A small MNIST that bnlab accepts as the real one, a server for it, and the real one where it is available."""

import dataclasses
import gzip
import hashlib
import os
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from bnlab import data
from bnlab.data.idx import IdxFile
from bnlab.data.idx_sets import MNIST, SETS
from bnlab.options import DataName

# Read at import, before the fixtures below set the variable to other folders.
GIVEN = os.environ.get("BNLAB_DATA_DIR")


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def small_set(monkeypatch: pytest.MonkeyPatch) -> Callable[[DataName], dict[str, bytes]]:
    """small_set(name) puts small files in the place of a set's: 2x2 pixels, 5,003 rows to train, 4 to test.

    Returns {name: .gz bytes}.
    """

    def put(name: DataName) -> dict[str, bytes]:
        whole = data._IDX[name]
        rng = np.random.default_rng([one.name for one in SETS].index(name))
        arrays = [
            rng.integers(0, values, shape, np.uint8)
            for shape, values in (((5003, 2, 2), 256), ((5003,), 10), ((4, 2, 2), 256), ((4,), 10))
        ]
        raws = [idx(array) for array in arrays]
        zipped = [gzip.compress(raw, mtime=0) for raw in raws]
        summed = [raw if file.digest_of == "values" else gz for file, raw, gz in zip(whole.files, raws, zipped, strict=True)]
        files = [
            IdxFile(file.name, array.shape, hashlib.sha256(content).hexdigest(), file.digest_of)
            for file, array, content in zip(whole.files, arrays, summed, strict=True)
        ]
        monkeypatch.setitem(data._IDX, name, dataclasses.replace(whole, files=files))
        return {file.name: gz for file, gz in zip(files, zipped, strict=True)}

    return put


@pytest.fixture
def small(small_set: Callable[[DataName], dict[str, bytes]]) -> dict[str, bytes]:
    """The small files of MNIST."""
    return small_set("mnist")


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the machine's own files, cache and network out of every test here."""
    monkeypatch.delenv("BNLAB_DATA_DIR", raising=False)
    monkeypatch.setenv("BNLAB_CACHE_DIR", str(tmp_path / "cache"))
    for one in SETS:
        monkeypatch.setenv(one.mirrors_variable, "http://127.0.0.1:9/")  # nothing listens there


@pytest.fixture(scope="session")
def real_folder() -> Path:
    """The folder of the real files."""
    for folder in [Path(GIVEN), Path(GIVEN) / "mnist"] if GIVEN else []:
        if (folder / MNIST.files[0].name).is_file():
            return folder
    pytest.skip(f"the real MNIST files are not here (BNLAB_DATA_DIR={GIVEN})")


@contextmanager
def _serving(files: dict[str, bytes], announced: int = 0) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.lstrip("/")
            asked.append(name)
            if name not in files:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(announced + len(files[name])))
            self.end_headers()
            self.wfile.write(files[name])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", asked
        finally:
            server.shutdown()
            thread.join()


Serve = Callable[..., tuple[str, list[str]]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """serve(files) gives a server's address and the list of requested names.

    `announced`: the header announces this many bytes more than are sent, so the connection breaks before the end.
    """
    with ExitStack() as stack:
        yield lambda files, announced=0: stack.enter_context(_serving(files, announced))
