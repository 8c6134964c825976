"""Where bnlab looks for MNIST, how it fetches the files, and its messages where they are missing or damaged.

All tests except the last ones use the small MNIST of conftest.py. The last ones use the real files, where they are
available.
"""

import gzip
import hashlib
import os
import shutil
import socket
import struct
import threading
from pathlib import Path

import numpy as np
import pytest

from bnlab import data, files
from bnlab.data import download
from bnlab.data.idx_sets import MNIST, IdxSet
from bnlab.errors import UserError

MEND = "put a whole copy in its place, or delete it: bnlab then looks in the other folders, or fetches it"
LACK = (
    "  put MNIST's four .gz files in a folder and name it by BNLAB_DATA_DIR, "
    "or set data.name to digits, which needs no network"
)
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = (file.name for file in MNIST.files)


def mnist() -> IdxSet:
    """MNIST, or the small one in its place."""
    return data._IDX["mnist"]


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    """The user's own data folder, empty."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv("BNLAB_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def cached(tmp_path) -> Path:
    """The folder of bnlab's cache, which does not exist yet."""
    return tmp_path / "cache" / "mnist"


def put(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def complaint() -> str:
    with pytest.raises(UserError) as caught:
        data.load("mnist")
    return str(caught.value)


# Looking for it


def test_split_and_scaling(own, small):
    put(own, small)
    dataset = data.load("mnist")
    assert dataset.valid is not None
    assert dataset.num_classes == 10
    splits = (dataset.train, dataset.valid, dataset.test)
    assert [split.inputs.shape for split in splits] == [(3, 4), (5000, 4), (4, 4)]
    assert [split.targets.shape for split in splits] == [(3,), (5000,), (4,)]
    assert {split.inputs.dtype for split in splits} == {np.dtype(np.float32)}
    assert {split.targets.dtype for split in splits} == {np.dtype(np.int32)}

    pixels = np.frombuffer(gzip.decompress(small[TRAIN_IMAGES])[16:], np.uint8).reshape(-1, 4)
    labels = np.frombuffer(gzip.decompress(small[TRAIN_LABELS])[8:], np.uint8)
    np.testing.assert_array_equal(dataset.valid.inputs, pixels[:5000].astype(np.float32) * np.float32(1 / 255))
    np.testing.assert_array_equal(dataset.train.inputs, pixels[5000:].astype(np.float32) * np.float32(1 / 255))
    np.testing.assert_array_equal(dataset.valid.targets, labels[:5000])
    np.testing.assert_array_equal(dataset.train.targets, labels[5000:])


@pytest.mark.parametrize("place", ["", "mnist"])
def test_found_in_the_own_folder_or_its_mnist(own, cached, small, place):
    put(own / place, small)
    data.load("mnist")
    assert data.fetch("mnist") == [own / place / name for name in small]
    assert names(own / place) - {"mnist"} == set(small)  # nothing is written beside the user's files


def test_found_in_the_cache(cached, small):
    put(cached, small)
    assert data.fetch("mnist") == [cached / name for name in small]


def test_the_own_folder_comes_first(own, cached, small):
    put(cached, small)
    put(own / "mnist", small)
    assert data.fetch("mnist") == [own / "mnist" / name for name in small]


def test_looked_for_file_by_file(own, cached, small, serve, monkeypatch):
    put(own, {TRAIN_IMAGES: small[TRAIN_IMAGES]})
    put(own / "mnist", {TRAIN_LABELS: small[TRAIN_LABELS]})
    put(cached, {TEST_IMAGES: small[TEST_IMAGES]})
    url, asked = serve(small)
    monkeypatch.setenv("BNLAB_MNIST_MIRRORS", url)
    assert data.fetch("mnist") == [
        own / TRAIN_IMAGES,
        own / "mnist" / TRAIN_LABELS,
        cached / TEST_IMAGES,
        cached / TEST_LABELS,
    ]
    assert asked == [TEST_LABELS]


def test_the_users_cache_folder_where_none_is_named(monkeypatch):
    import platformdirs

    monkeypatch.delenv("BNLAB_CACHE_DIR")
    assert MNIST.folders() == [platformdirs.user_cache_path("bnlab", appauthor=False) / "mnist"]


@pytest.mark.parametrize("variable", ["BNLAB_DATA_DIR", "BNLAB_CACHE_DIR"])
def test_a_home_folder_that_is_not_there(variable, small, monkeypatch):
    monkeypatch.setenv(variable, "~nobody-here/data")
    assert complaint() == f"{variable}: got '~nobody-here/data', and there is no such home folder"


def test_two_mirrors_where_none_is_named(monkeypatch):
    monkeypatch.delenv("BNLAB_MNIST_MIRRORS")
    assert MNIST.addresses() == [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ]


def test_mirrors_named(monkeypatch):
    monkeypatch.setenv("BNLAB_MNIST_MIRRORS", "http://a/x, http://b/,")
    assert MNIST.addresses() == ["http://a/x/", "http://b/"]


# Damaged files


def with_first_four(raw: bytes, magic: int) -> bytes:
    return struct.pack(">I", magic) + raw[4:]


def raw_of(small: dict[str, bytes]) -> bytes:
    return gzip.decompress(small[TEST_IMAGES])


BLACK = struct.pack(">4I", 0x803, 4, 2, 2) + bytes(16)

DAMAGES = {
    "truncated gzip": (
        lambda whole: whole[:-3],
        "got a gzip stream that ends too early, expected a whole one",
    ),
    "empty": (lambda whole: b"", "got 0 bytes, expected an IDX header of 16"),
    "no gzip": (
        lambda whole: b"<html>",
        "got no readable gzip stream (Not a gzipped file (b'<h')), expected one",
    ),
    "magic": (
        lambda whole: gzip.compress(with_first_four(gzip.decompress(whole), 0x801)),
        "got magic number 0x00000801, expected 0x00000803",
    ),
    "count": (
        lambda whole: gzip.compress(struct.pack(">4I", 0x803, 3, 2, 2) + bytes(12)),
        "got dimensions 3 x 2 x 2, expected 4 x 2 x 2",
    ),
    "too few values": (
        lambda whole: gzip.compress(gzip.decompress(whole)[:-1]),
        "got 15 values after the header, expected 16",
    ),
    "altered values": (
        lambda whole: gzip.compress(BLACK),
        f"got altered values (SHA-256 {hashlib.sha256(BLACK).hexdigest()}), expected SHA-256 {{sha256}}",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_file_is_reported_not_passed_over(own, cached, small, damage):
    make, reason = DAMAGES[damage]
    reason = reason.format(sha256=hashlib.sha256(raw_of(small)).hexdigest())
    put(cached, small)  # a whole copy in a later folder must not be used instead
    put(own, small | {TEST_IMAGES: make(small[TEST_IMAGES])})
    assert complaint() == f"{own / TEST_IMAGES}: {reason}; {MEND}"
    assert [(record.path, record.state, record.reason) for record in mnist().status()] == [
        (own / TRAIN_IMAGES, "whole", ""),
        (own / TRAIN_LABELS, "whole", ""),
        (own / TEST_IMAGES, "damaged", reason),
        (own / TEST_LABELS, "whole", ""),
    ]


def test_damaged_file_in_the_cache_is_reported(cached, small):
    put(cached, small | {TEST_IMAGES: small[TEST_IMAGES][:-3]})
    assert complaint() == (f"{cached / TEST_IMAGES}: got a gzip stream that ends too early, expected a whole one; {MEND}")


def test_unreadable_file(own, small, monkeypatch):
    put(own, small)
    read_bytes = Path.read_bytes

    def refuse(path: Path) -> bytes:  # file permissions would not stop a test that runs as root
        if path == own / TEST_IMAGES:
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert complaint() == f"{own / TEST_IMAGES}: cannot be read: Permission denied"
    assert mnist().status()[2].reason == "cannot be read: Permission denied"


# The decompressed copies


def copies(cached: Path) -> list[Path]:
    return sorted(cached.glob("*.raw"))


def test_copy_is_used(own, cached, small, monkeypatch):
    put(own, small)
    data.load("mnist")
    assert len(copies(cached)) == 4
    monkeypatch.setattr(gzip, "decompress", None)
    data.load("mnist")


def test_copy_does_not_mask_a_file_changed_later(own, cached, small):
    put(own, small)
    data.load("mnist")
    path = own / TEST_IMAGES
    before = path.stat()
    altered = bytearray(small[TEST_IMAGES])
    altered[-6] ^= 0xFF  # within the checksum: same size
    path.write_bytes(altered)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # and the same time
    assert complaint().startswith(f"{path}: got no readable gzip stream (CRC check failed")
    path.write_bytes(small[TEST_IMAGES][:-3])
    assert complaint() == f"{path}: got a gzip stream that ends too early, expected a whole one; {MEND}"


def test_copy_of_one_folder_does_not_mask_another(own, cached, small, tmp_path, monkeypatch):
    put(own, small)
    data.load("mnist")
    other = tmp_path / "other"
    put(other, small | {TEST_IMAGES: b""})
    monkeypatch.setenv("BNLAB_DATA_DIR", str(other))
    assert complaint() == f"{other / TEST_IMAGES}: got 0 bytes, expected an IDX header of 16; {MEND}"


@pytest.mark.parametrize("damage", [b"", b"\0" * 32])
def test_damaged_copy_is_made_again(own, cached, small, damage):
    put(own, small)
    expected = data.load("mnist").test.inputs
    for copy in copies(cached):
        copy.write_bytes(damage)
    np.testing.assert_array_equal(data.load("mnist").test.inputs, expected)
    assert raw_of(small) in [copy.read_bytes() for copy in copies(cached)]


def test_one_copy_a_file_is_kept(own, cached, small):
    put(own, small)
    data.load("mnist")
    first = copies(cached)
    os.utime(own / TEST_IMAGES, ns=(0, 0))
    data.load("mnist")
    second = copies(cached)
    assert len(second) == 4
    assert len(set(first) & set(second)) == 3


def test_no_copy_where_the_cache_cannot_be_written(own, small, tmp_path, monkeypatch):
    put(own, small)
    (tmp_path / "file").touch()
    monkeypatch.setenv("BNLAB_CACHE_DIR", str(tmp_path / "file"))
    assert len(data.load("mnist").test.inputs) == 4


# Fetching


def test_fetched_into_the_cache(own, cached, small, serve, monkeypatch, capfd):
    url, asked = serve(small)
    monkeypatch.setenv("BNLAB_MNIST_MIRRORS", url)
    assert data.fetch("mnist") == [cached / name for name in small]
    assert {name: (cached / name).read_bytes() for name in small} == small
    assert not list(cached.glob(".*"))
    assert capfd.readouterr() == ("", "")  # no bar away from a terminal
    data.load("mnist")
    assert asked == list(small)  # each file once


def test_load_fetches(small, serve, monkeypatch):
    url, asked = serve(small)
    monkeypatch.setenv("BNLAB_MNIST_MIRRORS", url)
    assert len(data.load("mnist").test.inputs) == 4
    assert asked == list(small)


def damaged_everywhere(small: dict[str, bytes]) -> dict[str, bytes]:
    return {name: gzip.compress(gzip.decompress(content)[:-1] + b"\xaa") for name, content in small.items()}


@pytest.mark.parametrize("first", ["absent", "truncated", "altered", "broken off"])
def test_second_mirror_where_the_first_is_bad(cached, small, serve, monkeypatch, first):
    bad, asked = {
        "absent": lambda: serve({}),
        "truncated": lambda: serve({name: content[:-3] for name, content in small.items()}),
        "altered": lambda: serve(damaged_everywhere(small)),
        "broken off": lambda: serve({name: content[:-3] for name, content in small.items()}, announced=3),
    }[first]()
    good, asked_then = serve(small)
    monkeypatch.setenv("BNLAB_MNIST_MIRRORS", f"{bad},{good}")
    data.fetch("mnist")
    assert {name: (cached / name).read_bytes() for name in small} == small
    assert asked_then == list(small)
    assert asked == [TRAIN_IMAGES]  # an address that failed is tried last from then on


def test_all_mirrors_bad(own, cached, small, serve, monkeypatch):
    altered = damaged_everywhere(small)
    urls = [serve(files)[0] for files in ({}, {TRAIN_IMAGES: small[TRAIN_IMAGES][:-3]}, altered)]
    monkeypatch.setenv("BNLAB_MNIST_MIRRORS", ",".join(urls))
    got, expected = (hashlib.sha256(gzip.decompress(files[TRAIN_IMAGES])).hexdigest() for files in (altered, small))
    assert complaint().splitlines() == [
        f"mnist: {TRAIN_IMAGES} is missing and could not be fetched",
        f"  looked in {own}",
        f"  looked in {own / 'mnist'}",
        f"  looked in {cached}",
        f"  tried {urls[0]}{TRAIN_IMAGES}: HTTP 404 Not Found",
        f"  tried {urls[1]}{TRAIN_IMAGES}: got a gzip stream that ends too early, expected a whole one",
        f"  tried {urls[2]}{TRAIN_IMAGES}: got altered values (SHA-256 {got}), expected SHA-256 {expected}",
        LACK,
    ]
    assert names(cached) == set()


def test_no_network(cached, small, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("BNLAB_MNIST_MIRRORS", f"http://127.0.0.1:{port}, nowhere")
    assert complaint().splitlines() == [
        f"mnist: {TRAIN_IMAGES} is missing and could not be fetched",
        f"  looked in {cached}",
        f"  tried http://127.0.0.1:{port}/{TRAIN_IMAGES}: Connection refused",
        f"  tried nowhere/{TRAIN_IMAGES}: unknown url type: 'nowhere/{TRAIN_IMAGES}'",
        LACK,
    ]
    assert not cached.exists()
    assert {(record.state, record.path, record.reason) for record in mnist().status()} == {
        ("missing", None, f"looked in {cached}")
    }


def test_silent_server_times_out(small, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        monkeypatch.setenv("BNLAB_MNIST_MIRRORS", url)
        assert f"  tried {url}{TRAIN_IMAGES}: timed out" in complaint().splitlines()


def test_what_was_fetched_before_a_failure_is_kept(cached, small, serve, monkeypatch):
    url, _ = serve({name: small[name] for name in (TRAIN_IMAGES, TRAIN_LABELS)})
    monkeypatch.setenv("BNLAB_MNIST_MIRRORS", url)
    assert complaint().startswith(f"mnist: {TEST_IMAGES} is missing")
    assert {name for name in names(cached) if name.endswith(".gz")} == {TRAIN_IMAGES, TRAIN_LABELS}


def test_cache_that_cannot_be_written(small, serve, monkeypatch, tmp_path):
    monkeypatch.setenv("BNLAB_MNIST_MIRRORS", serve(small)[0])
    (tmp_path / "file").touch()
    monkeypatch.setenv("BNLAB_CACHE_DIR", str(tmp_path / "file" / "cache"))
    path = tmp_path / "file" / "cache" / "mnist" / TRAIN_IMAGES
    assert complaint() == (f"{path}: cannot be written: Not a directory; set BNLAB_CACHE_DIR to a folder that can")


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_nothing_is_left_of_an_interrupted_write(tmp_path, monkeypatch, error):
    def interrupt(_: int) -> None:
        raise error

    path = tmp_path / "new" / "file"
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises((KeyboardInterrupt, OSError)):
        files.write_atomically(path, b"half")
    assert names(path.parent) == set()


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    files.write_atomically(path, b"old")
    monkeypatch.setattr(os, "fsync", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        files.write_atomically(path, b"new")
    assert names(tmp_path) == {"file"}
    assert path.read_bytes() == b"old"


def test_several_fetches_at_once(cached, small, serve, monkeypatch):
    monkeypatch.setenv("BNLAB_MNIST_MIRRORS", serve(small)[0])
    threads = [threading.Thread(target=mnist().fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: (cached / name).read_bytes() for name in small} == small
    assert not list(cached.glob(".*"))


# The real files


@pytest.fixture(scope="module")
def real_cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def real(real_folder, real_cache, monkeypatch) -> Path:
    monkeypatch.setenv("BNLAB_DATA_DIR", str(real_folder))
    monkeypatch.setenv("BNLAB_CACHE_DIR", str(real_cache))
    return real_folder


def test_real_sizes_and_labels(real):
    dataset = data.load("mnist")
    assert dataset.valid is not None
    assert dataset.train.inputs.shape == (55000, 784)
    assert dataset.valid.inputs.shape == (5000, 784)
    assert dataset.test.inputs.shape == (10000, 784)
    # The counts of each digit in the 60,000 and in the 10,000 labels, as published with the data.
    labels = np.concatenate([dataset.valid.targets, dataset.train.targets])
    assert np.bincount(labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(dataset.test.targets).tolist() == [
        980,
        1135,
        1032,
        1010,
        982,
        892,
        958,
        1028,
        974,
        1009,
    ]
    assert labels[:5].tolist() == [5, 0, 4, 1, 9]
    # The well-known mean and standard deviation of MNIST's pixels.
    pixels = np.concatenate([dataset.valid.inputs, dataset.train.inputs])
    assert round(float(pixels.mean(dtype=np.float64)), 4) == 0.1307
    assert round(float(pixels.std(dtype=np.float64)), 4) == 0.3081
    assert (pixels.min(), pixels.max()) == (0, np.float32(255) * np.float32(1 / 255))


def test_real_status_and_fetch(real):
    assert {record.state for record in mnist().status()} == {"whole"}
    assert data.fetch("mnist") == [real / file.name for file in mnist().files]


@pytest.mark.parametrize("damage", ["truncated", "altered", "magic", "count"])
def test_real_file_damaged(real, tmp_path, monkeypatch, damage):
    own = tmp_path / "damaged"
    own.mkdir()
    for file in mnist().files:
        shutil.copy(real / file.name, own / file.name)
    path = own / TRAIN_LABELS
    path.chmod(0o644)
    whole = path.read_bytes()
    raw = gzip.decompress(whole)
    altered = raw[:-1] + bytes([raw[-1] ^ 1])
    content, reason = {
        "truncated": (whole[:20000], "got a gzip stream that ends too early, expected a whole one"),
        "altered": (
            gzip.compress(altered),
            f"got altered values (SHA-256 {hashlib.sha256(altered).hexdigest()}), "
            "expected SHA-256 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        "magic": (
            gzip.compress(with_first_four(raw, 0x803)),
            "got magic number 0x00000803, expected 0x00000801",
        ),
        "count": (
            gzip.compress(raw[:4] + struct.pack(">I", 59999) + raw[8:-1]),
            "got dimensions 59999, expected 60000",
        ),
    }[damage]
    path.write_bytes(content)
    monkeypatch.setenv("BNLAB_DATA_DIR", str(own))
    assert complaint() == f"{path}: {reason}; {MEND}"
