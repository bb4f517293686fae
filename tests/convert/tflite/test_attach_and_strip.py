"""Laws of editing: what is attached can be stripped without a trace, and what an edit is not about stays."""

from dataclasses import replace

import numpy as np
import pytest
from builders.open_files import edited
from builders.tiny_tflite import run_model, tiny_contract, tiny_int8_model, tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.convert.tflite.appended import appended_files, with_files
from detlite.convert.tflite.boundary import set_boundary
from detlite.convert.tflite.contract import contract_of_tflite
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.heads import refreshed
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.postprocess import attach, configure, strip
from detlite.convert.tflite.tensors import operator_name
from detlite.runtime.artifact import Artifact
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.errors import ContractError, InputError
from detlite.runtime.session import Session

MODELS = {
    "float32": tiny_model(),
    "int8": tiny_int8_model(),
    "int8 with float32 heads": edited(set_boundary, tiny_int8_model(), inputs="uint8", outputs="float32"),
    "with labels": with_files(tiny_model(), {"labels.txt": b"cat\ndog\nowl\n"}),
}
LOGITS = {"score_converter_place": "host"}


def operators(data):
    model = load(data, "x")
    return [operator_name(model, operator) for operator in model.subgraphs[0].operators]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("converter", "place"), [("SIGMOID", "model"), ("SIGMOID", "host"), ("SOFTMAX", "host"), ("IDENTITY", "host")]
)
def test_stripping_what_was_attached_gives_the_same_bytes(name, converter, place):
    raw = MODELS[name]
    before = tiny_contract().with_task(score_converter=converter, score_converter_place=place)
    if name == "int8":  # a contract as the quantizer leaves it
        before = refreshed(before, TfliteFile(raw))
    stripped, contract = strip(*attach(raw, before))
    assert stripped == raw
    assert contract.task.score_converter == converter
    if converter != "IDENTITY":  # logits that no converter changes are scores
        assert contract.task.score_converter_place == place


@pytest.mark.parametrize("name", MODELS)
def test_stripping_an_op_of_clipped_boxes_gives_the_same_bytes(name):
    before = tiny_contract()
    if name == "int8":
        before = refreshed(before, TfliteFile(MODELS[name]))
    stripped, contract = strip(*attach(MODELS[name], before, clips=True))
    assert stripped == MODELS[name]
    assert contract.task.nms.clip


@pytest.mark.parametrize("kind", ["fast", "regular"])
def test_an_op_of_clipped_boxes_finds_what_the_runtime_finds(kind, tmp_path):
    contract = tiny_contract(anchors=40, nms=Nms(kind=kind, score_threshold=0.05, iou_threshold=0.4, max_detections=40))
    chance = np.random.default_rng(3)
    codes = chance.normal(0, 4, (40, 4)).astype(np.float32)  # most boxes reach over an edge
    scores = chance.uniform(0, 1, (40, 4)).astype(np.float32)
    image = np.concatenate([codes, scores], axis=1)[None, :, :, None]
    found = {}
    for clips in (True, False):
        data, attached = attach(tiny_model(anchors=40), contract, clips=clips)
        heads = dict(zip(("boxes", "classes", "scores", "count"), run_model(data, image), strict=True))
        real = {role: value.reshape(value.shape[1:] or (1,)) for role, value in heads.items()}
        found[clips] = attached.task.result(real, contract.labels, contract.image.fit())
    want = contract.task.result({"box_encodings": codes, "class_scores": scores}, contract.labels, contract.image.fit())
    assert found[True].classes.tolist() == want.classes.tolist()
    assert found[True].scores.tolist() == want.scores.tolist()
    np.testing.assert_allclose(found[True].boxes, want.boxes, atol=1e-6)
    assert found[False].scores.tolist() != want.scores.tolist()  # what overlaps outside the image counts there


@settings(max_examples=30, deadline=None)
@given(
    kind=st.sampled_from(["fast", "regular"]),
    most=st.integers(1, 100),
    categories=st.integers(1, 5),
)
def test_the_contract_has_the_shapes_that_the_op_returns(kind, most, categories):
    nms = Nms(kind=kind, max_detections=most, max_classes_per_detection=categories)
    data, contract = attach(tiny_model(), tiny_contract(nms=nms))
    shapes = [value.shape for value in run_model(data, np.zeros((1, 6, 8, 1), np.float32))]
    assert [output.shape for output in contract.outputs] == shapes


def test_int8_heads_are_dequantized_before_the_op():
    assert operators(attach(tiny_int8_model(), tiny_contract())[0])[-3:] == [
        "DEQUANTIZE",
        "DEQUANTIZE",
        "TFLite_Detection_PostProcess",
    ]


def test_int8_logits_are_converted_in_float():
    data, _contract = attach(tiny_int8_model(), tiny_contract().with_task(**LOGITS))
    assert operators(data)[-3:] == ["DEQUANTIZE", "LOGISTIC", "TFLite_Detection_PostProcess"]


def test_the_op_behind_int8_heads_finds_what_the_host_finds(tmp_path):
    raw = tiny_int8_model()
    contract = refreshed(tiny_contract(nms=Nms(clip=False)).with_task(**LOGITS), TfliteFile(raw))
    data, made = attach(raw, contract)
    (tmp_path / "raw.tflite").write_bytes(raw)
    (tmp_path / "op.tflite").write_bytes(data)
    image = np.random.default_rng(0).integers(-128, 127, (1, 6, 8, 1)).astype(np.int8)
    found = []
    for name, each in (("raw", contract), ("op", made)):
        session = Session(Artifact(tmp_path / f"{name}.tflite", each))
        session.invoke(image)
        found.append(session.postprocess(session.heads()))
    assert len(found[0].scores) > 1
    np.testing.assert_allclose(found[1].boxes, found[0].boxes, atol=1e-5)
    np.testing.assert_allclose(found[1].scores, found[0].scores, atol=1e-6)
    np.testing.assert_array_equal(found[1].classes, found[0].classes)


def test_changing_settings_keeps_the_appended_files():
    files = {"labels.txt": b"cat\ndog\nowl\n", "more/vocabulary.txt": b"\x00\xff"}
    data, contract = attach(with_files(tiny_model(), files), tiny_contract())
    changed, _made = configure(data, contract.with_task(nms=replace(contract.task.nms, score_threshold=0.5)))
    assert appended_files(changed) == files
    assert run_model(changed, np.zeros((1, 6, 8, 1), np.float32))


def test_configuring_back_gives_the_same_bytes():
    data, contract = attach(tiny_model(), tiny_contract())
    changed, made = configure(data, contract.with_task(nms=replace(contract.task.nms, kind="fast", max_detections=3)))
    assert changed != data
    assert configure(changed, made.with_task(nms=contract.task.nms))[0] == data


def with_metadata(data):
    from ai_edge_litert import schema_py_generated as schema

    model = load(data, "x")
    for name in (b"TFLITE_METADATA", b"min_runtime_version"):
        buffer, entry = schema.BufferT(), schema.MetadataT()
        buffer.data = np.frombuffer(b"1.14.0".ljust(16, b"\0"), np.uint8)
        model.buffers.append(buffer)
        entry.name, entry.buffer = name, len(model.buffers) - 1
        model.metadata.append(entry)
    return dump(model)


@pytest.mark.parametrize("edit", [strip, lambda *given: attach(*strip(*given))])
def test_metadata_that_describes_other_outputs_goes_and_the_rest_stays(edit):
    data, contract = attach(tiny_model(), tiny_contract())
    (entry,) = (edited := load(edit(with_metadata(data), contract)[0], "x")).metadata
    assert entry.name == b"min_runtime_version"
    assert bytes(edited.buffers[entry.buffer].data).startswith(b"1.14.0")


def test_a_stripped_model_no_longer_names_the_op():
    assert b"TFLite_Detection_PostProcess" not in strip(*attach(tiny_model(), tiny_contract()))[0]


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (
            lambda data, contract: configure(
                data, contract.with_task(nms=Nms(max_detections=100_000, max_classes_per_detection=100))
            ),
            InputError,
            "10000000 detections, with all their classes; want at most 1000000",
        ),
        (
            lambda data, contract: attach(tiny_model(7), tiny_contract(6)),
            InputError,
            r"box_encodings have the shape \(1, 7, 4\), its contract says \(1, 6, 4\)",
        ),
        (
            lambda data, contract: attach(data[:0] + dump(_with_outputs(tiny_model(), 1)), tiny_contract()),
            InputError,
            "the model has 1 output; its contract has output number 1",
        ),
        (
            lambda data, contract: configure(dump(_with_outputs(data, 3)), contract),
            ContractError,
            "the model has 3 outputs, but the contract 4",
        ),
    ],
)
def test_a_model_and_a_contract_that_do_not_belong_together_are_refused(change, error, text):
    with pytest.raises(error, match=text):
        change(*attach(tiny_model(), tiny_contract()))


def _with_outputs(data, count):
    model = load(data, "x")
    model.subgraphs[0].outputs = model.subgraphs[0].outputs[:count]
    model.signatureDefs = []
    return model


@pytest.mark.data
@pytest.mark.parametrize(
    "name",
    [
        "coco_ssd_mobilenet_v1_quant/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite",
        "ssd_mobilenet_v2_fpnlite_320_tf2_drq/model.tflite",
        "ssdlite_mobiledet_edgetpu_qat_dog_vs_cat/ssdlite_mobiledet_dog_vs_cat.tflite",
    ],
)
def test_the_heads_of_shipped_models_are_stripped_to_the_same_bytes_after_attaching(shared_data, name):
    path = shared_data / "models" / name
    raw, contract = strip(path.read_bytes(), contract_of_tflite(path))
    assert strip(*attach(raw, contract))[0] == raw
