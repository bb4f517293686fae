"""NMS of ONNX's own operators finds what TFLite's op finds, bit for bit, ties and empty rows included."""

from dataclasses import replace

import numpy as np
import pytest
from builders.onnx_models import run_onnx
from builders.tiny_tflite import tiny_contract, tiny_model

from detlite.convert.exporter import export_model
from detlite.convert.exporters.tflite import with_op
from detlite.convert.model import Model, session_of
from detlite.runtime.boxes.coding import BoxCoder, decode
from detlite.runtime.boxes.nms import Nms, suppress
from detlite.runtime.contract import contract_from_json
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.detection import detection_of

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

ANCHORS, CLASSES = 40, 5
REGULAR = Nms("host", "regular", 0.3, 0.4, 20, 1, 100, clip=False)
FAST = replace(REGULAR, kind="fast")
PEAKS = Nms(kind="peaks", score_threshold=0.3, max_detections=20, cells=(8, 5))
CENTER_NET = BoxCoder(1.0, 1.0, 1.0, 1.0, "center_offset")


def with_tflite_op(nms):
    """The tiny detector with TFLite's op, whose heads are its image."""
    return with_op(Model(tiny_model(ANCHORS, CLASSES), "tflite", tiny_contract(ANCHORS, CLASSES, nms)))


def heads(seed, step):
    """An image whose heads are seeded encodings and scores; scores are multiples of *step*."""
    chance = np.random.default_rng(seed)
    scores = np.floor(chance.random((ANCHORS, CLASSES + 1)) / step) * step
    encodings = chance.normal(0, 2, (ANCHORS, 4))
    return np.concatenate([encodings, scores], axis=1).astype(np.float32)[None, ..., None]


def of_op(model, image):
    """What the op leaves in LiteRT, by role."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model.data)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    details = interpreter.get_output_details()
    return {one.role: interpreter.get_tensor(details[one.index]["index"]) for one in model.contract.outputs}


def of_onnx(model, image):
    """What the ONNX model leaves, by role."""
    values = run_onnx(onnx.load_from_string(model.data), image)
    return {one.role: values[one.index] for one in model.contract.outputs}


@pytest.mark.parametrize("opset", [11, 13, 18])
@pytest.mark.parametrize(
    ("nms", "step"),
    [
        (REGULAR, 1e-4),
        (REGULAR, 0.1),  # full of equal scores
        (replace(REGULAR, detections_per_class=2), 0.1),
        (replace(REGULAR, score_threshold=0.0, max_detections=150), 0.1),
        (FAST, 1e-4),
        (FAST, 0.1),
        (replace(FAST, score_threshold=0.0, max_detections=60), 0.1),
        (replace(FAST, max_classes_per_detection=3), 1e-4),
    ],
)
def test_the_detections_are_those_of_the_op(opset, nms, step):
    model = with_tflite_op(nms)
    made = export_model(model, "onnx", {"opset": opset})
    per_box = nms.max_classes_per_detection
    for seed in range(3):
        image = heads(seed, step)
        want, got = of_op(model, image), of_onnx(made, image)
        count = int(want["count"][0])
        assert count == got["count"][0]
        for role in ("boxes", "classes", "scores"):
            np.testing.assert_array_equal(got[role][0, : count * per_box], want[role][0, : count * per_box])
            assert not got[role][0, count * per_box :].any()


def test_a_score_of_exactly_the_threshold_counts():
    nms = replace(REGULAR, score_threshold=0.5)
    made = export_model(with_tflite_op(nms), "onnx")
    image = np.zeros((1, ANCHORS, CLASSES + 5, 1), np.float32)
    image[0, 3, 6, 0] = 0.5
    image[0, 30, 7, 0] = np.nextafter(np.float32(0.5), np.float32(0))
    assert of_onnx(made, image)["count"] == [1]


def test_no_detection_at_all_leaves_zeros():
    found = of_onnx(export_model(with_tflite_op(FAST), "onnx"), np.zeros((1, ANCHORS, CLASSES + 5, 1), np.float32))
    assert not any(value.any() for value in found.values())


def test_boxes_of_a_contract_that_clips_are_clipped():
    raw = Model(tiny_model(ANCHORS, CLASSES), "tflite", tiny_contract(ANCHORS, CLASSES, replace(FAST, clip=True)))
    made = export_model(raw, "onnx", {"nms": "standard"})
    boxes = of_onnx(made, heads(0, 1e-4))["boxes"]
    assert (boxes.min(), boxes.max()) == (0.0, 1.0)
    assert detection_of(made.contract).nms.clip


def test_more_classes_for_a_box_than_there_are_become_those_that_there_are():
    made = export_model(with_tflite_op(replace(FAST, max_classes_per_detection=9)), "onnx")
    assert made.contract.output("classes").shape == (1, 20 * CLASSES)
    assert detection_of(made.contract).nms.max_classes_per_detection == CLASSES


def test_for_tensorrt_boxes_are_decoded_in_float32():
    raw = Model(tiny_model(ANCHORS, CLASSES), "tflite", tiny_contract(ANCHORS, CLASSES, FAST))
    kinds = {}
    for target in ("onnxruntime", "tensorrt"):
        made = export_model(raw, "onnx", {"nms": "standard", "target": target})
        arrays = [onnx.numpy_helper.to_array(one) for one in onnx.load_from_string(made.data).graph.initializer]
        kinds[target] = {one.dtype.name for one in arrays}
    assert "float64" in kinds["onnxruntime"]
    assert "float64" not in kinds["tensorrt"]


def test_raw_heads_are_kept_and_an_op_can_be_left_out():
    raw = Model(tiny_model(ANCHORS, CLASSES), "tflite", tiny_contract(ANCHORS, CLASSES, FAST))
    for model in (export_model(raw, "onnx"), export_model(with_tflite_op(FAST), "onnx", {"nms": "none"})):
        assert model.contract.roles == ("box_encodings", "class_scores")


def test_logits_are_converted_in_the_file():
    contract = tiny_contract(ANCHORS, CLASSES, FAST).with_task(score_converter_place="host")
    made = export_model(Model(tiny_model(ANCHORS, CLASSES), "tflite", contract), "onnx", {"nms": "standard"})
    image = heads(0, 1e-4)
    image[..., 4:, :] = -9
    image[0, 3, 6, 0] = 3
    found = of_onnx(made, image)
    assert found["count"] == [1]
    assert found["scores"][0, 0] == pytest.approx(1 / (1 + np.exp(-3)))
    assert detection_of(made.contract).score_converter_place == "model"


def peaks_model(nms):
    """The tiny detector with CenterNet's decoding."""
    contract = tiny_contract(ANCHORS, CLASSES, nms).with_task(box_coder=CENTER_NET)
    return Model(tiny_model(ANCHORS, CLASSES), "tflite", contract)


@pytest.mark.parametrize("opset", [11, 13, 18])
@pytest.mark.parametrize(
    ("nms", "step"),
    [
        (PEAKS, 1e-4),
        (PEAKS, 0.1),  # full of equal scores
        (replace(PEAKS, score_threshold=0.0, max_detections=150), 0.25),
        (replace(PEAKS, score_threshold=0.0, max_detections=300, clip=False), 0.1),  # more than there are scores
        (replace(PEAKS, score_threshold=0.9999), 0.1),  # nothing is found
    ],
)
def test_peaks_are_those_of_the_runtime(opset, nms, step):
    model = peaks_model(nms)
    made = export_model(model, "onnx", {"nms": "standard", "opset": opset})
    task = detection_of(model.contract)
    for seed in range(3):
        image = heads(seed, step)
        rows = image[0, ..., 0]
        want = suppress(decode(rows[:, :4], task.anchors, CENTER_NET), rows[:, 4 + task.label_offset :], nms)
        got, count = of_onnx(made, image), len(want.scores)
        assert got["count"] == [count]
        for role in ("boxes", "classes", "scores"):
            np.testing.assert_array_equal(got[role][0, :count], getattr(want, role))
            assert not got[role][0, count:].any()


def test_a_model_with_peaks_in_it_is_run_by_its_contract():
    made = export_model(peaks_model(PEAKS), "onnx", {"nms": "standard"})
    assert detection_of(contract_from_json(made.contract.to_json())).nms == replace(PEAKS, place="model")
    session = session_of(made)
    session.invoke(heads(0, 1e-4))
    assert len(session.finish().scores) == PEAKS.max_detections


def test_a_form_that_is_not_there_is_named_with_those_that_are():
    raw = Model(tiny_model(ANCHORS, CLASSES), "tflite", tiny_contract(ANCHORS, CLASSES))
    with pytest.raises(InputError, match="no form of NMS is called 'fastest'; there are: "):
        export_model(raw, "onnx", {"nms": "fastest"})


def test_threads_lose_no_class_as_they_do_in_tflite_s_op():
    model = with_tflite_op(replace(REGULAR, max_detections=200))
    with pytest.raises(InputError, match="with 2 threads the model's own regular NMS never finds class 2"):
        session_of(model, threads=2)
    made = session_of(export_model(model, "onnx"), threads=2)
    made.invoke(heads(0, 1e-4))
    assert set(made.finish().classes) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("nms", [REGULAR, FAST, replace(FAST, max_classes_per_detection=3)])
def test_each_image_of_a_batch_has_the_detections_of_the_op(nms):
    model = with_tflite_op(nms)
    given = [heads(seed, 0.1) for seed in range(3)] + [np.zeros_like(heads(0, 0.1))]  # nothing is found in the last
    for opset in (11, 13):
        made = export_model(model, "onnx", {"opset": opset, "batch": len(given)})
        alone = export_model(model, "onnx", {"opset": opset})
        found = of_onnx(made, np.concatenate(given))
        for place, image in enumerate(given):
            for role, value in of_onnx(alone, image).items():
                np.testing.assert_array_equal(found[role][place], value[0])
    assert [output.shape for output in made.contract.outputs if output.role == "count"] == [(4,)]


def test_each_image_of_a_batch_has_its_peaks():
    given = [heads(seed, 0.1) for seed in range(2)]
    found = of_onnx(export_model(peaks_model(PEAKS), "onnx", {"nms": "standard", "batch": 2}), np.concatenate(given))
    alone = export_model(peaks_model(PEAKS), "onnx", {"nms": "standard"})
    for place, image in enumerate(given):
        for role, value in of_onnx(alone, image).items():
            np.testing.assert_array_equal(found[role][place], value[0])
