"""Settings from the user over those of a source."""

import pytest

from detlite.convert.options import NmsOptions
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.errors import InputError

PEAKS = Nms(kind="peaks", cells=(4, 4))


@pytest.mark.parametrize(
    "asked", [NmsOptions(kind="regular"), NmsOptions(iou_threshold=0.3), NmsOptions(max_classes_per_detection=2)]
)
def test_settings_of_suppression_are_refused_where_nothing_is_suppressed(asked):
    with pytest.raises(InputError, match="as peaks, not by suppression: leave out --nms, --iou and --classes-per-det"):
        asked.over(PEAKS)


def test_peaks_have_a_score_threshold_and_a_maximum():
    made = NmsOptions(score_threshold=0.4, max_detections=7).over(PEAKS)
    assert (made.score_threshold, made.max_detections) == (0.4, 7)


@pytest.mark.parametrize("asked", [NmsOptions(max_classes_per_detection=2), NmsOptions("regular", 0.4, 0.5, 9, 2)])
def test_several_classes_of_a_box_are_refused_without_fast_suppression(asked):
    regular = Nms(kind="regular")
    with pytest.raises(InputError, match="--classes-per-detection 2 is for fast NMS, and this model's is regular: lea"):
        asked.over(regular)
    assert NmsOptions(kind="fast", max_classes_per_detection=2).over(regular).max_classes_per_detection == 2
