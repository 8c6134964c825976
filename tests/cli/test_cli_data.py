"""`bnlab data`: where data sets lie, in what state, and how they are fetched."""

import re

import pytest

from bnlab import data
from bnlab.data.idx_sets import MNIST

NAMES = [file.name for file in MNIST.files]


def cells(out: str) -> list[list[str]]:
    """Return the cells of the table's lines, but for its rule and its empty cells."""
    lines = [line.strip() for line in out.splitlines() if line.strip() and "─" not in line]
    return [re.split(r"\s{2,}", line) for line in lines]


@pytest.fixture
def nothing(tmp_path, monkeypatch):
    """No data folder, an empty cache."""
    monkeypatch.delenv("BNLAB_DATA_DIR", raising=False)
    monkeypatch.setenv("BNLAB_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_status_of_what_is_missing(bnlab, nothing):
    code, out, err = bnlab("data", "status")
    assert (code, err) == (0, "")
    assert cells(out) == [
        ["data set", "file", "state", "path", "remark"],
        ["regression", "made", "computed from its formula"],
        *(
            [one, name, "missing", f"looked in {nothing / one}"]
            for one in ("mnist", "fashion_mnist", "kmnist")
            for name in NAMES
        ),
        ["digits", "in scikit-learn", "comes with the installation"],
        ["constant", "made", "one row"],
    ]


def test_status_of_what_is_there(bnlab, real_mnist):
    code, out, _ = bnlab("data", "status")
    assert code == 0
    assert cells(out)[2:6] == [["mnist", name, "whole", str(real_mnist / name)] for name in NAMES]


@pytest.mark.parametrize(("name", "row"), [("mnist", 2), ("kmnist", 10)])
def test_status_of_what_is_damaged(name, row, bnlab, nothing):
    (nothing / name).mkdir(parents=True)
    (nothing / name / NAMES[0]).write_bytes(b"hello")
    code, out, err = bnlab("data", "status")
    assert code == 1
    assert cells(out)[row][:4] == [name, NAMES[0], "damaged", str(nothing / name / NAMES[0])]
    assert cells(out)[row][4].startswith("got no readable gzip stream")
    assert err == f"bnlab: a file is damaged; put a whole copy in its place, or delete it and run `bnlab data fetch {name}`\n"


def test_fetching_what_is_there(bnlab, real_mnist):
    code, out, _ = bnlab("data", "fetch")
    assert code == 0
    assert out.splitlines() == [str(real_mnist / name) for name in NAMES]


def test_fetching_without_network(bnlab, nothing):
    code, out, err = bnlab("data", "fetch", "mnist")
    assert (code, out) == (2, "")
    assert err.startswith(f"bnlab: mnist: {NAMES[0]} is missing and could not be fetched\n")
    assert not nothing.exists()


def test_fetching_what_needs_no_files(bnlab):
    assert bnlab("data", "fetch", "digits") == (0, "digits needs no files\n", "")


def test_fetching_an_unknown_name(bnlab):
    assert bnlab("data", "fetch", "minst") == (
        2,
        "",
        f"bnlab: data.name: got 'minst', expected one of {', '.join(data.NAMES)} (did you mean mnist?)\n",
    )
