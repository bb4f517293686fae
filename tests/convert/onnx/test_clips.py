"""Models of clips as ONNX: the input keeps its frames, in either layout."""

import numpy as np
import pytest
from builders.tiny_streams import clip_reader

from detlite.convert.exporter import export_model
from detlite.convert.model import session_of
from detlite.runtime.errors import InputError

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

CLIP = [np.full((4, 4, 3), grey, np.uint8) for grey in (10, 20, 30)]


@pytest.mark.parametrize(("layout", "shape"), [("nhwc", (1, 3, 2, 2, 1)), ("nchw", (1, 3, 1, 2, 2))])
def test_a_clip_has_its_frames_before_its_image_axes(layout, shape):
    made = export_model(clip_reader(), "onnx", {"layout": layout})
    assert made.contract.tensors[0].shape == shape
    assert session_of(made).run_clip(CLIP).scores == pytest.approx([10, 20, 30], abs=0.01)


def test_a_batch_of_clips_is_refused():
    with pytest.raises(InputError, match="a batch of 2 clips: only models of single images have a batch"):
        export_model(clip_reader(), "onnx", {"batch": 2})
