from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from bnlab.data.batches import KINDS, batches, epoch_batches, resampled_batches
from bnlab.errors import UserError

SHAPES = {"epoch": (103, 20), "resampled": (300, 20)}


@pytest.mark.parametrize("kind", KINDS)
def test_shape_and_type(kind):
    drawn = batches(kind, *SHAPES[kind], seed=0, start=0, count=7)
    assert (drawn.shape, drawn.dtype) == ((7, 20), np.int32)
    assert drawn.flags.c_contiguous
    assert batches(kind, *SHAPES[kind], seed=0, start=5, count=0).shape == (0, 20)


@pytest.mark.parametrize("kind", KINDS)
def test_any_split_gives_the_same_batches(kind):
    whole = batches(kind, *SHAPES[kind], seed=3, start=0, count=60)
    cuts = [0, 1, 5, 6, 21, 59, 60]
    parts = [batches(kind, *SHAPES[kind], seed=3, start=start, count=stop - start) for start, stop in pairwise(cuts)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_differ(kind):
    # Seeds 0 … 9 and seeds beyond 32 bits. Careless mixing would drop the upper half of these.
    seeds = [*range(10), 2**32, 2**32 + 5]
    first = {batches(kind, *SHAPES[kind], seed=seed, start=0, count=30).tobytes() for seed in seeds}
    assert len(first) == len(seeds)


@pytest.mark.parametrize("kind", KINDS)
def test_global_generator_is_left_alone(kind):
    np.random.seed(1)
    before = np.random.get_state()[1].copy()  # pyright: ignore
    batches(kind, *SHAPES[kind], seed=0, start=0, count=10)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # pyright: ignore


@pytest.mark.parametrize("kind", KINDS)
def test_batch_larger_than_the_data(kind):
    with pytest.raises(UserError) as caught:
        batches(kind, 300, 301, seed=0, start=0, count=1)
    assert str(caught.value) == "batch_size: got 301, expected at most 300, the rows of the training set"


def test_unknown_kind():
    with pytest.raises(UserError) as caught:
        batches("epochs", 300, 20, seed=0, start=0, count=1)
    assert str(caught.value) == "batches: got 'epochs', expected one of epoch, resampled (did you mean epoch?)"


def test_the_tail_of_an_epoch_begins_the_next_batch():
    # 7 rows in batches of 3: places 0-2, 3-5, then the last one and two of the second epoch, and so on.
    drawn = epoch_batches(7, 3, seed=0, start=0, count=7)
    first, second, third = drawn.reshape(3, 7)
    for epoch in (first, second, third):
        assert sorted(epoch) == list(range(7))
    assert drawn[2, 0] == first[6]
    assert drawn[2, 1:].tolist() == second[:2].tolist()
    assert drawn[4].tolist() == [*second[5:], third[0]]
    assert len({tuple(first), tuple(second), tuple(third)}) == 3


def test_an_epoch_without_tail_carries_nothing():
    drawn = epoch_batches(6, 3, seed=0, start=0, count=6)
    for epoch in range(3):
        assert sorted(drawn[2 * epoch : 2 * epoch + 2].ravel()) == list(range(6))
    np.testing.assert_array_equal(epoch_batches(6, 3, seed=0, start=2, count=4), drawn[2:])


def test_a_batch_of_all_rows():
    for kind in KINDS:
        drawn = batches(kind, 5, 5, seed=0, start=0, count=4)
        np.testing.assert_array_equal(np.sort(drawn, axis=1), np.tile(np.arange(5), (4, 1)))


def test_epoch_order_is_pinned():
    # NumPy may change permutations between versions (NEP 19); this test fails if it does.
    assert epoch_batches(10, 5, seed=0, start=0, count=4).tolist() == [
        [4, 9, 8, 7, 5],
        [3, 0, 1, 2, 6],
        [3, 8, 9, 4, 6],
        [7, 2, 0, 1, 5],
    ]


def test_resampled_is_pinned():
    assert resampled_batches(10, 4, seed=0, start=0, count=3).tolist() == [
        [4, 2, 0, 9],
        [5, 7, 8, 9],
        [3, 7, 8, 0],
    ]


def test_floyd_by_hand():
    # Step 1 of seed 0 takes the stream's draws 4-7; each falls on one of 7, 8, 9, 10 places.
    uniform = np.random.Generator(np.random.PCG64(0)).random(8)[4:]
    taken: list[int] = []
    for last, u in zip([6, 7, 8, 9], uniform, strict=True):
        place = int(u * (last + 1))
        taken.append(last if place in taken else place)
    assert resampled_batches(10, 4, seed=0, start=1, count=1).tolist() == [taken]


def test_no_row_twice():
    drawn = np.sort(resampled_batches(300, 20, seed=0, start=0, count=2000), axis=1)
    assert (np.diff(drawn, axis=1) > 0).all()
    assert drawn.min() == 0
    assert drawn.max() == 299


def test_resampled_rows_are_uniform():
    # Without replacement the counts vary less than a multinomial's, by the factor (rows - batch)/(rows - 1).
    rows, size, steps = 300, 20, 20_000
    counts = np.bincount(resampled_batches(rows, size, seed=0, start=0, count=steps).ravel(), minlength=rows)
    expected = steps * size / rows
    chi2 = ((counts - expected) ** 2 / expected).sum() / ((rows - size) / (rows - 1))
    assert 0.001 < stats.chi2.sf(chi2, rows - 1) < 0.999


def test_resampled_subsets_are_uniform():
    # All C(6, 3) = 20 subsets, equally often.
    drawn = np.sort(resampled_batches(6, 3, seed=0, start=0, count=20_000), axis=1)
    subsets, counts = np.unique(drawn, axis=0, return_counts=True)
    assert len(subsets) == 20
    assert 0.001 < stats.chisquare(counts).pvalue < 0.999


def test_epoch_permutations_are_uniform():
    # All 4! = 24 orders of an epoch, equally often over epochs.
    drawn = epoch_batches(4, 4, seed=0, start=0, count=12_000)
    orders, counts = np.unique(drawn, axis=0, return_counts=True)
    assert len(orders) == 24
    assert 0.001 < stats.chisquare(counts).pvalue < 0.999
