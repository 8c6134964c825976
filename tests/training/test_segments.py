"""How runs are cut into segments."""

import pytest

from bnlab.training import Segment, plan_segments


def test_a_short_run_is_one_segment():
    assert plan_segments(2000, 1, 1000) == [Segment(0, 2000, 1, 0)]


def test_segments_end_before_too_many_steps():
    assert plan_segments(5000, 1, 1000) == [
        Segment(0, 1667, 1, 0),
        Segment(1667, 1667, 1, 1667),
        Segment(3334, 1666, 1, 3334),
    ]
    assert plan_segments(5000, 500, 1000) == [Segment(0, 4, 500, 0), Segment(2000, 4, 500, 4), Segment(4000, 2, 500, 8)]


def test_segments_end_before_too_many_bytes():
    # records of 8 MB: two per segment
    assert plan_segments(5, 1, 8_000_000) == [Segment(0, 2, 1, 0), Segment(2, 2, 1, 2), Segment(4, 1, 1, 4)]
    assert plan_segments(2, 1, 10**9) == [Segment(0, 1, 1, 0), Segment(1, 1, 1, 1)]


def test_a_record_longer_than_a_segment_is_one_segment():
    assert plan_segments(17180, 17180, 1) == [Segment(0, 1, 17180, 0)]


def test_the_last_record_may_be_short():
    assert plan_segments(7, 3, 1) == [Segment(0, 2, 3, 0), Segment(6, 1, 1, 2)]
    assert plan_segments(2, 5, 1) == [Segment(0, 1, 2, 0)]


@pytest.mark.parametrize("num_steps", [1, 2, 37, 1999, 2000, 2001, 9999])
@pytest.mark.parametrize("record_every", [1, 7, 2000, 3000])
@pytest.mark.parametrize("record_bytes", [1, 40_000, 9_000_000])
def test_segments_cover_every_step_once(num_steps, record_every, record_bytes):
    step, record = 0, 0
    shapes = []
    for segment in plan_segments(num_steps, record_every, record_bytes):
        assert (segment.start, segment.record) == (step, record)
        step += segment.records * segment.steps
        record += segment.records
        shapes.append((segment.records, segment.steps))
    assert step == num_steps
    assert record == -(-num_steps // record_every)
    assert len(set(shapes)) <= 3  # this many programs are compiled
