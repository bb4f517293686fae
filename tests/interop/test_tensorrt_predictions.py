"""What is predicted of a node is what NVIDIA's importer says of it: TensorRT for RTX, which runs without a GPU."""

import json
import subprocess

import numpy as np
import pytest
from builders import tensorrt_importer
from builders.float_detector import detector

from detlite.convert.exporter import export_model
from detlite.convert.targets.tensorrt.operators import NEVER
from detlite.convert.targets.tensorrt.predict import predict

onnx = pytest.importorskip("onnx")
pytestmark = pytest.mark.slow

FLOAT, UINT8 = onnx.TensorProto.FLOAT, onnx.TensorProto.UINT8
SHAPE = [1, 3, 8, 8]
NEWEST = (11, 0)


def one(kind, inputs="x", outputs="y", *, dtype=FLOAT, opset=17, constants=(), shape=SHAPE, **attributes):
    """A model of one node, whose first output is y of that *shape*."""
    helper = onnx.helper
    stored = [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants]
    node = helper.make_node(kind, inputs.split(), outputs.split(), name=kind, **attributes)
    ends = [helper.make_tensor_value_info("x", dtype, SHAPE), helper.make_tensor_value_info("y", FLOAT, shape)]
    graph = helper.make_graph([node], "one", ends[:1], ends[1:], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def pair(zero):
    """A QuantizeLinear and a DequantizeLinear with this zero point."""
    made = one("QuantizeLinear", "x s z", "q", constants=[("s", np.float32(0.1)), ("z", zero)])
    made.graph.node.append(onnx.helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], name="back"))
    return made


def int32_bias():
    made = one("DequantizeLinear", "b s", "d", constants=[("b", np.arange(8, dtype=np.int32)), ("s", np.float32(1))])
    made.graph.node.append(onnx.helper.make_node("Add", ["x", "d"], ["y"], name="add"))
    return made


HALF = [1, 3, 4, 4]
MODELS = {
    "relu": lambda: one("Relu"),
    "int8 with 0": lambda: pair(np.int8(0)),
    "int8 with 3": lambda: pair(np.int8(3)),
    "uint8 with 128": lambda: pair(np.uint8(128)),
    "int32 bias": int32_bias,
    "indices of a pool": lambda: one("MaxPool", outputs="y i", shape=HALF, kernel_shape=[2, 2], strides=[2, 2]),
    "dilated pool": lambda: one("MaxPool", shape=[1, 3, 6, 6], kernel_shape=[2, 2], dilations=[2, 2]),
    "pool": lambda: one("MaxPool", shape=HALF, kernel_shape=[2, 2], strides=[2, 2]),
    "antialiased": lambda: one(
        "Resize",
        "x r s",
        shape=HALF,
        opset=18,
        mode="linear",
        antialias=1,
        constants=[("r", np.zeros(0, np.float32)), ("s", np.array([1, 1, 0.5, 0.5], np.float32))],
    ),
    "another domain": lambda: one("Odd", domain="com.example"),
    "uint8 that is cast": lambda: one("Cast", dtype=UINT8, to=FLOAT),
    "uint8 that is transposed": lambda: one("Transpose", dtype=UINT8, shape=[8, 8, 3, 1]),
    "hard swish": lambda: one("HardSwish"),
    "raw detector": lambda: onnx.load_from_string(export_model(detector(), "onnx", {"target": "tensorrt"}).data),
}


@pytest.fixture(scope="module")
def said(client_python, tmp_path_factory):
    """What the importer says of each of `MODELS`."""
    folder = tmp_path_factory.mktemp("nodes")
    for name, make in MODELS.items():
        (folder / f"{name}.onnx").write_bytes(make().SerializeToString())
    paths = {str(folder / f"{name}.onnx"): name for name in MODELS}
    command = [client_python("tensorrt"), tensorrt_importer.__file__, *paths]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=200)
    answers = json.loads(done.stdout.strip().splitlines()[-1])
    return {name: answers[path] for path, name in paths.items()}


@pytest.mark.parametrize("name", MODELS)
def test_a_node_imports_if_it_is_predicted_to(said, name):
    predicted = not predict(MODELS[name](), NEWEST).refused
    assert predicted == said[name]["parsed"], said[name]["errors"]


def test_operators_that_no_version_takes_are_the_importer_s(client_python):
    program = (
        "import json, sys, tensorrt_rtx as t; log = t.Logger(t.Logger.INTERNAL_ERROR); b = t.Builder(log); "
        "p = t.OnnxParser(b.create_network(0), log); "
        "print(json.dumps([n for n in json.load(sys.stdin) if not p.supports_operator(n)]))"
    )
    names = sorted({schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == ""} & NEVER)
    done = subprocess.run(
        [client_python("tensorrt"), "-c", program], input=json.dumps(names), capture_output=True, text=True, timeout=200
    )
    assert json.loads(done.stdout.strip().splitlines()[-1]) == names
