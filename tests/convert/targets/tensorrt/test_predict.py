"""What TensorRT's importer takes of a node, by version."""

import numpy as np
import pytest

from detlite.convert.targets.tensorrt.predict import alike, predict
from detlite.runtime.errors import InputError

onnx = pytest.importorskip("onnx")
FLOAT = onnx.TensorProto.FLOAT


def model(*nodes, dtype=FLOAT, opset=13, shape=(1, 3, 8, 8), **constants):
    """A model of *nodes* with the input x and the output y."""
    helper = onnx.helper
    stored = [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    ends = [helper.make_tensor_value_info(name, kind, shape) for name, kind in (("x", dtype), ("y", FLOAT))]
    graph = helper.make_graph(list(nodes), "made in a test", ends[:1], ends[1:], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)


def node(kind, inputs="x", outputs="y", **attributes):
    return onnx.helper.make_node(kind, inputs.split(), outputs.split(), name=f"the {kind}", **attributes)


def pair(dtype, zero):
    """The two conversions, with that zero point."""
    nodes = (node("QuantizeLinear", "x s z", "q"), node("DequantizeLinear", "q s z", "y"))
    return model(*nodes, s=np.float32(0.1), z=np.array(zero, dtype))


def rule(made, version=(10, 3)):
    """Why the first refused node is refused; None if all are taken."""
    refused = predict(made, version).refused
    return refused[0].rule if refused else None


@pytest.mark.parametrize(
    ("kind", "version", "text"),
    [
        ("Compress", (11, 0), "TensorRT's importer has no such operator"),
        ("MadeUp", (11, 0), "TensorRT's importer has no such operator"),
        ("Round", (8, 0), "TensorRT takes it from 8.2 on"),
        ("Round", (8, 2), None),
        ("HardSwish", (8, 4), "TensorRT takes it from 8.5 on"),
        ("NonMaxSuppression", (8, 4), "TensorRT pads its output before 8.5"),
        ("NonMaxSuppression", (8, 5), None),
        ("Relu", (8, 0), None),
    ],
)
def test_an_operator_is_taken_from_its_version_on(kind, version, text):
    assert rule(model(node(kind)), version) == text


@pytest.mark.parametrize(
    ("dtype", "zero", "text"),
    [
        ("int8", 0, None),
        ("int8", 3, "its zero point is 3 (int8), and TensorRT takes 0 alone"),
        ("uint8", 128, "its zero point is 128 (uint8), and TensorRT takes 0 alone"),
        ("int16", 0, "TensorRT rounds to no int16"),
    ],
)
def test_zero_points_are_0(dtype, zero, text):
    assert rule(pair(dtype, zero)) == text


def test_an_int32_bias_is_not_dequantized():
    made = model(node("DequantizeLinear", "b s", "d"), node("Add", "x d"), b=np.zeros(8, np.int32), s=np.float32(1))
    assert rule(made) == "TensorRT dequantizes no int32, as biases are"


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (lambda: model(node("MaxPool", outputs="y i", kernel_shape=[2, 2])), "TensorRT gives no indices of a MaxPool"),
        (lambda: model(node("MaxPool", kernel_shape=[2, 2], dilations=[2, 2])), "TensorRT pools without dilations"),
        (lambda: model(node("MaxPool", kernel_shape=[2, 2], dilations=[1, 1])), None),
        (lambda: model(node("Resize", antialias=1), opset=18), "TensorRT resizes without antialiasing"),
        (lambda: model(node("Odd", domain="com.example")), "its domain com.example is not ONNX's: it takes a plug-in"),
        (lambda: model(node("Relu"), dtype=onnx.TensorProto.STRING), "the input x is string"),
        (lambda: model(node("Relu"), dtype=onnx.TensorProto.UINT8), "the input x is uint8: TensorRT only casts it"),
        (lambda: model(node("Cast", to=FLOAT), dtype=onnx.TensorProto.UINT8), None),
    ],
)
def test_an_attribute_or_a_dtype_is_refused(made, text):
    found = rule(made())
    assert found == text if text is None else found.startswith(text)


def test_a_uint8_input_is_taken_from_8_5_on():
    made = model(node("Cast", to=FLOAT), dtype=onnx.TensorProto.UINT8)
    assert (rule(made, (8, 4)), rule(made, (8, 5))) == ("the input x is uint8, which TensorRT has from 8.5 on", None)


def test_the_plug_in_is_class_agnostic_from_8_6_on():
    made = model(node("EfficientNMS_TRT", class_agnostic=1))
    assert rule(made, (8, 5)).startswith("EfficientNMS_TRT has class_agnostic")
    assert rule(made, (8, 6)) is None


def test_nodes_of_inner_graphs_count():
    inner = onnx.helper.make_graph([node("Compress", "x")], "inner", [], [])
    assert rule(model(node("If", then_branch=inner))) == "TensorRT's importer has no such operator"


def test_a_convolution_computes_in_int8_where_its_input_and_its_weights_are_rounded():
    rounded = (node("QuantizeLinear", "x s z", "q"), node("DequantizeLinear", "q s z", "r"))
    weights = node("DequantizeLinear", "w s z", "v")
    constants = {"s": np.float32(0.1), "z": np.int8(0), "w": np.ones((3, 3, 1, 1), np.int8)}
    found = predict(model(*rounded, weights, node("Conv", "r v", "c"), node("Relu", "c"), **constants), (10, 3))
    assert (found.int8, found.operators, found.refused) == (1, 2, ())
    assert [(name, count, kind) for name, count, kind, _rule, _cure in alike(found)] == [
        ("Conv", 1, "int8"),
        ("DequantizeLinear", 2, ""),
        ("QuantizeLinear", 1, ""),
        ("Relu", 1, "float32"),
    ]


def test_a_newer_operator_set_and_open_shapes_are_noted():
    found = predict(model(node("Relu"), opset=18, shape=("batch", 3, 8, 8)), (8, 5))
    assert found.notes[0] == "opset 18 is newer than TensorRT 8.5 documents (17)"
    assert found.notes[1].startswith("it has open shapes")


def test_a_version_before_the_table_is_refused():
    with pytest.raises(InputError, match="TensorRT 7.1 is too old: want 8.0, of JetPack 4.6, or newer"):
        predict(model(node("Relu")), (7, 1))


def test_an_input_that_is_no_tensor_is_predicted():
    made = model(node("SequenceAt", "x i"), i=np.int64(0))
    made.graph.input[0].CopyFrom(onnx.helper.make_tensor_sequence_value_info("x", FLOAT, None))
    assert rule(made) == "TensorRT's importer has no such operator"


def test_a_damaged_constant_is_named():
    made = pair("int8", [0, 0, 0])
    made.graph.initializer[1].raw_data = b"\0"
    with pytest.raises(InputError, match=r"the constant z of the \.onnx is damaged: cannot reshape"):
        predict(made, (10, 3))


def test_a_damaged_attribute_is_named():
    with pytest.raises(InputError, match=r"the attribute dilations of a MaxPool of the \.onnx is damaged: 2"):
        predict(model(node("MaxPool", kernel_shape=[1, 1], dilations=2)), (10, 3))
