"""The records that thin lines keep, and those that they leave out."""

import numpy as np

from bnlab.plots.bands import extremes


def test_each_part_keeps_its_lowest_and_its_highest_record():
    """Ten records in two columns are thinned: 0 … 4 keep 1 and 3, 5 … 9 keep 5 and 8. The last record is kept too."""
    x = np.arange(100, 110)
    curve = np.array([3.0, 1.0, 2.0, 9.0, 4.0, -1.0, 0.0, 2.0, 7.0, 5.0])
    kept, values = extremes(x, curve, columns=2)
    assert kept.tolist() == [101, 103, 105, 108, 109]
    assert values.tolist() == [1.0, 9.0, -1.0, 7.0, 5.0]


def test_a_part_without_a_finite_record_stays_a_gap():
    curve = np.array([1.0, 3.0, 2.0, 2.0, 2.0, *[np.nan] * 5, 4.0, 6.0, 5.0])
    _, values = extremes(np.arange(13), curve, columns=3)  # parts of five
    assert values[[0, 1, 3, 4, 5]].tolist() == [1.0, 3.0, 4.0, 6.0, 5.0]
    assert np.isnan(values[2])


def test_few_records_are_all_kept():
    x, curve = np.arange(8), np.arange(8.0)
    kept, values = extremes(x, curve, columns=2)
    assert kept is x
    assert values is curve
