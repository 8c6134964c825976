"""Fashion-MNIST and KMNIST: the same loader, other folders, mirrors and sums. test_mnist.py has the loader's own tests."""

import gzip
import hashlib
import os
import re

import numpy as np
import pytest

from bnlab import data
from bnlab.data.idx_sets import FASHION_MNIST, KMNIST, MNIST, SETS
from bnlab.errors import UserError

OTHERS = (FASHION_MNIST, KMNIST)
NAMES = [one.name for one in OTHERS]


def values(gz: bytes, header: int) -> np.ndarray:
    return np.frombuffer(gzip.decompress(gz)[header:], np.uint8)


def test_the_table():
    assert [one.name for one in SETS] == ["mnist", "fashion_mnist", "kmnist"]
    assert [{file.digest_of for file in one.files} for one in SETS] == [{"values"}, {"gz"}, {"gz"}]
    for one in SETS:
        assert [file.name for file in one.files] == [file.name for file in MNIST.files]
        assert [file.shape for file in one.files] == [(60000, 28, 28), (60000,), (10000, 28, 28), (10000,)]
    sums = [file.sha256 for one in SETS for file in one.files]
    assert len(set(sums)) == 12
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in sums)


@pytest.mark.parametrize("name", NAMES)
def test_fetched_from_a_mirror(name, small_set, serve, tmp_path, monkeypatch):
    files = small_set(name)
    address, asked = serve(files)
    monkeypatch.setenv(f"BNLAB_{name.upper()}_MIRRORS", address)
    assert data.fetch(name) == [tmp_path / "cache" / name / file for file in files]
    assert asked == list(files)

    dataset = data.load(name)
    assert asked == list(files)  # nothing is fetched again
    assert dataset.valid is not None
    assert (dataset.name, dataset.num_classes) == (name, 10)
    pixels, labels = (values(files[file.name], header) for file, header in zip(MNIST.files[:2], (16, 8), strict=True))
    np.testing.assert_array_equal(dataset.valid.raw, pixels.reshape(-1, 4)[:5000])
    np.testing.assert_array_equal(dataset.train.raw, pixels.reshape(-1, 4)[5000:])
    np.testing.assert_array_equal(dataset.train.targets, labels[5000:])
    assert dataset.train.raw.dtype == np.uint8
    states = [record.state for record in data.status() if record.dataset == name]
    assert states == ["whole"] * 4


@pytest.mark.parametrize("name", NAMES)
def test_own_files_lie_in_a_folder_of_the_name(name, small_set, tmp_path, monkeypatch):
    files = small_set(name)
    monkeypatch.setenv("BNLAB_DATA_DIR", str(tmp_path))
    (tmp_path / name).mkdir()
    for file, content in files.items():
        (tmp_path / file).write_bytes(b"MNIST's, of the same name")
        (tmp_path / name / file).write_bytes(content)
    assert data.fetch(name) == [tmp_path / name / file for file in files]
    assert len(data.load(name).train) == 3
    assert not (tmp_path / "cache").exists()  # no copy without a sum of the values


def test_another_compression_is_refused_where_the_sum_is_of_the_file(small_set, tmp_path):
    files = small_set("kmnist")
    folder = tmp_path / "cache" / "kmnist"
    folder.mkdir(parents=True)
    for file, content in files.items():
        (folder / file).write_bytes(content)
    name, content = next(iter(files.items()))
    again = gzip.compress(gzip.decompress(content), 1, mtime=0)
    (folder / name).write_bytes(again)
    with pytest.raises(UserError) as caught:
        data.load("kmnist")
    assert str(caught.value) == (
        f"{folder / name}: got another .gz file (SHA-256 {hashlib.sha256(again).hexdigest()}), "
        f"expected SHA-256 {hashlib.sha256(content).hexdigest()}; "
        "put a whole copy in its place, or delete it: bnlab then looks in the other folders, or fetches it"
    )


def test_missing_without_a_network(tmp_path, monkeypatch):
    monkeypatch.setenv("BNLAB_DATA_DIR", str(tmp_path))
    with pytest.raises(UserError) as caught:
        data.load("fashion_mnist")
    assert str(caught.value).splitlines() == [
        "fashion_mnist: train-images-idx3-ubyte.gz is missing and could not be fetched",
        f"  looked in {tmp_path / 'fashion_mnist'}",
        f"  looked in {tmp_path / 'cache' / 'fashion_mnist'}",
        f"  tried http://127.0.0.1:9/train-images-idx3-ubyte.gz: {os.strerror(111)}",
        "  put Fashion-MNIST's four .gz files in a folder fashion_mnist and name the folder above it by BNLAB_DATA_DIR, "
        "or set data.name to digits, which needs no network",
    ]
