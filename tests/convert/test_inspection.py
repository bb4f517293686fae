"""What `detlite inspect` says of files and graphs that have no contract."""

import copy
import json

import numpy as np
import pytest
from builders.tf_vision_models import classifier_params
from builders.tiny_ssd import tiny_graph_def
from builders.tiny_tflite import tiny_model

from detlite.convert.child_calls import inspect
from detlite.convert.graph.describe import describe_graph
from detlite.convert.inspection import inspect_file
from detlite.convert.onnx.describe import describe_onnx
from detlite.convert.options import DetectorOptions
from detlite.convert.requests import InspectRequest
from detlite.convert.tensorflow import load_tensorflow
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.runtime.errors import InputError
from detlite.runtime.progress import silent
from detlite.runtime.records import to_record


@pytest.fixture
def graph_def():
    """A classifier: a convolution, its sum over the image, and an operator that nobody reads."""
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph:
        image = tf.compat.v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        kernel = tf.constant(1.0, shape=(3, 3, 3, 4), name="kernel")
        tf.reduce_sum(tf.nn.conv2d(image, kernel, 1, "SAME"), (1, 2), name="logits")
        return graph.as_graph_def()


def test_a_tflite_without_a_contract_has_its_tensors_operators_and_sizes(tmp_path):
    (tmp_path / "x.tflite").write_bytes(tiny_model())
    facts = inspect_file(tmp_path / "x.tflite", DetectorOptions())
    assert facts["is"] == "a float32 TFLite model, without a contract"
    assert facts["inputs"] == (("image", "float32", (1, 6, 8, 1)),)
    assert (facts["operators"], facts["size_bytes"]) == (sum(facts["operator_names"].values()), len(tiny_model()))
    assert [use.split(":")[0] for use in facts["next"]] == ["measure it", "convert it"]
    assert facts["missing"][0].startswith("how to feed it images and read its outputs")


def test_a_tflite_that_is_named_onnx_is_described_as_what_it_is(tmp_path):
    (tmp_path / "x.onnx").write_bytes(tiny_model())
    assert inspect_file(tmp_path / "x.onnx", DetectorOptions())["is"] == "a float32 TFLite model, without a contract"


def test_custom_operators_that_an_interpreter_may_lack_are_named(tmp_path):
    model = load(tiny_model(), "tiny")
    model.operatorCodes[0].builtinCode, model.operatorCodes[0].customCode = 32, "Swirl"
    (tmp_path / "x.tflite").write_bytes(dump(model))
    missing = inspect_file(tmp_path / "x.tflite", DetectorOptions())["missing"]
    assert missing[1:] == ["an interpreter with the custom operators Swirl: others cannot open the file"]


def test_a_tflite_of_several_subgraphs_is_described_with_the_operators_of_all(tmp_path):
    model = load(tiny_model(), "tiny")
    operators = len(model.subgraphs[0].operators)
    model.subgraphs.append(copy.deepcopy(model.subgraphs[0]))
    (tmp_path / "x.tflite").write_bytes(dump(model))
    facts = inspect_file(tmp_path / "x.tflite", DetectorOptions())
    assert (facts["graphs"], facts["operators"]) == (2, 2 * operators)


def test_a_side_that_a_tflite_leaves_open_is_minus_one_and_it_cannot_be_measured(tmp_path):
    model = load(tiny_model(), "tiny")
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shapeSignature = [1, -1, 8, 1]
    (tmp_path / "x.tflite").write_bytes(dump(model))
    facts = inspect_file(tmp_path / "x.tflite", DetectorOptions())
    assert facts["inputs"] == (("image", "float32", (1, -1, 8, 1)),)
    assert facts["next"] == []


def test_any_graph_is_described(graph_def):
    facts = describe_graph(graph_def)
    assert facts["inputs"] == [("image", "float32", (-1, 8, 8, 3))]
    assert facts["outputs"] == [("logits", "float32", (-1, 4))]
    assert (facts["operators"], facts["operator_names"]) == (2, {"Conv2D": 1, "Sum": 1})
    assert facts["parameter_bytes"] == 4 * 3 * 3 * 3 * 4 + 4 * 2  # and the axes of the sum


def test_what_others_only_wait_for_is_no_output(graph_def):
    waiting = graph_def.node.add(name="awaited", op="Identity", input=["logits"])
    waiting.attr["T"].type = 1
    graph_def.node.add(name="waits", op="NoOp", input=["^awaited"])
    graph_def.node.add(name="scores", op="Identity", input=["logits"]).attr["T"].type = 1
    assert describe_graph(graph_def)["outputs"] == [("scores", "float32", (-1, 4))]


def test_a_shape_that_a_graph_does_not_tell_is_none_and_a_scalar_has_no_sides():
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph:
        tf.compat.v1.placeholder(tf.float32, None, name="any")
        tf.compat.v1.placeholder(tf.float32, (), name="scalar")
        facts = describe_graph(graph.as_graph_def())
    assert facts["inputs"] == [("any", "float32", None), ("scalar", "float32", ())]


def test_an_onnx_that_tells_no_shape_and_keeps_its_weights_in_constants_is_described():
    onnx = pytest.importorskip("onnx")
    weights = onnx.helper.make_node(
        "Constant", [], ["w"], value=onnx.numpy_helper.from_array(np.zeros((2, 3), np.float32))
    )
    nodes = [weights, onnx.helper.make_node("Add", ["x", "w"], ["y"])]
    ends = [onnx.helper.make_tensor_value_info(name, 1, shape) for name, shape in (("x", []), ("y", None))]
    model = onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", ends[:1], ends[1:]))
    facts = describe_onnx(model.SerializeToString(), "x.onnx")
    assert (facts["inputs"], facts["outputs"]) == ([("x", "float32", ())], [("y", "float32", None)])
    assert facts["parameter_bytes"] == 2 * 3 * 4


def test_a_graph_that_is_no_detector_says_why_and_what_it_is(tmp_path, graph_def):
    (tmp_path / "x.pb").write_bytes(graph_def.SerializeToString())
    facts = inspect(to_record(InspectRequest(tmp_path / "x.pb", DetectorOptions())), silent)
    assert facts["unknown"].startswith("not an SSD of the TF Object Detection API")
    assert facts["operators"] == 2


def test_a_graph_that_is_no_detector_is_refused_with_options_for_one(tmp_path, graph_def):
    (tmp_path / "x.pb").write_bytes(graph_def.SerializeToString())
    request = InspectRequest(tmp_path / "x.pb", DetectorOptions(input_size=(8, 8)))
    with pytest.raises(InputError, match="not an SSD of the TF Object Detection API"):
        inspect(to_record(request), silent)


def test_a_detectors_graph_has_its_operators_too(tmp_path):
    (tmp_path / "x.pb").write_bytes(tiny_graph_def().SerializeToString())
    facts = inspect(to_record(InspectRequest(tmp_path / "x.pb", DetectorOptions())), silent)
    assert facts["operators"] == sum(facts["operator_names"].values()) > 0
    assert "inputs" not in facts


def test_a_params_yaml_is_described_without_a_checkpoint(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(json.dumps(classifier_params()))
    facts = inspect_file(path, DetectorOptions())
    assert facts["is"] == "a config without weights: image classifier (TF-Vision), images of 32 x 48 pixels"
    assert facts["classes"] == 11
    assert facts["next"] == ["rebuild it: detlite convert --config params.yaml --checkpoint PREFIX"]


def test_a_params_yaml_that_leaves_out_values_says_which_and_which_experiments_set_them(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("task: {model: {num_classes: 7, backbone: {type: vit, vit: {model_name: vit-ti16}}}}")
    with pytest.raises(
        InputError,
        match=r"mine.yaml leaves out task.model.input_size, .*: give --experiment, one of .* to `detlite convert`, or",
    ):
        inspect_file(path, DetectorOptions())
