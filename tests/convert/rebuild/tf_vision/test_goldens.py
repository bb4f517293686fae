"""Reference models of the original TF-Vision, rebuilt from their params.yaml and checkpoint."""

from __future__ import annotations

import numpy as np
import pytest
from builders.onnx_models import run_onnx
from builders.processes import each_in_one_process
from builders.tf_vision_models import GOLDENS, MemoryWeights, TfVisionGolden

from detlite.convert.artifact import open_artifact
from detlite.convert.child_calls import convert
from detlite.convert.exporter import export_model
from detlite.convert.model import model_of
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.network.blocks import NormActivation
from detlite.convert.rebuild.network.graph import GraphBuilder
from detlite.convert.rebuild.network.spinenet import SpineNetBackbone, build_spinenet
from detlite.convert.rebuild.tf_vision.image import PADDED, image_input
from detlite.convert.requests import ConvertRequest, Given
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.image.resize import resize_map
from detlite.runtime.progress import silent
from detlite.runtime.records import to_record
from detlite.runtime.session import Session

pytestmark = [pytest.mark.data, pytest.mark.slow]

TOLERANCE = 1e-4
CLASSIFIERS = ("mobilenetv2", "resnet50", "resnetrs50", "vit_ti16")


def rebuilt(name, folder, **options):
    """The reference model *name* as an open float32 model, and what `detlite convert` answers."""
    reference = TfVisionGolden(name)
    given = Given(config=reference.config, checkpoint=reference.write_checkpoint(folder))
    request = ConvertRequest(given, folder / "out", DetectorOptions(**options))
    answer = convert(to_record(request), silent)
    return reference, Session(open_artifact(folder / "out")), answer


def hold_in_onnx(folder, session, picture):
    """Check that the model in *folder* is valid ONNX at three opsets, and at the last computes what *session* does."""
    onnx = pytest.importorskip("onnx")
    model, tensor = model_of(open_artifact(folder)), session.preprocess(picture)
    for opset in (11, 13, 17):  # each is checked in full before it is returned
        made = export_model(model, "onnx", {"opset": opset})
    session.invoke(tensor)
    for want, got in zip(session.heads().values(), run_onnx(onnx.load_from_string(made.data), tensor), strict=True):
        np.testing.assert_allclose(got[0], want, atol=TOLERANCE)


SMALL_RESNET_RS = """
task:
  model:
    input_size: [160, 160, 3]
    backbone: {type: resnet, resnet: {model_id: 10, depth_multiplier: 0.25}}
"""
ORIGINAL_LOGITS = (-2.892838e-4, -8.214511e-4, -1.696468e-4, -5.835234e-4, -6.128351e-4, -1.139967e-3)
"""What TF-Vision 2.20 computes with the raw weights of the first classes, on one ramp of numbers from -2 to 2."""


def test_a_trainers_resnet_of_ten_layers_has_strided_shortcuts_whatever_resnetd_shortcut_says(tmp_path, shared_data):
    (tmp_path / "override.yaml").write_text(SMALL_RESNET_RS)
    given = Given(
        config=tmp_path / "override.yaml",
        checkpoint=GOLDENS / "trainer_sample_resnet10_ema" / "ckpt-0",
        experiment="resnet_rs_imagenet",
        averages="raw",
    )
    convert(to_record(ConvertRequest(given, tmp_path / "out", DetectorOptions(logits=True))), silent)
    session = Session(open_artifact(tmp_path / "out"))
    session.invoke(np.linspace(-2, 2, 160 * 160 * 3, dtype=np.float32).reshape(1, 160, 160, 3))
    np.testing.assert_allclose(session.heads()["class_scores"].ravel()[:6], ORIGINAL_LOGITS, atol=2e-7)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_sees_and_says_what_the_original_does(name, tmp_path, shared_data):
    reference, session, answer = rebuilt(name, tmp_path, logits=True)
    arrays = reference.arrays
    tensor = session.preprocess(reference.picture)
    seen = tensor.reshape(-1, 3)[arrays["model_input_rows"]]
    np.testing.assert_allclose(seen, arrays["model_input_sample"], atol=2e-6)
    session.invoke(tensor)
    np.testing.assert_allclose(session.heads()["class_scores"], arrays["final_logits"][0], atol=TOLERANCE)
    ranking = session.finish((300, 420))
    np.testing.assert_allclose(ranking.scores, arrays["final_probs"][0, 1:], atol=1e-5)
    assert answer["history"][-1]["macs"] == reference.meta["macs"]
    assert answer["history"][-1]["parameters"] == reference.meta["params_trainable"]
    assert not answer["notices"]  # every variable is used
    hold_in_onnx(tmp_path / "out", session, reference.picture)


DETECTORS = ("retinanet_mobilenetv2", "retinanet_spinenet49_mobile")
SEGMENTERS = ("deeplabv3_mobilenetv2", "deeplabv3plus_resnet101")


@pytest.fixture(scope="module", params=each_in_one_process(DETECTORS))
def detector(request, tmp_path_factory, shared_data):
    """A RetinaNet, open after it saw the picture of the original, and what `detlite convert` answered."""
    folder = tmp_path_factory.mktemp(request.param)
    reference, session, answer = rebuilt(request.param, folder, logits=True)
    hold_in_onnx(folder / "out", session, reference.picture)
    session.invoke(session.preprocess(reference.picture))
    return reference, session, answer


def test_the_raw_heads_of_a_retinanet_are_the_original_ones(detector):
    reference, session, answer = detector
    arrays, heads = reference.arrays, session.heads()
    np.testing.assert_allclose(heads["class_scores"][arrays["rows"]], arrays["raw_scores"], atol=TOLERANCE)
    np.testing.assert_allclose(heads["box_encodings"][arrays["rows"]], arrays["raw_boxes"], atol=TOLERANCE)
    assert answer["history"][-1]["macs"] == pytest.approx(reference.meta["macs"], rel=0.01)


def test_the_anchors_of_a_retinanet_are_the_original_ones(detector):
    reference, session, _answer = detector
    anchors = session.contract.task.anchors[reference.arrays["rows"]]
    corners = np.concatenate([anchors[:, :2] - anchors[:, 2:] / 2, anchors[:, :2] + anchors[:, 2:] / 2], axis=1)
    np.testing.assert_allclose(corners * (reference.size * 2), reference.arrays["anchors"], atol=1e-3)


def test_the_detections_of_a_retinanet_are_the_original_ones_in_the_image(detector):
    reference, session, _answer = detector
    arrays, size = reference.arrays, reference.picture.shape[:2]
    found = session.finish(size)
    pixels = arrays["final_detection_boxes"][0] / np.tile(arrays["final_image_info"][0, 2], 2)
    boxes = np.clip(pixels / np.tile(size, 2), 0, 1)  # the original leaves boxes in the padding
    assert found.classes.tolist() == (arrays["final_detection_classes"][0] - 1).tolist()
    np.testing.assert_allclose(found.scores, arrays["final_detection_scores"][0], atol=1e-5)
    np.testing.assert_allclose(found.boxes, boxes, atol=1e-5)


@pytest.mark.parametrize("name", SEGMENTERS)
def test_a_segmenter_says_what_the_original_does(name, tmp_path, shared_data):
    reference = TfVisionGolden(name)
    reference, session, _answer = rebuilt(name, tmp_path, input_size=reference.size)
    arrays = reference.arrays
    session.invoke(session.preprocess(reference.picture))
    logits = session.heads()["class_scores"]
    np.testing.assert_allclose(logits, arrays["raw_logits"], atol=TOLERANCE)
    grown = resize_map(logits, *reference.size, session.contract.task.resize)
    np.testing.assert_allclose(grown[::8, ::8], arrays["final_logits"], atol=TOLERANCE)
    assert (grown.argmax(axis=-1) == arrays["final_classes"]).mean() > 0.9999
    hold_in_onnx(tmp_path / "out", session, reference.picture)


def test_the_maps_of_a_spinenet_are_the_original_ones(shared_data):
    reference = TfVisionGolden("cascadercnn_spinenet49")
    weights = MemoryWeights(reference.values())
    picture = preprocess(reference.picture, image_input(reference.size, letterbox=PADDED))
    with GraphBuilder(weights, (*reference.size, 3)) as net:
        config = SpineNetBackbone(NormActivation("SWISH", 1e-3), (3, 7), 256, 1.0, 0.5, 1)
        maps = build_spinenet(net, net.image, config, "model/backbone")
        with load_tensorflow().compat.v1.Session() as session:
            found = session.run(maps, {net.image: picture})
    for level, values in found.items():
        assert values.shape == tuple(reference.arrays[f"backbone_{level}_shape"])
        np.testing.assert_allclose(values.mean((0, 1, 2)), reference.arrays[f"backbone_{level}_mean"], atol=TOLERANCE)
    assert not [name for name in weights.unused if name.startswith("model/backbone/")]
