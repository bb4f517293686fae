"""Finished detectors as other programs write them: what their contract is read from."""

import time

import flatbuffers
import numpy as np
import pytest
from builders.tiny_tflite import tiny_contract, tiny_model

from detlite.convert.tflite.appended import with_files
from detlite.convert.tflite.contract import contract_of_tflite
from detlite.convert.tflite.edit import DEQUANTIZE, Edit
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.metadata import normalization_of
from detlite.convert.tflite.options import read_settings
from detlite.convert.tflite.postprocess import attach
from detlite.runtime.errors import InputError

WHOLE = attach(tiny_model(), tiny_contract())[0]


def contract_of(data, folder, **options):
    path = folder / "x.tflite"
    path.write_bytes(data)
    return contract_of_tflite(path, **options)


def test_outputs_are_told_by_the_op_and_not_by_their_order(tmp_path):
    model = load(WHOLE, "x")
    boxes, classes, scores, count = model.subgraphs[0].outputs
    model.subgraphs[0].outputs = [scores, boxes, count, classes]  # as the TF2 exporter orders them
    outputs = contract_of(dump(model), tmp_path).outputs
    assert [(output.role, output.index) for output in outputs] == [
        ("scores", 0),
        ("boxes", 1),
        ("count", 2),
        ("classes", 3),
    ]


def test_anchors_in_float16_behind_a_dequantize_are_read(tmp_path):
    model = load(WHOLE, "x")
    subgraph = model.subgraphs[0]
    op = subgraph.operators[-1]
    edit = Edit(model, subgraph)
    stored = edit.constant("half", np.zeros((6, 4), np.float32))
    subgraph.tensors[stored].type = 1
    anchors = tiny_contract().task.anchors.astype(np.float16)
    model.buffers[-1].data = np.frombuffer(anchors.tobytes(), np.uint8)
    op.inputs[2] = edit.tensor("anchors", (6, 4))
    edit.operator(DEQUANTIZE, [stored], [op.inputs[2]], first=True)
    np.testing.assert_array_equal(contract_of(dump(model), tmp_path).task.anchors, anchors.astype(np.float32))


def test_anchors_of_another_number_than_the_boxes_are_refused(tmp_path):
    model = load(WHOLE, "x")
    model.subgraphs[0].operators[-1].inputs[2] = Edit(model, model.subgraphs[0]).constant("a", np.zeros((5, 4), "f4"))
    with pytest.raises(InputError, match=r"anchors \(5, 4\) for box encodings \(1, 6, 4\)"):
        contract_of(dump(model), tmp_path)


@pytest.mark.parametrize(
    ("lines", "labels"),
    [
        ("cat\ndog\nowl\n", ("cat", "dog", "owl")),
        ("???\ncat\ndog\nowl\n", ("cat", "dog", "owl")),  # Google's labelmap.txt of 2018 names column 0 so
        ("background\ncat\ndog\nowl\n", ("cat", "dog", "owl")),
        ("cat\n\nowl\n", ("cat", "???", "owl")),
    ],
)
@pytest.mark.parametrize("place", ["in the model", "beside it"])
def test_labels_are_read(tmp_path, lines, labels, place):
    data = WHOLE
    if place == "in the model":
        data = with_files(WHOLE, {"labelmap.txt": lines.encode()})
    else:
        (tmp_path / "labelmap.txt").write_text(lines)
    contract = contract_of(data, tmp_path)
    assert contract.labels == labels
    assert "labelmap.txt" in contract.origin["labels"]


def test_labels_of_more_classes_than_the_model_has_are_refused(tmp_path):
    with pytest.raises(InputError, match="labels.txt has 4 labels and the model 3 classes"):
        contract_of(with_files(WHOLE, {"labels.txt": b"a\nb\nc\nd\n"}), tmp_path)


def test_a_damaged_zip_behind_the_model_is_refused(tmp_path):
    data = bytearray(with_files(WHOLE, {"labels.txt": b"cat\ndog\nowl\n"}))
    data[data.rindex(b"cat\n")] ^= 1
    with pytest.raises(InputError, match="appended to the model are damaged"):
        contract_of(bytes(data), tmp_path)


def test_a_zip_bomb_behind_the_model_is_refused(tmp_path):
    import io
    import zipfile

    whole = io.BytesIO(WHOLE)
    with zipfile.ZipFile(whole, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("labels.txt", b"\n" * (1 << 25))
    with pytest.raises(InputError, match="1 file of 33554432 bytes are appended to the model"):
        contract_of(whole.getvalue(), tmp_path)


def table(builder, *fields):
    builder.StartObject(len(fields))
    for slot, field in enumerate(fields):
        if isinstance(field, bytes):
            builder.PrependUint8Slot(slot, field[0], 0)
        elif field:
            builder.PrependUOffsetTRelativeSlot(slot, field, 0)
    return builder.EndObject()


def vector(builder, *items):
    builder.StartVector(4, len(items), 4)
    for item in reversed(items):
        builder.PrependFloat32(item) if isinstance(item, float) else builder.PrependUOffsetTRelative(item)
    return builder.EndVector()


def normalization(mean, std):
    builder = flatbuffers.Builder()
    options = table(builder, vector(builder, *mean), vector(builder, *std))
    units = vector(builder, table(builder, b"\x01", options))
    inputs = vector(builder, table(builder, 0, 0, 0, 0, units))
    subgraphs = vector(builder, table(builder, 0, 0, inputs))
    builder.Finish(table(builder, 0, 0, 0, subgraphs), b"M001")
    return bytes(builder.Output())


def with_metadata(raw):
    from ai_edge_litert import schema_py_generated as schema

    model = load(WHOLE, "x")
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = None if raw is None else np.frombuffer(raw, np.uint8)
    model.buffers.append(buffer)
    entry.name, entry.buffer = b"TFLITE_METADATA", len(model.buffers) - 1
    model.metadata = [entry]
    return model


def test_normalization_is_read_channel_by_channel():
    model = with_metadata(normalization((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)))
    mean, std = normalization_of(model)
    assert mean == pytest.approx((123.675, 116.28, 103.53))
    assert std == pytest.approx((58.395, 57.12, 57.375))


def test_a_float_models_input_is_normalized_as_its_metadata_says(tmp_path):
    contract = contract_of(dump(with_metadata(normalization((0.0,), (255.0,)))), tmp_path)
    assert (contract.image.mean, contract.image.std) == ((0.0,), (255.0,))
    assert contract.origin["image"].startswith("the model's TFLite metadata")


def test_without_metadata_the_input_is_assumed_to_be_the_od_apis(tmp_path):
    contract = contract_of(dump(with_metadata(None)), tmp_path)
    assert (contract.image.mean, contract.image.std) == ((127.5,), (127.5,))
    assert contract.origin["image"].startswith("assumed: [-1, 1]")


def test_damaged_metadata_is_refused(tmp_path):
    raw = bytearray(normalization((0.0,), (255.0,)))
    raw[:4] = b"\xff\xff\xff\x7f"
    with pytest.raises(InputError, match="TFLite metadata is damaged"):
        contract_of(dump(with_metadata(bytes(raw))), tmp_path)


def nested(depth):
    """A FlexBuffer of *depth* vectors of eight, each of the one before: 8**depth items in 17 bytes a level."""
    data, kind, at = bytearray(b"\x01\x07"), 11 << 2, 1
    for _ in range(depth):
        data.append(8)
        here = len(data)
        for _ in range(8):
            data.append(len(data) - at)
        data += bytes([kind]) * 8
        kind, at = 10 << 2, here
    data += bytes([len(data) - at, kind, 1])
    return bytes(data)


def the_op(options):
    op = load(WHOLE, "x").subgraphs[0].operators[-1]
    op.customOptions = options
    return op


def test_settings_that_hold_each_other_many_times_are_refused_at_once():
    began = time.monotonic()
    with pytest.raises(InputError, match="the settings of the post-processing op are not a map"):
        read_settings(the_op(nested(12)))
    assert time.monotonic() - began < 60  # to read all items would take days


def flexbuffer(settings):
    from flatbuffers import flexbuffers

    return bytes(flexbuffers.Dumps(settings))


FULL = {
    "y_scale": 10.0,
    "x_scale": 10.0,
    "h_scale": 5.0,
    "w_scale": 5.0,
    "nms_score_threshold": 0.0,
    "nms_iou_threshold": 0.6,
    "max_detections": 10,
    "max_classes_per_detection": 1,
    "num_classes": 90,
}


@pytest.mark.parametrize(
    ("regular", "kind"), [(True, "regular"), (1, "regular"), (1.0, "regular"), (False, "fast"), (0, "fast")]
)
def test_the_kind_of_nms_is_read_however_it_is_written(regular, kind):
    assert read_settings(the_op(flexbuffer(FULL | {"use_regular_nms": regular}))).nms.kind == kind


def test_settings_of_the_tf1_exporter_are_read():
    whole = FULL | {"_output_quantized": True, "y_scale": 10, "max_detections": 10.0}
    settings = read_settings(the_op(flexbuffer(whole)))
    assert (settings.classes, settings.box_coder.y, settings.nms.max_detections) == (90, 10.0, 10)
    assert (settings.nms.detections_per_class, settings.nms.iou_threshold) == (100, 0.6)


@pytest.mark.parametrize("key", FULL)
def test_a_setting_that_is_missing_is_named(key):
    with pytest.raises(InputError, match=f"has no setting '{key}'"):
        read_settings(the_op(flexbuffer({name: value for name, value in FULL.items() if name != key})))
