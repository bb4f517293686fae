"""Recognizing what was given, and reading graphs of every format."""

import base64
import json

import numpy as np
import pytest
from builders.tiny_ssd import Tiny, tiny_graph_def

from detlite.convert.detector import build_detector
from detlite.convert.options import DetectorOptions
from detlite.convert.readers import frozen_graph, saved_model, tfjs_graph_model
from detlite.convert.source import recognize
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.errors import InputError


@pytest.fixture
def frozen(tmp_path):
    path = tmp_path / "frozen_inference_graph.pb"
    path.write_bytes(tiny_graph_def().SerializeToString())
    return path


@pytest.fixture
def tfjs(tmp_path):
    """A TF.js graph model as old converters write it: byte strings as numbers, constants in a shard."""
    from google.protobuf.json_format import MessageToDict
    from tensorflow import make_ndarray

    graph_def = tiny_graph_def()
    weights, data = [], b""
    for node in graph_def.node:
        if node.op == "Const":
            value = make_ndarray(node.attr["value"].tensor)
            name = {"f": "float32", "i": "int32"}[value.dtype.kind]
            data += value.astype(name).tobytes()
            weights.append({"name": node.name, "shape": list(value.shape), "dtype": name})
            node.attr["value"].tensor.ClearField("tensor_content")
            node.attr["value"].tensor.ClearField("float_val")
            node.attr["value"].tensor.ClearField("int_val")
    topology = MessageToDict(graph_def)
    for node in topology["node"]:
        for value in node.get("attr", {}).values():
            if "s" in value:
                value["s"] = list(base64.b64decode(value["s"]))
    (tmp_path / "shard1").write_bytes(data[:100])
    (tmp_path / "shard2").write_bytes(data[100:])
    manifest = [{"paths": ["shard1", "shard2"], "weights": weights}]
    path = tmp_path / "model.json"
    path.write_text(json.dumps({"modelTopology": topology, "weightsManifest": manifest}))
    return path


@pytest.fixture
def saved_tf1(tmp_path):
    tf = load_tensorflow()
    v1 = tf.compat.v1
    folder = tmp_path / "saved_model"
    with tf.Graph().as_default(), v1.Session() as session:
        v1.import_graph_def(tiny_graph_def(), name="")
        graph = session.graph
        v1.saved_model.simple_save(
            session,
            str(folder),
            {"inputs": graph.get_tensor_by_name("image_tensor:0")},
            {
                "detection_boxes": graph.get_tensor_by_name("Postprocessor/Decode/transpose_1:0"),
                "detection_scores": graph.get_tensor_by_name("Postprocessor/Slice:0"),
            },
        )
    return folder


def contract_of(frozen_graph_read, tmp_path):
    (tmp_path / "labels.txt").write_text("cat\ndog\nkite\n")
    return build_detector(frozen_graph_read, DetectorOptions()).contract


def test_a_frozen_graph_is_recognized_by_its_content(frozen):
    source = recognize(frozen)
    assert (source.format, source.title) == ("frozen_graph", "TensorFlow frozen graph")


def test_a_folder_with_a_frozen_graph_inside_another_is_found(frozen, tmp_path):
    assert recognize(tmp_path.parent / tmp_path.name).path == frozen


def test_a_tfjs_model_has_the_contract_of_its_frozen_graph(tfjs, frozen, tmp_path):
    js = contract_of(tfjs_graph_model.read(tfjs), tmp_path)
    assert js.to_json() == contract_of(frozen_graph.read(frozen), tmp_path).to_json()


def test_the_digest_of_a_tfjs_model_changes_with_a_shard(tfjs, tmp_path):
    before = recognize(tfjs).sha256
    shard = tmp_path / "shard2"
    shard.write_bytes(shard.read_bytes()[:-1] + b"\x01")
    assert recognize(tfjs).sha256 != before


def test_a_tf1_saved_model_has_the_contract_of_its_frozen_graph(saved_tf1, frozen, tmp_path):
    saved = contract_of(saved_model.read(recognize(saved_tf1).path), tmp_path)
    assert saved.to_json() == contract_of(frozen_graph.read(frozen), tmp_path).to_json()


@pytest.mark.parametrize("other", ["fingerprint.pb", "keras_metadata.pb"])
def test_a_saved_model_with_tensorflows_other_files_is_no_frozen_graph(tmp_path, other):
    for name in ("saved_model.pb", other):
        (tmp_path / name).write_bytes(b"content is not read here")
    assert frozen_graph.recognizes(tmp_path) is None
    assert frozen_graph.recognizes(tmp_path / other) is None
    assert recognize(tmp_path).title == "TensorFlow SavedModel"


def test_a_tf2_saved_model_is_frozen_and_cut(tmp_path):
    tf = load_tensorflow()
    graph_def = tiny_graph_def(Tiny(add_n=False))
    wrapped = tf.compat.v1.wrap_function(lambda: tf.compat.v1.import_graph_def(graph_def, name=""), [])
    pruned = wrapped.prune(
        wrapped.graph.get_tensor_by_name("image_tensor:0"),
        {
            "boxes": wrapped.graph.get_tensor_by_name("Postprocessor/Decode/transpose_1:0"),
            "scores": wrapped.graph.get_tensor_by_name("Postprocessor/Slice:0"),
        },
    )
    module = tf.Module()
    module.serve = tf.function(lambda x: pruned(x), input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8)])
    tf.saved_model.save(module, str(tmp_path / "saved_model"), signatures={"serving_default": module.serve})
    contract = contract_of(saved_model.read(tmp_path / "saved_model"), tmp_path)
    assert contract.image.mean == (127.5, 127.5, 127.5)
    assert len(contract.task.anchors) == 60


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"shape": [Infinity]}', "it holds Infinity"),
        ('{"modelTopology": {}, "\\ud800": 1, "weightsManifest": []}', "half of a surrogate pair"),
    ],
)
def test_a_model_of_tfjs_with_what_is_no_json_is_refused(tmp_path, text, said):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(InputError, match=said):
        tfjs_graph_model.read(tmp_path / "model.json")


def test_tfjs_weights_quantized_to_uint8_are_read(tmp_path):
    (tmp_path / "w").write_bytes(bytes([0, 10, 255]))
    weight = {
        "name": "w",
        "shape": [3],
        "dtype": "float32",
        "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0},
    }
    manifest = [{"paths": ["w"], "weights": [weight]}]
    ((_name, value),) = tfjs_graph_model._weights(tmp_path / "model.json", manifest)
    np.testing.assert_array_equal(value, np.float32([-1.0, 4.0, 126.5]))


@pytest.mark.parametrize(("stored", "wide"), [("int32", np.int64), ("float32", np.float64)])
def test_a_constant_of_tfjs_has_the_type_of_its_graph_where_the_manifest_has_a_narrower_one(tmp_path, stored, wide):
    tf = load_tensorflow()
    declared = tf.as_dtype(wide).as_datatype_enum
    (tmp_path / "w").write_bytes(np.array([3, -4], stored).tobytes())
    manifest = [{"paths": ["w"], "weights": [{"name": "axes", "shape": [2], "dtype": stored}]}]
    node = {"name": "axes", "op": "Const", "attr": {"dtype": {"type": declared}, "value": {"tensor": {}}}}
    (tmp_path / "model.json").write_text(json.dumps({"modelTopology": {"node": [node]}, "weightsManifest": manifest}))
    (read,) = tfjs_graph_model.read(tmp_path / "model.json").graph_def.node
    value = tf.make_ndarray(read.attr["value"].tensor)
    assert (value.dtype, value.tolist()) == (np.dtype(wide), [3, -4])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shape": "BB"}, "the weight w has the shape BB; want sizes from 0"),
        ({"shape": ["3"]}, r"the weight w has the shape \['3'\]"),
        ({"shape": [-3]}, r"the weight w has the shape \[-3\]"),
        ({"shape": [1] * 65}, r"the weight w has the shape \[1, 1"),
        ({"shape": 3}, "the weights manifest is damaged: TypeError"),
        ({"dtype": ["float32"]}, "the weights manifest is damaged: TypeError"),
        ({"quantization": {"dtype": "uint8", "scale": "x", "min": 0}}, "the weights manifest is damaged: ValueError"),
    ],
)
def test_a_damaged_weight_of_tfjs_is_refused(tmp_path, changes, said):
    (tmp_path / "w").write_bytes(bytes(12))
    groups = [{"paths": ["w"], "weights": [{"name": "w", "shape": [3], "dtype": "float32", **changes}]}]
    with pytest.raises(InputError, match=said):
        list(tfjs_graph_model._weights(tmp_path / "model.json", groups))


@pytest.mark.parametrize(
    "manifest", [3, {}, [3], [{"paths": ["w"]}], [{"paths": "w", "weights": []}], [{"paths": [3], "weights": []}]]
)
def test_a_damaged_manifest_of_tfjs_is_refused(tmp_path, manifest):
    record = {"modelTopology": {"node": []}, "weightsManifest": manifest}
    (tmp_path / "model.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="model.json: the weights manifest is damaged: want a list of groups"):
        tfjs_graph_model.files(tmp_path / "model.json")


def test_a_missing_shard_is_named(tfjs, tmp_path):
    (tmp_path / "shard2").unlink()
    with pytest.raises(InputError, match="shard2 is missing: model.json lists it"):
        tfjs_graph_model.read(tfjs)


def test_a_short_shard_is_refused(tfjs, tmp_path):
    (tmp_path / "shard2").write_bytes(b"1234")
    with pytest.raises(InputError, match=r"needs \d+ bytes, but \d+ are left"):
        tfjs_graph_model.read(tfjs)


def test_a_shard_outside_the_folder_is_refused(tfjs):
    tfjs.write_text(tfjs.read_text().replace("shard1", "../shard1"))
    with pytest.raises(InputError, match="'../shard1' is outside the model's folder"):
        tfjs_graph_model.read(tfjs)


def test_a_truncated_tfjs_model_is_refused(tfjs):
    tfjs.write_text(tfjs.read_text()[:2000])
    with pytest.raises(InputError, match=r"model.json is not whole JSON"):
        tfjs_graph_model.read(tfjs)


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_a_truncated_graph_is_refused(frozen, keep):
    data = frozen.read_bytes()
    frozen.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(InputError, match="is not a TensorFlow graph, or is cut short"):
        frozen_graph.read(frozen)


def test_a_graph_with_variables_is_not_frozen(tmp_path):
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph:
        tf.compat.v1.get_variable("weights", (3,), use_resource=False)
    path = tmp_path / "graph.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(InputError, match="is not frozen: weights is a variable"):
        frozen_graph.read(path)


def test_a_truncated_saved_model_is_refused(saved_tf1):
    file = saved_tf1 / "saved_model.pb"
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(InputError, match="is not a SavedModel, or is cut short"):
        saved_model.read(saved_tf1)


def test_a_saved_model_that_writes_files_is_not_loaded(tmp_path):
    tf = load_tensorflow()
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec((), tf.string)])
    def serve(x):
        tf.io.write_file(str(tmp_path / "written"), x)
        return {"y": x}

    tf.saved_model.save(module, str(tmp_path / "saved_model"), signatures={"serving_default": serve})
    with pytest.raises(InputError, match="is a WriteFile, which no detector needs"):
        saved_model.read(tmp_path / "saved_model")
    assert not (tmp_path / "written").exists()


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("a.pb", b"", "is empty; give a zoo archive"),
        ("a.tflite", b"no flatbuffer", "is named .tflite but does not start like one"),
        ("a.onnx", b"\x08\x07 something", "a.onnx is not an ONNX model, or is cut short"),
        ("model.json", b'{"hello": 1}', "of no format that detlite reads"),
    ],
)
def test_what_is_no_model_is_refused_in_one_line(tmp_path, name, content, error):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=error):
        recognize(path)


def test_what_is_not_there_is_said_so(tmp_path):
    with pytest.raises(InputError, match="nothing.pb does not exist; give"):
        recognize(tmp_path / "nothing.pb")


@pytest.mark.data
def test_the_real_frozen_graph_gives_its_known_anchors(shared_data):
    folder = shared_data / "models" / "ssdlite_mobilenet_v2_coco"
    detector = build_detector(frozen_graph.read(recognize(folder).path), DetectorOptions())
    np.testing.assert_allclose(detector.contract.task.anchors, np.load(folder / "anchors_center_ycxchw.npy"), atol=1e-6)
    assert {r.name: r.count for r in detector.repairs} == {"add_n": 10, "batch_norm": 12}
