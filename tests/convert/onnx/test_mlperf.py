"""The interface of MLPerf's vision app: pixels in, categories' ids out, by the names that it reads."""

from dataclasses import replace

import numpy as np
import pytest
from builders.float_models import FloatNet
from builders.onnx_models import run_onnx
from builders.tiny_tflite import tiny_contract

from detlite.convert.exporter import export_model
from detlite.convert.model import Model, session_of
from detlite.convert.onnx.mlperf import IMAGENET_MEAN, IMAGENET_STD, PROFILES, profile_of
from detlite.convert.onnx.options import INTERFACES
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


def normalized(pixels):
    """What the app feeds for ssd-resnet34: NCHW, normalized as for ImageNet."""
    return ((pixels[None] - np.float32(IMAGENET_MEAN)) / np.float32(IMAGENET_STD)).transpose(0, 3, 1, 2)


def test_every_interface_has_a_profile_by_which_its_files_are_known():
    assert tuple(PROFILES) == INTERFACES
    for name, profile in PROFILES.items():
        assert profile_of(export_model(detector(), "onnx", {"interface": name}).contract) is profile
    assert profile_of(export_model(detector(), "onnx", {"nms": "standard"}).contract) is None


def test_for_ssd_resnet34_the_app_reads_x_first_whole_classes_and_falling_scores(pixels):
    model = onnx.load_from_string(export_model(detector(), "onnx", {"interface": "mlperf-resnet34"}).data)
    names = [one.name for one in model.graph.output]
    assert names[:3] == ["bboxes", "labels", "scores"]
    assert [side.dim_value for side in model.graph.input[0].type.tensor_type.shape.dim] == [1, 3, 4, 4]
    found = dict(zip(names, run_onnx(model, normalized(pixels).astype(np.float32)), strict=True))
    plain = export_model(detector(), "onnx", {"nms": "standard"})
    real = (pixels[None].astype(np.float32) - 127.5) / 127.5
    boxes, classes, scores, count = run_onnx(onnx.load_from_string(plain.data), real)
    kept = int(count[0])
    assert kept > 1
    np.testing.assert_allclose(found["bboxes"][0, :kept], boxes[0, :kept][:, [1, 0, 3, 2]], atol=1e-5)
    np.testing.assert_allclose(found["scores"][0], scores[0], atol=1e-5)
    assert found["labels"].dtype == np.int64
    np.testing.assert_array_equal(found["labels"][0, :kept], classes[0, :kept] + 1)
    assert (np.diff(found["scores"][0]) <= 0).all()


def test_detlite_finds_the_same_in_a_file_for_ssd_resnet34(pixels):
    plain = session_of(export_model(detector(), "onnx")).run(pixels)
    found = session_of(export_model(detector(), "onnx", {"interface": "mlperf-resnet34"})).run(pixels)
    assert [one.label for one in found.above(0.1)] == [one.label for one in plain.above(0.1)]
    np.testing.assert_allclose(found.boxes, plain.boxes, atol=1e-5)


def test_an_image_that_the_app_has_normalized_already_gets_no_more_nodes():
    image = replace(IMAGE, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    same = replace(detector(), contract=detector().contract.with_image(image))
    for model, nodes in ((same, 0), (detector(), 2)):
        graph = onnx.load_from_string(export_model(model, "onnx", {"interface": "mlperf-resnet34"}).data).graph
        first = [node.op_type for node in graph.node[:2]]
        assert (first == ["Mul", "Add"]) == (nodes == 2)
