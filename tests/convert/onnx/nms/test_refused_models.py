"""Non-maximum suppression is written for detectors with one box for each anchor; others are refused."""

import numpy as np
import pytest
from builders.tiny_streams import GRAY, embedder

from detlite.convert.exporter import export_model
from detlite.convert.model import Model
from detlite.convert.onnx.nms_variant import opened
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.detection import Detection
from detlite.runtime.tensors import Output

pytest.importorskip("onnx")


@pytest.mark.parametrize("options", [{"nms": "standard"}, {"interface": "mlperf"}])
def test_a_detector_that_finds_its_detections_itself_is_refused(options):
    with pytest.raises(InputError, match="for each anchor, and the model finds its detections itself: leave out"):
        export_model(embedder(), "onnx", options)


def test_a_two_stage_detector_is_refused():
    shapes = {"box_encodings": (1, 3, 4), "class_scores": (1, 3, 2), "proposals": (1, 3, 4)}
    outputs = tuple(Output(role, role, place, shapes[role], "float32") for place, role in enumerate(shapes))
    task = Detection(np.zeros((0, 4), np.float32), BoxCoder(), "SOFTMAX", "model", 1, Nms(kind="regular"))
    model = Model(b"", "onnx", Contract((GRAY,), outputs, ("thing",), task), ())
    with pytest.raises(InputError, match="the model is a two-stage detector: leave out --nms and --interface"):
        opened(model)
