"""The interface of MLPerf's vision app: pixels in, categories' ids out, by the names that it reads."""

import numpy as np
import pytest
from builders.float_models import FloatNet
from builders.onnx_models import run_onnx
from builders.tiny_tflite import tiny_contract

from detlite.convert.exporter import export_model
from detlite.convert.model import Model, session_of
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.errors import InputError
from detlite.runtime.inputs import ImageInput
from detlite.runtime.tasks.detection import detection_of

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

IMAGE = ImageInput("image", 4, 4, "RGB", "float32", (127.5,) * 3, (127.5,) * 3, "tf1_bilinear")


def detector():
    """Sixteen anchors, three classes: the heads are two convolutions of the image."""
    net = FloatNet((1, 4, 4, 3))
    boxes = net.reshape(net.conv(net.image, 4, window=1), (1, 16, 4))
    (scores,) = net.add("LOGISTIC", [net.reshape(net.conv(net.image, 4, window=1), (1, 16, 4))], [(1, 16, 4)])
    contract = tiny_contract(16, 3, Nms(score_threshold=0.1)).with_image(IMAGE)
    return Model(net.finish(boxes, scores), "tflite", contract)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8)


def test_the_input_is_uint8_and_the_outputs_are_called_as_the_app_reads_them():
    graph = onnx.load_from_string(export_model(detector(), "onnx", {"interface": "mlperf"}).data).graph
    (image,) = graph.input
    assert (image.name, image.type.tensor_type.elem_type) == ("image_tensor:0", onnx.TensorProto.UINT8)
    assert [one.name for one in graph.output] == [
        "num_detections:0",
        "detection_boxes:0",
        "detection_scores:0",
        "detection_classes:0",
    ]


def test_classes_count_the_background(pixels):
    plain = export_model(detector(), "onnx", {"nms": "standard"})
    made = export_model(detector(), "onnx", {"interface": "mlperf"})
    real = (pixels[None].astype(np.float32) - 127.5) / 127.5
    boxes, classes, scores, count = run_onnx(onnx.load_from_string(plain.data), real)
    found = run_onnx(onnx.load_from_string(made.data), pixels[None])
    assert found[0] == count
    np.testing.assert_array_equal(found[3], classes + 1)
    np.testing.assert_allclose(found[1], boxes, atol=1e-6)
    np.testing.assert_allclose(found[2], scores, atol=1e-6)


def test_detlite_finds_the_same_with_the_same_labels(pixels):
    plain = session_of(export_model(detector(), "onnx")).run(pixels)
    found = session_of(export_model(detector(), "onnx", {"interface": "mlperf"})).run(pixels)
    assert [one.label for one in found.above(0.1)] == [one.label for one in plain.above(0.1)]
    np.testing.assert_allclose(found.boxes, plain.boxes, atol=1e-6)


def test_raw_heads_are_refused():
    with pytest.raises(InputError, match="it needs --nms standard"):
        export_model(detector(), "onnx", {"interface": "mlperf", "nms": "none"})


def test_tensorrt_s_plug_in_is_refused():
    with pytest.raises(InputError, match="it needs --nms standard"):
        export_model(detector(), "onnx", {"interface": "mlperf", "nms": "efficient_nms", "target": "tensorrt"})


def test_an_nchw_input_is_refused():
    with pytest.raises(InputError, match="takes RGB in NHWC, and the model RGB in NCHW"):
        export_model(detector(), "onnx", {"interface": "mlperf", "layout": "nchw"})


def test_the_contract_clips_as_before():
    assert detection_of(export_model(detector(), "onnx", {"interface": "mlperf"}).contract).nms.clip
