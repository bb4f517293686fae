"""MLPerf's two detectors, rebuilt from PyTorch files of every form."""

from __future__ import annotations

import importlib.util
import json
import re

import numpy as np
import pytest
from builders.asked_weights import AskedWeights
from builders.golden_models import Golden
from builders.torch_files import nested, tensors, write_legacy, write_state_dict

from detlite.convert.artifact import open_artifact
from detlite.convert.child_calls import convert
from detlite.convert.options import DetectorOptions, StatedFacts
from detlite.convert.rebuild.architecture import RebuildPlan, architecture_of
from detlite.convert.rebuild.detector_config import SsdResNet34
from detlite.convert.rebuild.network.built_network import BuiltNetwork
from detlite.convert.rebuild.network.ssd_resnet34 import KINDS, default_boxes
from detlite.convert.rebuild.rebuild import PresetSource, plan_of_preset, plan_of_torch
from detlite.convert.rebuild.torch_network import read_torch
from detlite.convert.rebuild.torch_networks.ssd_mobilenet_v1 import PLUGIN as MOBILENET
from detlite.convert.rebuild.weights.stored import StateDictWeights
from detlite.convert.rebuild.weights.torch_file import open_torch
from detlite.convert.requests import ConvertRequest, Given
from detlite.convert.source import TORCH, recognize
from detlite.runtime.errors import InputError
from detlite.runtime.progress import silent
from detlite.runtime.records import to_record
from detlite.runtime.session import Session

MAPS = {1200: (50, 25, 13, 7, 3, 3), 640: (27, 14, 7, 4, 2, 1)}


def heads_of(session, pixels):
    """What the model finds in uint8 *pixels* of its size."""
    image = session.contract.image
    mean, std = np.array(image.mean, np.float32), np.array(image.std, np.float32)
    session.invoke(((pixels.astype(np.float32) - mean) / std)[None])
    return session.heads()


def in_reference_order(size):
    """The rows of detlite's heads (map, row, column, kind) in the reference's order: map, kind, row, column."""
    rows, first = [], 0
    for side, kinds in zip(MAPS[size], KINDS, strict=True):
        cells = side * side
        rows += [first + cell * kinds + kind for kind in range(kinds) for cell in range(cells)]
        first += cells * kinds
    return rows


@pytest.fixture(scope="session")
def reference(shared_data):
    """The golden's module of values and pictures, without its torch; its arrays; the values of its state dict."""
    folder = shared_data / "onnx"
    source = (folder / "ssd_resnet34.py").read_text().replace("import torch\n", "").replace(", torch\n", "\n")
    plain = source[: source.index("class Block")].replace("from torch import nn\n", "")
    pictures = source[source.index("def picture") : source.index("def prep")]
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("reference", loader=None))
    exec(plain.replace("import torch.nn.functional as F\n", "") + pictures, module.__dict__)
    names = json.loads((folder / "resnet34_state.json").read_text())["state_dict"]
    values = {name: np.ascontiguousarray(module.value(name, tuple(shape))) for name, shape, _dtype in names}
    return module, dict(np.load(folder / "ssd_resnet34_golden.npz")), values


@pytest.mark.data
def test_default_boxes_are_the_reference_s_bit_for_bit(shared_data):
    boxes = default_boxes([(side, side) for side in MAPS[1200]])
    expected = np.load(shared_data / "onnx" / "ssd_resnet34_golden.npz")["dboxes"]
    assert np.array_equal(boxes[in_reference_order(1200)][:, [1, 0, 3, 2]], expected)


def test_an_image_that_is_not_square_has_boxes_at_its_cells_centres():
    maps = [(2, 4), (1, 2), (1, 1), (1, 1), (1, 1), (1, 1)]
    boxes = default_boxes(maps)
    assert len(boxes) == 8 * 4 + 2 * 6 + 6 + 6 + 4 + 4
    assert boxes[4].tolist() == pytest.approx([0.25, 0.375, 0.07, 0.07])


FORMS = {
    "legacy module": lambda path, values: write_legacy(
        path,
        nested(tensors(values, legacy=True)),
        [value.tobytes() for value in values.values()],
        widths={key: 8 for key, value in enumerate(values.values()) if value.dtype == np.int64},
    ),
    "zip of a state dict": write_state_dict,
}


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(("form", "size"), [("legacy module", 1200), ("zip of a state dict", 640)])
def test_ssd_resnet34_has_the_reference_s_raw_rows(form, size, reference, tmp_path):
    module, golden, values = reference
    path = FORMS[form](tmp_path / "resnet34-ssd1200.pytorch", values)
    asked = DetectorOptions(input_size=(size, size), logits=True)
    answer = convert(to_record(ConvertRequest(Given(source=path), tmp_path / "out", asked)), silent)
    session = Session(open_artifact(tmp_path / "out"))
    heads = heads_of(session, module.picture(size, 7))
    rows = np.array(in_reference_order(size))[golden[f"rows_{size}"]]
    encodings = heads["box_encodings"][rows][:, [1, 0, 3, 2]]
    assert np.abs(encodings - golden[f"loc_{size}"]).max() < 1e-4
    assert np.abs(heads["class_scores"][rows] - golden[f"conf_{size}"]).max() < 1e-4
    assert answer["notices"] == []
    assert session.contract.labels[:2] == ("person", "bicycle")
    assert len(session.contract.labels) == 80


@pytest.mark.data
@pytest.mark.slow
def test_the_untrained_network_asks_for_the_reference_s_state_dict(shared_data):
    from detlite.convert.rebuild.architectures.ssd_resnet34 import build

    names = json.loads((shared_data / "onnx" / "resnet34_state.json").read_text())["state_dict"]
    plan, _random = plan_of_preset(PresetSource("ssd_resnet34", 0))
    weights = AskedWeights()
    built = build(plan, weights, (433, 433))
    stored = {name: tuple(shape) for name, shape, _dtype in names if not name.endswith("num_batches_tracked")}
    assert weights.shapes == stored
    assert built.parameters == 19_972_534


def test_an_image_that_is_too_small_is_a_one_line_error():
    from detlite.convert.rebuild.architectures.ssd_resnet34 import build

    plan, weights = plan_of_preset(PresetSource("ssd_resnet34", 0))
    with pytest.raises(InputError, match="ssd_resnet34: images of 432 x 1200 pixels; it needs at least 433"):
        build(plan, weights, (432, 1200))


@pytest.mark.parametrize(("written", "first"), [("thing", "thing 1"), (None, "person")])
def test_labels_beside_the_file_come_before_coco_s(written, first, tmp_path):
    if written is not None:
        (tmp_path / "labels.txt").write_text("".join(f"{written} {number}\n" for number in range(1, 81)))
    plan = RebuildPlan(SsdResNet34(), "resnet34.pytorch", tmp_path)
    built = BuiltNetwork(None, tuple((side, side) for side in MAPS[640]), 0, 0)
    made = architecture_of(plan.model).contract(plan, DetectorOptions(), (640, 640), built)
    assert made.labels[0] == first


def test_a_file_of_another_network_names_its_tensors(tmp_path):
    path = write_state_dict(tmp_path / "yolo.pt", {"model.0.conv.weight": np.zeros((1, 1, 1, 1), np.float32)})
    with pytest.raises(InputError, match=r"does not rebuild \(tensors model.0.conv.weight, ...\); .* ssd-resnet34"):
        read_torch(path)


def test_facts_of_an_onnx_file_are_refused(tmp_path):
    path = write_state_dict(tmp_path / "net.pth", {"w": np.zeros(1, np.float32)})
    asked = DetectorOptions(stated=StatedFacts(mean=(0.0,), std=(1.0,)))
    request = to_record(ConvertRequest(Given(source=path), tmp_path / "out", asked))
    with pytest.raises(InputError, match="net.pth is a PyTorch file; --mean, --std, .* are for .onnx files"):
        convert(request, silent)


def test_a_folder_with_one_file_of_pytorch_is_that_file(tmp_path):
    path = write_state_dict(tmp_path / "net.pth", {"w": np.zeros(1, np.float32)})
    (tmp_path / "labels.txt").write_text("cat\n")
    source = recognize(tmp_path)
    assert (source.format, source.path) == (TORCH, path)


# ssd_mobilenet_v1.pytorch


def as_mlperf_stores(values):
    """The tensors of MLPerf's file, made of a TF1 checkpoint's *values*."""
    stored = {}
    for name, kernel in values.items():
        scope, _, kind = name.rpartition("/")
        if kind not in ("weights", "depthwise_weights") or "Momentum" in name:
            continue
        to = torch_name(scope)
        if scope.startswith("BoxPredictor"):
            stored[f"{to}.weight"] = kernel.transpose(3, 2, 0, 1)
            stored[f"{to}.bias"] = values[f"{scope}/biases"]
            continue
        gamma, beta, mean, variance = (
            values[f"{scope}/BatchNorm/{part}"].astype(np.float64)
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + 0.001)
        bias = (beta - mean * scale).astype(np.float32)
        norm = f"{to}/BatchNorm" if to.startswith("backbone") else to
        stored[f"{norm}.bias"] = bias
        if kind == "depthwise_weights":
            stored[f"{to}.weight"] = kernel.transpose(2, 3, 0, 1)
            stored[f"{norm}.scale"] = scale.astype(np.float32)
        else:
            stored[f"{to}.weight"] = (kernel * scale).astype(np.float32).transpose(3, 2, 0, 1)
    return {name: np.ascontiguousarray(value, np.float32) for name, value in stored.items()}


def torch_name(scope):
    if match := re.fullmatch(r"BoxPredictor_(\d)/(\w+)Predictor", scope):
        return f"predictors.{match[1]}.{'regression' if match[2] == 'BoxEncoding' else 'classification'}"
    if match := re.search(r"pointwise_([12])_Conv2d_(\d)_", scope):
        return f"extras.{int(match[2]) - 2}.{2 * int(match[1]) - 2}"
    number, _, kind = scope.rpartition("Conv2d_")[2].partition("_")
    return f"backbone.{number}.{kind or '0'}"


@pytest.mark.data
@pytest.mark.slow
def test_ssd_mobilenet_v1_has_the_original_s_raw_heads(shared_data, tmp_path):
    golden = Golden("ssd_mobilenet_v1")
    path = tmp_path / "ssd_mobilenet_v1.pytorch"
    arrays = as_mlperf_stores(golden.values())
    write_state_dict(path, arrays)
    asked = DetectorOptions(input_size=golden.size, logits=True)
    answer = convert(to_record(ConvertRequest(Given(source=path), tmp_path / "out", asked)), silent)
    session = Session(open_artifact(tmp_path / "out"))
    heads = heads_of(session, golden.arrays["image_0"])
    assert np.abs(heads["box_encodings"] - golden.arrays["raw_boxes_0"]).max() < 1e-4
    assert np.abs(heads["class_scores"] - golden.arrays["logits_0"]).max() < 1e-4
    assert answer["notices"] == []
    assert np.abs(session.contract.task.anchors - golden.arrays["anchors"]).max() < 1e-6


def test_mobilenet_s_number_of_classes_is_that_of_its_class_head(tmp_path):
    path = write_state_dict(
        tmp_path / "m.pytorch",
        {
            "backbone.0.0.weight": np.zeros((32, 3, 3, 3), np.float32),
            "backbone.13.pointwise.weight": np.zeros((1, 1), np.float32),
            "extras.3.2.weight": np.zeros((1, 1), np.float32),
            "predictors.0.classification.weight": np.zeros((9, 2, 1, 1), np.float32),
        },
    )
    plan, _weights = plan_of_torch(path)
    assert (plan.model.classes, plan.origin) == (2, "MLPerf's ssd_mobilenet_v1")


def test_a_depthwise_kernel_keeps_its_channels_first(tmp_path):
    kernel = np.arange(18, dtype=np.float32).reshape(2, 1, 3, 3)
    path = write_state_dict(tmp_path / "m.pth", {"backbone.1.depthwise.weight": kernel})
    weights = MOBILENET.weights(StateDictWeights(open_torch(path)))
    taken = weights.take("FeatureExtractor/MobilenetV1/Conv2d_1_depthwise/depthwise_weights", (3, 3, 2, 1))
    assert taken[:, :, 1, 0].tolist() == kernel[1, 0].tolist()


def test_a_folded_batch_norm_changes_nothing():
    weights = MOBILENET.weights(None)
    scope = "FeatureExtractor/MobilenetV1/Conv2d_2_pointwise/BatchNorm"
    gamma, variance = (weights.take(f"{scope}/{part}", (2,)) for part in ("gamma", "moving_variance"))
    assert (gamma / np.sqrt(variance.astype(np.float64) + 0.001)).tolist() == pytest.approx([1, 1], abs=1e-7)
