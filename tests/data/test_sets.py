"""The data sets that need no file, and the registry."""

import subprocess
import sys

import numpy as np
import pytest

from bnlab import data
from bnlab.data import digits, regression
from bnlab.errors import UserError
from bnlab.options import DATA_SETS, Facts


def test_target_by_hand():
    # cos 0 = 1; cos(20π/20) = -1 and cos(20·2π/20) = 1 leave the parabola and ∓3.
    assert regression.target(0.0) == 4.0
    quarter = np.pi / 20
    np.testing.assert_allclose(
        regression.target(np.array([quarter, 2 * quarter])),
        [3 * quarter + 2 * quarter**2 - 2, 6 * quarter + 8 * quarter**2 + 4],
        rtol=1e-14,
    )


def test_powers_by_hand():
    np.testing.assert_array_equal(
        regression.powers(np.array([0.0, -2.0, 0.5]), count=4),
        [[1, 0, 0, 0], [1, -2, 4, -8], [1, 0.5, 0.25, 0.125]],
    )


def test_regression():
    dataset = data.load("regression")
    assert dataset.train is dataset.test
    assert dataset.valid is None
    assert dataset.num_classes is None
    inputs, targets = dataset.train.inputs, dataset.train.targets
    assert (inputs.shape, inputs.dtype) == ((300, 6), np.float32)
    assert (targets.shape, targets.dtype) == ((300, 1), np.float32)
    np.testing.assert_array_equal(inputs[0], [1, -2, 4, -8, 16, -32])
    np.testing.assert_array_equal(inputs[-1], [1, 2, 4, 8, 16, 32])
    # 3·2 + 2·4 + 1 = 15 at x = 2, and 3 at x = -2; cos 40 = -0.666938061652262
    np.testing.assert_array_equal(targets[[0, -1], 0], np.float32([3 - 2.000814184956786, 15 - 2.000814184956786]))
    np.testing.assert_allclose(np.diff(inputs[:, 1]), 4 / 299, rtol=1e-4)


def test_regression_of_other_sizes():
    np.testing.assert_array_equal(regression.load(points=5).train.inputs[:, 1], [-2, -1, 0, 1, 2])
    coarse = regression.coarse()
    assert coarse.inputs.shape == (10, 6)
    np.testing.assert_allclose(coarse.inputs[:, 1], -2 + 4 / 9 * np.arange(10), rtol=1e-6)
    assert coarse.targets[0, 0] == data.load("regression").train.targets[0, 0]


def test_constant():
    dataset = data.load("constant")
    for split in (dataset.train, dataset.test):
        assert split.inputs.tolist() == split.targets.tolist() == [[100.0]]
        assert split.inputs.dtype == split.targets.dtype == np.float32
    assert dataset.num_classes is None


def test_digits():
    from sklearn.datasets import load_digits

    dataset = data.load("digits")
    assert dataset.valid is not None
    splits = (dataset.train, dataset.valid, dataset.test)
    assert [len(split.inputs) for split in splits] == [1297, 250, 250]
    assert dataset.num_classes == 10
    assert {split.inputs.dtype for split in splits} == {np.dtype(np.float32)}
    assert {split.targets.dtype for split in splits} == {np.dtype(np.int32)}

    # Every digit is in exactly one split, and its label with it.
    inputs = np.concatenate([split.inputs for split in splits])
    labels = np.concatenate([split.targets for split in splits])
    original, original_labels = load_digits(return_X_y=True)
    rows = np.random.Generator(np.random.PCG64(digits.SPLIT_SEED)).permutation(1797)
    np.testing.assert_array_equal(inputs * 16, original[rows])
    np.testing.assert_array_equal(labels, original_labels[rows])


def test_digits_split_is_pinned():
    # NumPy may change permutations between versions (NEP 19); this test fails if it does.
    dataset = data.load("digits")
    assert np.bincount(dataset.train.targets).tolist() == [123, 129, 120, 144, 123, 129, 130, 138, 132, 129]
    assert dataset.test.targets[:10].tolist() == [0, 8, 5, 1, 4, 2, 6, 9, 7, 8]


@pytest.mark.parametrize("name", ["regression", "digits", "constant", "mnist"])
def test_facts_are_those_of_the_data(name, monkeypatch, request):
    if name == "mnist":
        monkeypatch.setenv("BNLAB_DATA_DIR", str(request.getfixturevalue("real_folder")))
    dataset = data.load(name)
    valid_rows = len(dataset.valid) if dataset.valid else 0
    assert DATA_SETS[name] == Facts(len(dataset.train), valid_rows, len(dataset.test), dataset.num_classes)


@pytest.mark.parametrize("function", [data.load, data.fetch])
def test_unknown_name(function):
    with pytest.raises(UserError) as caught:
        function("minst")
    assert str(caught.value) == (f"data.name: got 'minst', expected one of {', '.join(data.NAMES)} (did you mean mnist?)")


def test_status_and_fetch_of_what_needs_no_files():
    records = {record.dataset: (record.state, record.path) for record in data.status()}
    assert records["regression"] == records["constant"] == ("made", None)
    assert records["digits"] == ("in scikit-learn", None)
    assert set(records) == {name for name, facts in DATA_SETS.items() if facts}  # a file of the user's own has no place
    assert [data.fetch(name) for name in ("regression", "digits", "constant", "csv")] == [[], [], [], []]


def test_import_is_light():
    program = (
        "import sys, bnlab.data, bnlab.data.batches;"
        "print({'jax', 'sklearn', 'rich', 'platformdirs', 'urllib.request'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def test_binary_digits():
    whole, binary = data.load("digits"), data.binarised(data.load("digits"), 0.5)
    assert binary.valid is not None
    np.testing.assert_array_equal(binary.train.targets, whole.train.targets)
    # The digits are multiples of 1/16: 8/16 is not above 0.5, 9/16 is.
    assert {*np.unique(binary.train.inputs)} == {0.0, 1.0}
    for half in (8, 9):
        assert (binary.train.inputs[whole.train.inputs == half / 16] == (half > 8)).all()
    assert binary.train.inputs.dtype == np.float32


def test_binary_pixels():
    pixels = np.array([[0, 127, 128, 255]], np.uint8)
    split = data.Split(pixels, np.zeros(1, np.int32))
    dataset = data.Dataset("made up", split, None, split, 10)
    binary = data.binarised(dataset, 0.5)
    assert binary.train.raw.dtype == np.uint8
    np.testing.assert_array_equal(binary.train.inputs, [[0, 0, 1, 1]])  # 128/255 = 0.502
    np.testing.assert_array_equal(data.binarised(dataset, 0.0).test.inputs, [[0, 1, 1, 1]])
    assert binary.valid is None
