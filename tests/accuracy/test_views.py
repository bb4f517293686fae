"""The clips and crops of videos that models are scored on, and how many frames are kept for them."""

import numpy as np
import pytest
from builders.tiny_classifier import save_classifier
from builders.tiny_streams import clip_reader, running_sum

from detlite.accuracy.views import Clip, Views, clips_of, square_of
from detlite.runtime.errors import InputError
from detlite.runtime.image.preprocess import central_square


@pytest.mark.parametrize(
    ("clips", "count", "begins"),
    [(1, 20, [7]), (1, 6, [0]), (2, 20, [0, 14]), (3, 20, [0, 7, 14]), (4, 20, [0, 4, 9, 14])],
)
def test_clips_begin_in_the_middle_or_evenly_spread(clips, count, begins):
    assert [clip[0] for clip in Views(clips=clips).cut(count, Clip(3, 2))] == begins


def test_a_short_video_begins_again_at_its_end():
    assert Views(clips=2).cut(4, Clip(3, 2)) == ((0, 2, 0), (0, 2, 0))


def test_three_crops_are_squares_along_the_longer_side():
    wide = np.arange(40, dtype=np.uint8)[None, :, None].repeat(20, 0).repeat(3, 2)
    crops = [square_of(wide, 0.5, place) for place in (0, 1, 2)]
    assert [crop.shape[:2] for crop in crops] == [(10, 10)] * 3
    assert [int(crop[0, 0, 0]) for crop in crops] == [0, 15, 30]
    assert (crops[1] == central_square(wide, 0.5)).all()
    tall = wide.swapaxes(0, 1)
    assert [int(square_of(tall, 1.0, place)[0, 0, 0]) for place in (0, 1, 2)] == [0, 10, 20]


def test_frames_are_kept_for_the_clips_that_wait_for_them_alone():
    """In ten clips of a long video, as many frames are held as in ten clips of a short one."""
    held = set()

    class Frame:
        def __init__(self, number):
            self.number = number
            held.add(number)

        def __del__(self):
            held.discard(self.number)

    most = []
    for count in (2_000, 20_000):
        clips = Views(clips=10).cut(count, Clip(8, 4))
        seen = 0
        for clip in clips_of((Frame(number) for number in range(count)), clips):
            seen = max(seen, len(held))
            assert len(clip) == 8
        most.append(seen)
    assert most[0] == most[1] <= 8 * 2 + 2


def test_a_video_that_became_shorter_is_refused():
    with pytest.raises(InputError, match="fewer frames than when it was read before"):
        list(clips_of(iter([np.zeros(1)] * 3), ((0, 2, 4),)))


@pytest.mark.parametrize(
    ("views", "error"),
    [
        (Views(frames=8), "clips of 8 frames, and the model takes 3"),
        (Views(frames=3), None),
        (Views(stride=5), None),
    ],
)
def test_a_model_of_clips_takes_its_own_number_of_frames(views, error):
    contract = clip_reader(frames=3, stride=2).contract
    if error is None:
        assert views.clip_for(contract) == Clip(3, views.stride or 2)
        return
    with pytest.raises(InputError, match=error):
        views.clip_for(contract)


def test_a_stream_sees_the_whole_video_unless_clips_are_asked_for():
    contract = running_sum().contract
    assert Views().clip_for(contract) is None
    assert Views(frames=50, stride=5, clips=10).clip_for(contract) == Clip(50, 5)
    with pytest.raises(InputError, match="a stream sees the whole video: give --clip-frames"):
        Views(clips=2).clip_for(contract)


def test_a_model_of_single_images_takes_no_videos(tmp_path):
    with pytest.raises(InputError, match="the model takes single images"):
        Views().clip_for(save_classifier(tmp_path / "one").contract)


@pytest.mark.parametrize("wrong", [{"crops": 2}, {"clips": 0}, {"clips": 101}, {"frames": 0}, {"stride": 0}])
def test_views_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError, match="want 1 to"):
        Views(**wrong)
