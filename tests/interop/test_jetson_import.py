"""NVIDIA's importer takes the ONNX of a float and of an int8-float-bias model, and builds engines without a GPU.

TensorRT for RTX is not JetPack's TensorRT: that it takes a model is necessary, and not sufficient.
"""

import json
import subprocess

import pytest
from builders.float_detector import detector, write_images

from detlite.accuracy.images import Images
from detlite.calibration.quantize import quantize
from detlite.calibration.recipe import Recipe
from detlite.convert.exporter import export_model

pytestmark = pytest.mark.slow

CONVOLUTIONS = 5
IMPORT = """
import json, sys
import onnx, tensorrt_rtx as trt
path = sys.argv[1]
graph = onnx.load(path).graph
makers = {name: node for node in graph.node for name in node.output}
constants = {one.name for one in graph.initializer}
kinds = [
    [makers[node.input[0]].op_type, makers[node.input[1]].op_type, node.input[2] in constants]
    for node in graph.node if node.op_type == "Conv" and node.input[1] in makers
]
log = trt.Logger(trt.Logger.ERROR)
builder = trt.Builder(log)
network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
parser = trt.OnnxParser(network, log)
parsed = parser.parse(open(path, "rb").read())
errors = [parser.get_error(i).desc() for i in range(parser.num_errors)]
engine = None
if parsed:
    config = builder.create_builder_config()
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.SM86, 0)
    engine = builder.build_serialized_network(network, config)
print(json.dumps({"convolutions": kinds, "parsed": parsed, "errors": errors, "built": engine is not None}))
"""


@pytest.fixture(scope="module")
def imported(client_python, tmp_path_factory):
    """Gives what TensorRT's importer says of a small detector in a scheme, and how its convolutions are quantized."""
    folder = tmp_path_factory.mktemp("jetson")
    images = Images(write_images(folder, count=4), "made in a test")
    python = client_python("tensorrt")

    def run(scheme):
        model = detector() if scheme == "float32" else quantize(detector(), images, Recipe(scheme=scheme)).model
        options = {"opset": 17} if scheme == "int8" else {"opset": 17, "target": "tensorrt"}
        (folder / "model.onnx").write_bytes(export_model(model, "onnx", options).data)
        command = [python, "-c", IMPORT, folder / "model.onnx"]
        said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=200)
        return json.loads(said.stdout.strip().splitlines()[-1])

    return run


def test_an_engine_is_built_of_int8_with_float_biases(imported):
    found = imported("int8-float-bias")
    assert (found["parsed"], found["built"], found["errors"]) == (True, True, [])
    assert found["convolutions"] == [["DequantizeLinear", "DequantizeLinear", True]] * CONVOLUTIONS


def test_an_engine_is_built_of_a_float_model(imported):
    found = imported("float32")
    assert (found["parsed"], found["built"], found["errors"]) == (True, True, [])


def test_int8_with_a_zero_point_is_refused(imported):
    assert not imported("int8")["parsed"]
