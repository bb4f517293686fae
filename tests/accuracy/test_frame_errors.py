"""The error of a stream by frame."""

import numpy as np
import pytest

from detlite.accuracy.frame_errors import frame_errors


def pairs(noise):
    """Logits of 0 and 2, whose variance is 1 for each class, and a model that is off by *noise*, frame by frame."""
    want = np.array([0.0, 2.0], np.float32)
    return [({"scores": want}, {"scores": want + np.float32(one)}) for one in noise]


def test_marks_are_the_first_frame_some_later_ones_and_the_end():
    found = frame_errors(range(300), pairs([0.1] * 300))
    assert [one.frame for one in found.marks()] == [1, 20, 100, 300]


def test_an_error_that_grows_shows_at_the_end():
    found = frame_errors(range(200), pairs([0.01] * 100 + [0.1] * 100))
    assert {one.frame: one.db for one in found.marks()} == pytest.approx({1: 40, 20: 40, 100: 23, 200: 20}, abs=0.1)


def test_frames_of_two_streams_count_together():
    found = frame_errors([0, 1, 0, 1], pairs([0.1, 0.1, 0.1, 0.1]))
    assert [one.frame for one in found.marks()] == [1, 2]
    assert found.db == pytest.approx(20, abs=0.01)


def test_a_stream_of_one_frame_has_one_mark():
    assert frame_errors([0], pairs([0.1])).to_record() == [{"frame": 1, "db": pytest.approx(20, abs=0.01)}]
