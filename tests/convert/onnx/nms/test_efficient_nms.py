"""TensorRT's plug-in: what its node says, and what it cannot do. No runtime here has it."""

from dataclasses import replace

import numpy as np
import pytest
from builders.tiny_tflite import tiny_contract, tiny_model

from detlite.convert.exporter import export_model
from detlite.convert.model import Model
from detlite.runtime.boxes.coding import BoxCoder, decode, iou
from detlite.runtime.boxes.nms import Nms, suppress
from detlite.runtime.errors import InputError

onnx = pytest.importorskip("onnx")

REGULAR = Nms("host", "regular", 0.25, 0.5, 20, 1, 100)


def exported(nms, target="tensorrt"):
    contract = tiny_contract(6, 3, nms).with_task(box_coder=BoxCoder(10, 5, 4, 2))
    return export_model(Model(tiny_model(), "tflite", contract), "onnx", {"nms": "efficient_nms", "target": target})


def node(model):
    """The plug-in's node and its attributes."""
    (found,) = [one for one in onnx.load_from_string(model.data).graph.node if one.op_type == "EfficientNMS_TRT"]
    return found, {one.name: onnx.helper.get_attribute_value(one) for one in found.attribute}


def test_the_node_has_the_settings_of_the_contract():
    found, settings = node(exported(REGULAR))
    assert (found.domain, settings["plugin_version"]) == ("", b"1")
    assert (settings["score_threshold"], settings["max_output_boxes"]) == (0.25, 20)
    assert (settings["background_class"], settings["score_activation"], settings["box_coding"]) == (-1, 0, 1)


def test_a_box_at_the_threshold_stays_as_in_the_op():
    _node, settings = node(exported(REGULAR))
    assert np.float32(settings["iou_threshold"]) == np.nextafter(np.float32(0.5), np.float32(1))


def test_fast_nms_is_class_agnostic_and_regular_says_nothing_that_an_old_tensorrt_does_not_know():
    assert node(exported(replace(REGULAR, kind="fast")))[1]["class_agnostic"] == 1
    assert "class_agnostic" not in node(exported(REGULAR))[1]


def test_it_gets_encodings_without_scales_scores_without_the_background_and_anchors():
    model = exported(REGULAR)
    graph = onnx.load_from_string(model.data).graph
    arrays = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    found, _settings = node(model)
    scaling = next(one for one in graph.node if one.output[0] == found.input[0])
    np.testing.assert_array_equal(arrays[scaling.input[1]], np.float32([0.1, 0.2, 0.25, 0.5]))
    cut = next(one for one in graph.node if one.output[0] == found.input[1])
    assert [arrays[name].tolist() for name in cut.input[1:3]] == [[1], [4]]
    np.testing.assert_array_equal(arrays[found.input[2]], tiny_contract(6, 3).task.anchors[None])


def test_outputs_are_in_the_plug_in_s_order():
    graph = onnx.load_from_string(exported(REGULAR).data).graph
    assert [(one.name, one.type.tensor_type.elem_type) for one in graph.output] == [
        ("num_detections", onnx.TensorProto.INT32),
        ("detection_boxes", onnx.TensorProto.FLOAT),
        ("detection_scores", onnx.TensorProto.FLOAT),
        ("detection_classes", onnx.TensorProto.INT32),
    ]
    assert exported(REGULAR).contract.roles == ("count", "boxes", "scores", "classes")


def as_the_plug_in_does(encodings, scores, anchors, settings):
    """Classes, scores and boxes by the plug-in's published rules: (classes, scores, boxes), best first."""
    centre = encodings[:, :2] * anchors[:, 2:] + anchors[:, :2]
    half = anchors[:, 2:] * np.exp(encodings[:, 2:]) / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    anchor, klass = np.nonzero(scores >= settings["score_threshold"])
    order = np.argsort(-scores[anchor, klass], kind="stable")[:4096]
    anchor, klass = anchor[order], klass[order]
    overlaps = iou(boxes[anchor], boxes[anchor]) >= np.float32(settings["iou_threshold"])
    if not settings.get("class_agnostic"):
        overlaps &= klass[:, None] == klass
    kept = []
    for i in range(len(anchor)):
        if not overlaps[kept, i].any():
            kept.append(i)
    kept = kept[: settings["max_output_boxes"]]
    return klass[kept], scores[anchor[kept], klass[kept]], boxes[anchor[kept]]


@pytest.mark.parametrize("kind", ["fast", "regular"])
def test_by_its_rules_the_plug_in_finds_what_detlite_s_runtime_finds(kind):
    nms, chance = replace(REGULAR, kind=kind, clip=False), np.random.default_rng(0)
    _node, settings = node(exported(nms))
    task = tiny_contract(6, 3, nms).with_task(box_coder=BoxCoder(10, 5, 4, 2)).task
    for _ in range(20):
        encodings, scores = chance.normal(0, 4, (6, 4)).astype(np.float32), chance.random((6, 3)).astype(np.float32)
        want = suppress(decode(encodings, task.anchors, task.box_coder), scores, nms)
        unscaled = encodings * np.float32([0.1, 0.2, 0.25, 0.5])
        classes, values, boxes = as_the_plug_in_does(unscaled, scores, task.anchors, settings)
        np.testing.assert_array_equal(classes, want.classes)
        np.testing.assert_array_equal(values, want.scores)
        np.testing.assert_allclose(boxes, want.boxes, atol=1e-5)


@pytest.mark.parametrize(
    ("nms", "target", "text"),
    [
        (REGULAR, "onnxruntime", "TensorRT's plug-in: it needs --target tensorrt"),
        (replace(REGULAR, detections_per_class=5), "tensorrt", "no limit per class, and the contract keeps 5 of 20"),
        (replace(REGULAR, kind="fast", max_classes_per_detection=3), "tensorrt", "one class, and the contract 3"),
        (replace(REGULAR, max_detections=5000, detections_per_class=5000), "tensorrt", "considers 4096 candidates"),
        (Nms(kind="peaks", cells=(2, 3)), "tensorrt", "CenterNet's peaks: use --nms standard"),
    ],
)
def test_what_the_plug_in_cannot_do_is_refused(nms, target, text):
    with pytest.raises(InputError, match=text):
        exported(nms, target)


def test_linear_sizes_are_refused():
    contract = tiny_contract(6, 3, REGULAR).with_task(box_coder=BoxCoder(coding="center_offset"))
    options = {"nms": "efficient_nms", "target": "tensorrt"}
    with pytest.raises(InputError, match="decodes sizes as logarithms, and this detector has linear ones"):
        export_model(Model(tiny_model(), "tflite", contract), "onnx", options)


def test_a_batch_is_one_node_whose_anchors_serve_all_images():
    contract = tiny_contract(6, 3, REGULAR)
    options = {"nms": "efficient_nms", "target": "tensorrt", "batch": 4}
    made = export_model(Model(tiny_model(), "tflite", contract), "onnx", options)
    graph = onnx.load_from_string(made.data).graph
    found, _settings = node(made)
    arrays = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    assert arrays[found.input[2]].shape == (1, 6, 4)
    shapes = {one.name: [side.dim_value for side in one.type.tensor_type.shape.dim] for one in graph.output}
    assert shapes["num_detections"] == [4, 1]
    assert shapes["detection_boxes"] == [4, 20, 4]
