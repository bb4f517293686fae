"""The real SSDLite MobileNet V2 on real images: parity, int8 operators, fidelity."""

import json
from dataclasses import replace

import numpy as np
import pytest

from detlite.runtime.artifact import Artifact, read_artifact
from detlite.runtime.image.files import folder_images
from detlite.runtime.image.read import read_image
from detlite.runtime.session import Session

pytestmark = [pytest.mark.slow, pytest.mark.data]


@pytest.fixture(scope="module")
def real(tmp_path_factory, shared_data, detlite_in):
    run = detlite_in(tmp_path_factory.mktemp("real"))
    graph = shared_data / "models" / "ssdlite_mobilenet_v2_coco" / "frozen_inference_graph_no_nms.pb"
    train = shared_data / "coco" / "train"
    assert run("convert", graph, "-o", "float").status == 0
    assert run("quantize", "float", "-o", "int8", "--coco", train / "images", train / "instances.json").status == 0
    return run


def test_the_repaired_int8_model_has_113_to_120_operators_and_no_float_island(real):
    facts = json.loads(real("inspect", "int8", "--json").out)
    assert 113 <= facts["operators"] <= 120
    assert facts["float_islands"] == 0


def test_weights_can_be_int8_with_float_activations(real, shared_data):
    graph = shared_data / "models" / "ssdlite_mobilenet_v2_coco" / "frozen_inference_graph_no_nms.pb"
    assert real("convert", graph, "-o", "dynamic", "--type", "dynamic").status == 0
    facts = json.loads(real("inspect", "dynamic", "--json").out)
    assert facts["quantization"] == "dynamic range"
    assert facts["size_bytes"] < 6_000_000  # 18.0 MB as float32


def test_the_int8_model_keeps_a_fidelity_of_96(real, shared_data):
    images = shared_data / "coco" / "val" / "images"
    record = json.loads(real("evaluate", "int8", "--images", images, "--against", "float", "--json").out)
    assert record["images"] == 150
    assert record["fidelity"] >= 96  # TensorFlow's converter: 90.3


def test_the_float_model_has_the_graphs_map(real, shared_data):
    val = shared_data / "coco" / "val"
    record = json.loads(real("evaluate", "float", "--coco", val / "images", val / "instances.json", "--json").out)
    assert record["map"] == pytest.approx(30.58, abs=0.05)


@pytest.mark.parametrize("kind", ["fast", "regular"])
def test_numpy_finds_in_150_images_what_the_op_finds(real, shared_data, kind):
    assert real("postprocess", "int8", "--add", "--nms", kind, "-o", f"op_{kind}", "--force").status == 0
    op = Session(read_artifact(real.folder / f"op_{kind}"))
    contract = read_artifact(real.folder / "int8").contract.with_task(nms=replace(op.contract.task.nms, place="host"))
    heads = Session(Artifact(real.folder / "int8/model.tflite", contract))
    differences = []
    for path in folder_images(shared_data / "coco" / "val" / "images").paths:
        image = read_image(path)
        want = op.run(image)
        heads.invoke(heads.preprocess(image))
        found = heads.postprocess(heads.heads())
        np.testing.assert_array_equal(found.classes, want.classes, err_msg=path.name)
        differences.append(max(np.abs(found.boxes - want.boxes).max(), np.abs(found.scores - want.scores).max()))
    assert len(differences) == 150
    assert max(differences) < 1e-5
