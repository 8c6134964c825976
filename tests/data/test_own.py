"""Files of the user's own: what becomes of good ones, and what is said of the others."""

import csv
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from bnlab import data
from bnlab.errors import UserError
from bnlab.options import FileOptions, OptionError


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def load(path: Path, **options: object) -> data.Dataset:
    name = "arrays" if path.suffix == ".npz" else "csv"
    target = {} if name == "arrays" else {"target": "y"}
    return data.load(name, FileOptions(**{"path": str(path), "task": "classification", **target, **options}))  # pyright: ignore


def complaint(path: Path, **options: object) -> str:
    with pytest.raises(UserError) as caught:
        load(path, **options)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


ROWS = [(i, i * i, "abc"[i % 3]) for i in range(10)]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Ten rows: a = i, b = i², y = a, b, c in turn."""
    return write_csv(tmp_path / "table.csv", ("a", "b", "y"), ROWS)


# --- CSV ----------------------------------------------------------------------------------------------------


def test_rows_are_split_by_the_seed_and_keep_their_labels(table):
    dataset = load(table, standardise=False, valid_fraction=0.3)
    assert dataset.valid is not None
    assert [len(part) for part in (dataset.train, dataset.valid, dataset.test)] == [5, 3, 2]
    order = np.random.Generator(np.random.PCG64(0)).permutation(10)
    inputs = np.concatenate([part.inputs for part in (dataset.train, dataset.valid, dataset.test)])
    labels = np.concatenate([part.targets for part in (dataset.train, dataset.valid, dataset.test)])
    np.testing.assert_array_equal(inputs, np.float32([[i, i * i] for i in order]))
    np.testing.assert_array_equal(labels, order % 3)
    assert (inputs.dtype, labels.dtype, dataset.num_classes) == (np.float32, np.int32, 3)
    other = load(table, standardise=False, valid_fraction=0.3, split_seed=1)
    assert not np.array_equal(other.train.inputs, dataset.train.inputs)


def test_standardised_by_the_training_rows_alone(tmp_path):
    path = tmp_path / "ready.npz"
    np.savez(path, train_x=[[1.0], [3.0]], train_y=[10.0, 30.0], test_x=[[5.0]], test_y=[20.0])
    dataset = load(path, task="regression")
    # Mean 2 and standard deviation 1 of the inputs, 20 and 10 of the targets.
    assert dataset.train.inputs.tolist() == [[-1], [1]]
    assert dataset.test.inputs.tolist() == [[3]]
    assert dataset.train.targets.tolist() == [[-1], [1]]
    assert dataset.test.targets.tolist() == [[0]]
    assert (dataset.valid, dataset.num_classes) == (None, None)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_quotes_and_a_byte_order_mark(tmp_path, separator):
    path = tmp_path / "table.csv"
    lines = ['"the a"', "b", "y"], ["1", " 2.5e0", '"x, ""y"""'], ["3", "4", "z"], ["5", "7", "z"]
    path.write_text("\ufeff" + "\n".join(separator.join(line) for line in lines) + "\n\n", encoding="utf-8")
    dataset = load(path, standardise=False, test_fraction=0.3)
    assert sorted([*dataset.train.inputs.tolist(), *dataset.test.inputs.tolist()]) == [[1, 2.5], [3, 4], [5, 7]]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_target_may_be_any_column(tmp_path, place):
    def with_target(cells: Sequence[object], target: object) -> list[object]:
        return [*cells[:place], target, *cells[place:]]

    rows = [with_target((i, -i * i), "no" if i < 5 else "yes") for i in range(10)]
    path = write_csv(tmp_path / "table.csv", [str(one) for one in with_target("ab", "y")], rows)
    dataset = load(path, standardise=False)
    np.testing.assert_array_equal(dataset.train.targets, dataset.train.inputs[:, 0] >= 5)
    np.testing.assert_array_equal(dataset.train.inputs[:, 1], -(dataset.train.inputs[:, 0] ** 2))


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (("b", "a", "b", "a"), (1, 0, 1, 0)),
        (("10", "9", "10", "9"), (1, 0, 1, 0)),  # as numbers, not as text
        (("-1", "1", "-1", "1.0"), (0, 1, 0, 1)),
        (("3", "7", "5", "7"), (0, 2, 1, 2)),
        (("9007199254740993", "9007199254740992", "9007199254740993", "5"), (2, 1, 2, 0)),  # a float holds only one of two
        (("nan", "10", "9", "nan"), (2, 0, 1, 2)),  # as words
        (("inf", "10", "9", "inf"), (2, 0, 1, 2)),
        ((" b", "a ", "b", "a"), (1, 0, 1, 0)),
    ],
)
def test_labels_become_classes_in_their_order(tmp_path, labels, classes):
    path = write_csv(tmp_path / "table.csv", ("a", "y"), enumerate(labels))
    dataset = load(path, standardise=False, test_fraction=0.3)
    given = {
        int(x): int(label)
        for part in (dataset.train, dataset.test)
        for x, label in zip(part.inputs[:, 0], part.targets, strict=True)
    }
    assert tuple(given[i] for i in range(4)) == classes
    assert dataset.num_classes == max(classes) + 1


def test_a_file_is_read_once_and_again_when_it_changes(table, monkeypatch):
    options = FileOptions(path=str(table), task="classification", target="y")
    first = data.load("csv", options)
    assert data.load("csv", options) is first
    found = data.find("csv", options)
    assert (found.train_rows, found.valid_rows, found.test_rows, found.num_classes) == (8, 0, 2, 3)
    write_csv(table, ("a", "b", "y"), [*ROWS, (11, 12, "a")])
    assert data.load("csv", options) is not first
    assert data.find("csv", options).sha256 != found.sha256


NO_TABLE: dict[str, tuple[str, str]] = {
    "": ("", "is empty, expected a line with the names of the columns and a line for each row"),
    "header alone": ("a,y\n", "has no rows"),
    "no header": ("1,2\n3,4\n", "line 1: got numbers (1, 2, …), expected the names of the columns"),
    "row numbers": (",a,y\n0,1,b\n", "line 1: column 1 has no name; where it numbers the rows, write the file without it"),
    "double name": ("a,a,y\n1,2,b\n", "line 1: 1 of the names stand there twice: a"),
    "target alone": ("y\nb\n", "has the column y alone, expected features beside the target"),
    "missing value": ("a,b,y\n1,2,c\n3,,d\n", "line 3, column b: the value is missing; leave out such rows, or fill them in"),
    "missing label": ("a,y\n1,c\n3, \n", "line 3, column y: the value is missing; leave out such rows, or fill them in"),
    "text": ("a,y\n1,c\nNA,d\n", "line 3, column a: got 'NA', expected a number"),
    "thousands": ("a,y\n1_000,c\n2,d\n", "line 2, column a: got '1_000', expected a number"),
    "nan": ("a,y\n1,c\nnan,d\n", "line 3, column a: got nan, expected a finite number"),
    "infinite": ("a,y\n-inf,c\n2,d\n", "line 2, column a: got -inf, expected a finite number"),
    "short line": ("a,b,y\n1,2,c\n3,d\n", "line 3: got 2 cells, expected 3, one for each column"),
    "long line": ("a,b,y\n1,2,c\n3,4,d,5\n", "line 3: got 4 cells, expected 3, one for each column"),
    "one class": ("a,y\n1,c\n2,c\n", "the target is c in every row, expected two classes or more"),
    "constant": (
        "a,b,y\n" + "".join(f"{i},1,{'cd'[i % 2]}\n" for i in range(10)),
        "1 of the columns are constant in the training rows, and cannot be standardised: b; "
        "leave them out, or set data.standardise to false",
    ),
    "same values": (
        "a,b,y\n1,1.0,c\n2,2,d\n3,3,c\n",
        "the columns a and b hold the same values; leave one of them out",
    ),
    "one row": ("a,y\n1,c\n", "the target is c in every row, expected two classes or more"),
    "huge": ("a,y\n1e39,c\n2,d\n3,c\n", "row 0, feature a: got 1e+39, expected a number that float32 holds"),
}


@pytest.mark.parametrize("name", NO_TABLE)
def test_no_good_table(tmp_path, name):
    text, message = NO_TABLE[name]
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    assert complaint(path) == message


def test_a_target_of_words_is_no_regression(table):
    assert complaint(table, task="regression") == (
        "line 2, column y: got 'a', expected a number; a target of words needs data.task classification"
    )


def test_a_constant_target_is_no_regression(tmp_path):
    path = write_csv(tmp_path / "table.csv", ("a", "y"), [(i, 5) for i in range(10)])
    assert complaint(path, task="regression").startswith(
        "1 of the columns are constant in the training rows, and cannot be standardised: the target; "
    )


def test_too_many_labels(tmp_path):
    path = write_csv(tmp_path / "table.csv", ("a", "y"), [(i, i / 7) for i in range(1001)])
    assert complaint(path) == ("got 1,001 different labels, expected at most 1,000; data.task regression predicts numbers")


def test_a_target_that_is_not_there(table):
    for target, message in (
        ("Y", f"data.target: got 'Y', expected a column of {table}: a, b, y"),
        (None, f"data.target: is missing, expected a column of {table}: a, b, y"),
    ):
        with pytest.raises(UserError) as caught:
            load(table, target=target)
        assert str(caught.value) == message


def test_too_few_rows_to_split(tmp_path):
    path = write_csv(tmp_path / "table.csv", ("a", "y"), [(1, "b"), (2, "c")])
    assert complaint(path, test_fraction=0.9) == "got 2 rows, too few to split into training and test rows"
    assert complaint(path) == "the training rows are all of one class, expected two classes or more"


@pytest.mark.parametrize("content", [b"a,y\n\xff,2\n", b"\xff\xfea,y\n", b"a,y\n1,2\n3,\xff\n"])
def test_not_text(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    assert complaint(path) == "is not UTF-8 text"


def test_files_that_cannot_be_read(tmp_path):
    assert complaint(tmp_path / "none.csv") == "cannot be read: No such file or directory"
    assert complaint(tmp_path / "none.npz") == "cannot be read: No such file or directory"
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    assert complaint(folder) == "cannot be read: Is a directory"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "classification"}, "data.path: is missing, expected the file of data.name csv"),
        ({"path": "a.csv"}, "data.task: is missing, expected classification or regression"),
    ],
)
def test_options_that_are_needed(options, message):
    with pytest.raises(UserError) as caught:
        data.load("csv", FileOptions(**options))
    assert str(caught.value) == message


def test_fractions_leave_rows_to_train_on():
    with pytest.raises(OptionError) as caught:
        FileOptions(test_fraction=0.5, valid_fraction=0.5)
    assert str(caught.value) == "valid_fraction: got 0.5, expected less than 0.5 with test_fraction 0.5"


# --- Arrays -------------------------------------------------------------------------------------------------


def write_npz(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)  # pyright: ignore[reportArgumentType]
    return path


def test_arrays_that_are_split(tmp_path):
    x = np.arange(40.0).reshape(10, 2, 2)
    dataset = load(write_npz(tmp_path / "a.npz", x=x, y=np.arange(10) % 2), standardise=False)
    order = np.random.Generator(np.random.PCG64(0)).permutation(10)
    np.testing.assert_array_equal(dataset.train.inputs, x.reshape(10, 4)[order[:8]])
    np.testing.assert_array_equal(dataset.test.targets, order[8:] % 2)


def test_bytes_are_pixels(tmp_path):
    x = np.array([[0, 255], [51, 102], [255, 0]], np.uint8)
    dataset = load(
        write_npz(tmp_path / "a.npz", train_x=x, train_y=["b", "a", "b"], test_x=x, test_y=["a", "b", "a"]), standardise=False
    )
    assert dataset.train.raw.dtype == np.uint8
    np.testing.assert_allclose(dataset.train.inputs, [[0, 1], [0.2, 0.4], [1, 0]], rtol=1e-6)
    assert dataset.train.targets.tolist() == [1, 0, 1]


def test_ready_splits_with_validation(tmp_path):
    parts = {
        f"{part}_{axis}": np.eye(3)[:, :2] if axis == "x" else [0, 1, 2]
        for part in ("train", "valid", "test")
        for axis in "xy"
    }
    dataset = load(write_npz(tmp_path / "a.npz", **parts), standardise=False)
    assert dataset.valid is not None
    assert dataset.valid.targets.tolist() == [0, 1, 2]


X, Y = np.arange(12.0).reshape(6, 2), np.arange(6) % 2
EXPECTED = "x and y, or train_x, train_y, test_x and test_y (and perhaps valid_x and valid_y)"
NO_ARRAYS: dict[str, tuple[dict[str, object], str]] = {
    "other names": ({"X": X, "y": Y}, f"has no train_x, expected {EXPECTED}; it has X, y"),
    "no test": ({"train_x": X, "train_y": Y}, f"has no test_x, expected {EXPECTED}; it has train_x, train_y"),
    "no array": ({}, f"has no train_x, expected {EXPECTED}; it has none"),
    "one axis": (
        {"x": X[:, 0], "y": Y},
        "x: got shape (6,), expected [rows, features] (x[:, None] makes one feature of a list of numbers)",
    ),
    "a number": ({"x": 3.0, "y": Y}, "x: got shape (), expected [rows, features]"),
    "other lengths": ({"x": X, "y": Y[:5]}, "y: got shape (5,), expected (6,), a target for each row of x"),
    "one-hot": ({"x": X, "y": np.eye(2)[Y]}, "y: got shape (6, 2), expected (6,), a target for each row of x"),
    "text": ({"x": X.astype(str), "y": Y}, "x: got values of type <U32, expected numbers"),
    "objects": ({"x": np.array([[1, "a"]], object), "y": Y}, "holds Python objects, expected arrays of numbers or text"),
    "nan": ({"x": np.where(X == 5, np.nan, X), "y": Y}, "row 2, feature 1: got nan, expected a number that float32 holds"),
    "infinite in test": (
        {"train_x": X, "train_y": Y, "test_x": X + np.inf, "test_y": Y},
        "test_x: row 0, feature 0: got inf, expected a number that float32 holds",
    ),
    "no rows": ({"x": X[:0], "y": Y[:0]}, "has no rows"),
    "no features": ({"x": X[:, :0], "y": Y}, "got 0 features, expected at least one"),
    "no test rows": ({"train_x": X, "train_y": Y, "test_x": X[:0], "test_y": Y[:0]}, "test_x: has no rows"),
    "other features": ({"train_x": X, "train_y": Y, "test_x": X[:, :1], "test_y": Y}, "test_x: got 1 features, expected 2"),
    "half a class": (
        {"x": X, "y": Y + 0.5},
        "y: got the label 0.5, expected whole numbers or words with data.task classification",
    ),
    "one class": ({"x": X, "y": Y * 0}, "the target is 0 in every row, expected two classes or more"),
    "infinite in half precision": (
        {"x": np.where(X == 5, np.inf, X).astype(np.float16), "y": Y},
        "row 2, feature 1: got inf, expected a number that float32 holds",
    ),
}


@pytest.mark.parametrize("name", NO_ARRAYS)
def test_no_good_arrays(tmp_path, name):
    arrays, message = NO_ARRAYS[name]
    assert complaint(write_npz(tmp_path / "a.npz", **arrays)) == message


def test_text_is_no_regression(tmp_path):
    path = write_npz(tmp_path / "a.npz", x=X, y=list("ababab"))
    assert complaint(path, task="regression") == "y: got text such as 'a', expected numbers with data.task regression"
    path = write_npz(tmp_path / "b.npz", x=X, y=[1, 2, np.inf, 3, 4, 5])
    assert complaint(path, task="regression") == "y: holds a number that is not finite in float32"


def test_no_npz(tmp_path):
    path = tmp_path / "a.npz"
    for content in (b"", b"hello", b"PK\x03\x04 broken"):
        path.write_bytes(content)
        assert complaint(path) == f"is no .npz file, expected one with {EXPECTED}"
    with path.open("wb") as file:
        np.save(file, X)
    assert complaint(path) == f"is no .npz file, expected one with {EXPECTED}"


def test_a_member_that_is_no_array(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"")
        archive.writestr("y.npy", b"")
    assert complaint(path) == "x: is damaged, expected an array"


def test_half_precision_is_like_single(tmp_path):
    single, half = (load(write_npz(tmp_path / f"{kind}.npz", x=X.astype(kind), y=Y)) for kind in ("float32", "float16"))
    np.testing.assert_array_equal(half.train.inputs, single.train.inputs)
    assert half.train.inputs.dtype == np.float32


def test_a_damaged_npz(tmp_path):
    path = write_npz(tmp_path / "a.npz", x=X, y=Y)
    content = bytearray(path.read_bytes())
    content[content.index(X.tobytes()) + 3] ^= 1
    path.write_bytes(content)
    assert complaint(path) == "is damaged: Bad CRC-32 for file 'x.npy'"
