"""NVIDIA's importer takes the ONNX of a float and of an int8-float-bias model, and builds engines without a GPU.

TensorRT for RTX is not JetPack's TensorRT: that it takes a model is necessary, and not sufficient.
"""

import json
import subprocess

import pytest
from builders import tensorrt_importer
from builders.float_detector import detector, write_images

from detlite.accuracy.images import Images
from detlite.calibration.quantize import quantize
from detlite.calibration.recipe import Recipe
from detlite.convert.exporter import export_model
from detlite.runtime.runners.engine_file import builder_of

onnx = pytest.importorskip("onnx")
pytestmark = pytest.mark.slow

CONVOLUTIONS = 5


def convolutions(path):
    """What makes the input and the weights of each convolution with computed weights; whether its bias is stored."""
    graph = onnx.load(path).graph
    makers = {name: node.op_type for node in graph.node for name in node.output}
    constants = {one.name for one in graph.initializer}
    found = [node for node in graph.node if node.op_type == "Conv" and node.input[1] in makers]
    return [[makers[node.input[0]], makers[node.input[1]], node.input[2] in constants] for node in found]


@pytest.fixture(scope="module")
def imported(client_python, tmp_path_factory):
    """Gives what TensorRT's importer says of a small detector in a scheme, and how its convolutions are quantized."""
    folder = tmp_path_factory.mktemp("jetson")
    images = Images(write_images(folder, count=4), "made in a test")
    python = client_python("tensorrt")

    def run(scheme, **more):
        model = detector() if scheme == "float32" else quantize(detector(), images, Recipe(scheme=scheme)).model
        options = {"opset": 17} if scheme == "int8" else {"opset": 17, "target": "tensorrt"} | more
        (folder / "model.onnx").write_bytes(export_model(model, "onnx", options).data)
        path = str(folder / "model.onnx")
        command = [python, tensorrt_importer.__file__, "--build", path]
        said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=200)
        return {**json.loads(said.stdout.strip().splitlines()[-1])[path], "convolutions": convolutions(path)}

    return run


def test_an_engine_is_built_of_int8_with_float_biases(imported):
    found = imported("int8-float-bias")
    assert (found["parsed"], found["built"], found["errors"]) == (True, True, [])
    assert found["convolutions"] == [["DequantizeLinear", "DequantizeLinear", True]] * CONVOLUTIONS


def test_an_engine_is_built_of_a_float_model(imported):
    found = imported("float32")
    assert (found["parsed"], found["built"], found["errors"]) == (True, True, [])


def test_engines_are_built_for_a_batch_of_images(imported):
    for scheme in ("float32", "int8-float-bias"):
        found = imported(scheme, batch=4)
        assert (found["parsed"], found["built"], found["errors"]) == (True, True, [])


def test_int8_with_a_zero_point_is_refused(imported):
    assert not imported("int8")["parsed"]


def test_the_header_of_an_engine_says_what_built_it(imported, tmp_path):
    engine = tmp_path / "model.engine"
    engine.write_bytes(bytes.fromhex(imported("float32")["head"]))
    assert str(builder_of(engine)).startswith("TensorRT for RTX 1.")
