"""A SavedModel that is no model detlite knows, by tf2onnx; each test uses the one TensorFlow of this process."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from builders.json_schemas import check_record
from PIL import Image

from detlite.convert.child_calls import export_whole_graph
from detlite.convert.requests import WholeGraphRequest
from detlite.convert.tensorflow import load_tensorflow
from detlite.convert.whole_graph.ends import WholeGraph, with_ends
from detlite.convert.whole_graph.options import WholeGraphOptions
from detlite.runtime.errors import FindingError, InputError, UnknownNameError
from detlite.runtime.progress import silent
from detlite.runtime.records import to_record

pytestmark = pytest.mark.slow
SIZED = WholeGraphOptions(opset=13, size=(16, 12))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A SavedModel with a loop, an open size, and two outputs: image -> features, scores."""
    tf = load_tensorflow()
    folder = tmp_path_factory.mktemp("whole") / "saved_model"
    weights = tf.random.stateless_normal([3, 3, 3, 4], [1, 2])

    def call(image):
        found = tf.nn.relu6(tf.nn.conv2d(image, weights, 2, "SAME"))
        _step, mean = tf.while_loop(lambda n, x: n < 3, lambda n, x: (n + 1, 1.5 * x), [0, tf.reduce_mean(found, 1)])
        return {"scores": tf.nn.softmax(mean), "features": found}

    module = tf.Module()
    module.call = tf.function(call, input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32, "image")])
    tf.saved_model.save(module, str(folder), signatures=module.call)
    return folder


def run(source: Path, out: Path, options: WholeGraphOptions, *, force: bool = False):
    return export_whole_graph(to_record(WholeGraphRequest(source, out, options, force)), silent)


def test_the_file_and_its_history_say_how_near_it_is(saved, tmp_path):
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (9, 9, 3), np.uint8)).save(tmp_path / "a.png")
    options = WholeGraphOptions(13, (16, 12), images=(tmp_path / "a.png",))
    answer = run(saved, tmp_path / "out", options)
    check_record({"schema": "detlite.export_graph", "schema_version": 1, **json.loads(json.dumps(answer))})
    assert answer["inputs"] == [("image", "float32", (1, 16, 12, 3))]
    assert [one[0] for one in answer["outputs"]] == ["features", "scores"]
    assert all(one["largest_difference"] < 1e-5 < one["largest_value"] for one in answer["parity"])
    (step,) = json.loads((tmp_path / "out" / "history.json").read_text())["steps"]
    assert (step["via"], step["opset"], step["images"]) == ("tf2onnx", 13, 1)
    assert step["output_sha256"] == hashlib.sha256((tmp_path / "out" / "graph.onnx").read_bytes()).hexdigest()
    assert run(saved, tmp_path / "out", options, force=True)["history"] == answer["history"]


def test_an_output_over_the_tolerance_leaves_nothing(saved, tmp_path):
    with pytest.raises(FindingError, match="over the tolerance of 1e-12; nothing was written"):
        run(saved, tmp_path / "out", WholeGraphOptions(13, (16, 12), tolerance=1e-12))
    assert not (tmp_path / "out").exists()


def test_an_open_size_is_asked_for(saved, tmp_path):
    with pytest.raises(
        InputError, match=r"input image has the shape \[1, -1, -1, 3\]: give its size with --input HEIGHTxWIDTH"
    ):
        run(saved, tmp_path / "out", WholeGraphOptions(13))


def test_an_operator_that_onnx_lacks_is_named(tmp_path):
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph:
        image = tf.compat.v1.placeholder(tf.float32, [1, 8, 8, 3], "image")
        tf.raw_ops.Betainc(a=image, b=image, x=image, name="beta")
    (tmp_path / "graph.pb").write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(InputError, match="tf2onnx has no ONNX operators for Betainc"):
        run(tmp_path / "graph.pb", tmp_path / "out", WholeGraphOptions(13))


def test_an_output_that_is_not_there_is_named():
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph:
        tf.nn.relu(tf.compat.v1.placeholder(tf.float32, [1, 8, 8, 3], "image"), name="scores")
    with pytest.raises(UnknownNameError, match="no node of the graph is called 'score'; did you mean 'scores'"):
        with_ends(WholeGraph(graph.as_graph_def()), ("score",), None)


def test_an_input_of_texts_is_refused():
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph:
        tf.io.decode_jpeg(tf.compat.v1.placeholder(tf.string, [], "encoded"), name="image")
    with pytest.raises(InputError, match="input encoded is a string, and not an image or numbers: cut it off"):
        with_ends(WholeGraph(graph.as_graph_def()), (), None)


def test_an_opset_that_tf2onnx_lacks_is_refused(saved, tmp_path):
    with pytest.raises(InputError, match="opset 20: tf2onnx writes 11 to 18"):
        run(saved, tmp_path / "out", WholeGraphOptions(20, (16, 12)))


def test_a_finished_model_is_refused(tmp_path):
    (tmp_path / "model.tflite").write_bytes(b"\x1c\0\0\0TFL3" + bytes(40))
    with pytest.raises(InputError, match="is a TFLite model: tf2onnx converts frozen graphs and SavedModels"):
        run(tmp_path / "model.tflite", tmp_path / "out", SIZED)


def numbers(path):
    """A frozen graph at *path* that adds the inputs x of 4 numbers and y of one."""
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph:
        given = [tf.compat.v1.placeholder(tf.float32, shape, name) for name, shape in (("x", [1, 4]), ("y", []))]
        tf.add(*given, name="sum")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def test_an_input_of_one_number_is_run(tmp_path):
    answer = run(numbers(tmp_path / "graph.pb"), tmp_path / "out", WholeGraphOptions(13))
    assert answer["inputs"] == [("x", "float32", (1, 4)), ("y", "float32", ())]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (WholeGraphOptions(13, outputs=("sum", "sum:0")), "sum and sum:0 are one tensor, sum:0: name one of them"),
        (WholeGraphOptions(13, outputs=("sum", "x:0")), "x and x:0 are one tensor, x:0: name one of them"),
        (WholeGraphOptions(13, size=(8, 8)), "--input asks for 8x8, and no input is an image of that size"),
        (WholeGraphOptions(13, images=(Path("a.png"),)), "no input has the shape .* leave out --images"),
    ],
)
def test_what_a_graph_cannot_use_is_refused(tmp_path, options, text):
    with pytest.raises(InputError, match=text):
        run(numbers(tmp_path / "graph.pb"), tmp_path / "out", options)
    assert not (tmp_path / "out").exists()
