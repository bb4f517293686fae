"""The post-processing op: attached, stripped, changed; and the numpy form against the real op."""

from dataclasses import replace

import numpy as np
import pytest
from builders.open_files import edited
from builders.tiny_tflite import run_model, tiny_contract, tiny_int8_model, tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.convert.tflite.contract import contract_of_tflite
from detlite.convert.tflite.describe import describe
from detlite.convert.tflite.flatbuffer import load
from detlite.convert.tflite.heads import canonicalize
from detlite.convert.tflite.postprocess import attach, configure, strip
from detlite.runtime.artifact import Artifact
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.errors import InputError
from detlite.runtime.image.read import read_image
from detlite.runtime.session import Session, postprocess
from detlite.runtime.tasks.detection import has_raw_heads


def random_heads(seed: int, anchors: int, classes: int, spread: float = 2.0) -> np.ndarray:
    """An image for `tiny_model`: encodings and scores, without ties."""
    chance = np.random.default_rng(seed)
    scores = chance.permutation(np.linspace(0.001, 0.999, anchors * (classes + 1))).reshape(anchors, classes + 1)
    heads = np.concatenate([chance.normal(0, spread, (anchors, 4)), scores], axis=1)
    return heads.astype(np.float32)[None, :, :, None]


def numpy_detections(image: np.ndarray, contract):
    return postprocess({"box_encodings": image[0, :, :4, 0], "class_scores": image[0, :, 4:, 0]}, contract)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    anchors=st.sampled_from([1, 6, 200]),
    kind=st.sampled_from(["fast", "regular"]),
    iou=st.sampled_from([0.1, 0.5, 0.6, 1.0]),
    score=st.sampled_from([0.0, 0.3, 0.9]),
    most=st.sampled_from([1, 10, 100]),
    per_class=st.sampled_from([1, 100]),
    categories=st.sampled_from([1, 2, 3]),
)
def test_numpy_suppression_is_the_ops_to_1e_5(seed, anchors, kind, iou, score, most, per_class, categories):
    nms = Nms("host", kind, score, iou, most, categories, per_class, clip=False)
    contract = tiny_contract(anchors, 3, nms)
    image = random_heads(seed, anchors, 3)
    data, _made = attach(tiny_model(anchors, 3), contract)
    boxes, classes, scores, count = run_model(data, image)
    want = int(count[0]) * (categories if kind == "fast" else 1)
    found = numpy_detections(image, contract)
    assert len(found.scores) == want
    np.testing.assert_allclose(found.boxes, boxes[0, :want], atol=1e-5, rtol=1e-5)
    np.testing.assert_array_equal(found.classes, classes[0, :want])
    np.testing.assert_allclose(found.scores, scores[0, :want], atol=1e-6)


def test_the_outputs_come_as_boxes_classes_scores_count():
    data, contract = attach(tiny_model(), tiny_contract(nms=Nms(max_detections=7)))
    assert [output.role for output in contract.outputs] == ["boxes", "classes", "scores", "count"]
    assert [output.shape for output in contract.outputs] == [(1, 7, 4), (1, 7), (1, 7), (1,)]
    assert [value.shape for value in run_model(data, random_heads(0, 6, 3))] == [(1, 7, 4), (1, 7), (1, 7), (1,)]


def test_attaching_is_done_by_the_model_and_clips_nothing():
    _data, contract = attach(tiny_model(), tiny_contract())
    assert (contract.task.nms.place, contract.task.nms.clip, has_raw_heads(contract)) == ("model", False, False)


def test_stripping_what_was_attached_gives_the_same_heads():
    raw = tiny_model()
    stripped, contract = strip(*attach(raw, tiny_contract()))
    image = random_heads(1, 6, 3)
    for got, want in zip(run_model(stripped, image), run_model(raw, image), strict=True):
        np.testing.assert_array_equal(got, want)
    assert has_raw_heads(contract)


def test_attaching_again_gives_the_same_bytes():
    contract = tiny_contract()
    once, _made = attach(tiny_model(), contract)
    assert attach(tiny_model(), contract)[0] == once


def test_a_signature_names_the_outputs_by_role():
    data, _contract = attach(tiny_model(), tiny_contract())
    (signature,) = load(data, "x").signatureDefs
    assert [item.name for item in signature.outputs] == [b"boxes", b"classes", b"scores", b"count"]


def test_logits_are_converted_before_the_op():
    contract = tiny_contract().with_task(score_converter_place="host")
    data, made = attach(tiny_model(), contract)
    image = random_heads(2, 6, 3)
    scores = run_model(data, image)[2][0]
    found = numpy_detections(image, contract.with_task(nms=replace(contract.task.nms, clip=False)))
    np.testing.assert_allclose(scores[: len(found.scores)], found.scores, atol=1e-6)
    assert made.task.score_converter_place == "model"


def test_softmax_logits_are_converted_before_the_op():
    contract = tiny_contract().with_task(score_converter="SOFTMAX", score_converter_place="host")
    data, _made = attach(tiny_model(), contract)
    image = random_heads(2, 6, 3)
    found = numpy_detections(image, contract.with_task(nms=replace(contract.task.nms, clip=False)))
    np.testing.assert_allclose(run_model(data, image)[2][0][: len(found.scores)], found.scores, atol=1e-6)


def test_settings_are_changed_with_the_shapes():
    data, contract = attach(tiny_model(), tiny_contract())
    changed, made = configure(
        data, contract.with_task(nms=replace(contract.task.nms, max_detections=3, score_threshold=0.5))
    )
    boxes, _classes, scores, count = run_model(changed, random_heads(3, 6, 3))
    assert boxes.shape == (1, 3, 4)
    assert made.output("boxes").shape == (1, 3, 4)
    assert (scores[0, : int(count[0])] >= 0.5).all()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda: strip(tiny_model(), tiny_contract()), "the model has no TFLite_Detection_PostProcess"),
        (lambda: attach(*attach(tiny_model(), tiny_contract())), "has its post-processing op already; strip it first"),
    ],
)
def test_what_cannot_be_done_is_said(change, error):
    with pytest.raises(InputError, match=error):
        change()


def test_canonical_heads_stay_as_they_are():
    once = edited(canonicalize, tiny_model())
    assert edited(canonicalize, once) == once


def test_a_session_reads_the_heads_by_role(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(tiny_model())
    session = Session(Artifact(path, tiny_contract()))
    image = random_heads(4, 6, 3)
    session.invoke(image)
    np.testing.assert_array_equal(session.heads()["class_scores"], image[0, :, 4:, 0])


@pytest.fixture(scope="module")
def shipped(shared_data):
    return shared_data / "models" / "coco_ssd_mobilenet_v1_quant" / "coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"


@pytest.mark.data
def test_a_shipped_detector_brings_its_contract(shipped):
    contract = contract_of_tflite(shipped)
    assert (contract.image.dtype, contract.image.mean, len(contract.task.anchors)) == ("uint8", (128.0,) * 3, 1917)
    assert (contract.task.nms.kind, contract.task.nms.max_detections, contract.task.nms.iou_threshold) == (
        "fast",
        10,
        0.6,
    )
    assert (contract.labels[0], contract.labels[16], contract.task.label_offset) == ("person", "cat", 1)


@pytest.mark.data
def test_a_shipped_detector_stripped_and_attached_again_finds_the_same(shipped, shared_data, tmp_path):
    contract = contract_of_tflite(shipped)
    photo = read_image(shipped.parent / "cats_and_dogs.jpg")
    want = Session(Artifact(shipped, contract)).run(photo)
    raw, raw_contract = strip(shipped.read_bytes(), contract)
    data, made = attach(raw, raw_contract)
    path = tmp_path / "again.tflite"
    path.write_bytes(data)
    got = Session(Artifact(path, made)).run(photo)
    assert "cat" in {contract.labels[i] for i in want.classes[want.scores > 0.5]}
    np.testing.assert_allclose(got.boxes, want.boxes, atol=1e-5)
    np.testing.assert_array_equal(got.classes, want.classes)
    np.testing.assert_allclose(got.scores, want.scores, atol=1e-6)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "quantization", "islands"),
    [
        ("coco_ssd_mobilenet_v1_quant/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite", "uint8", 0),
        ("ssd_mobilenet_v2_fpnlite_320_tf2_drq/model.tflite", "dynamic range", 0),
        ("blazeface/face_detection_front.tflite", "float16", 0),
    ],
)
def test_a_models_quantization_is_told(shared_data, name, quantization, islands):
    facts = describe((shared_data / "models" / name).read_bytes(), name)
    assert (facts.quantization, facts.float_islands) == (quantization, islands)


def test_a_model_of_few_operators_that_are_all_int8_is_int8():
    assert describe(tiny_int8_model(), "x").quantization == "int8"


@pytest.mark.data
def test_a_compiled_model_is_told_from_its_cpu_twin(shared_data):
    folder = shared_data / "models" / "ssdlite_mobilenet_v2_quant_edgetpu_pair"
    assert describe((folder / "detect_edgetpu.tflite").read_bytes(), "x").kind == "Edge TPU compiled"


@pytest.mark.data
def test_a_model_without_the_op_says_what_is_missing(shared_data):
    path = shared_data / "models" / "blazeface" / "face_detection_front.tflite"
    with pytest.raises(InputError, match="has no post-processing op, so nothing says what its 2 outputs are"):
        contract_of_tflite(path)
