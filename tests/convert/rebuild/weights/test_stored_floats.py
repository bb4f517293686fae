"""Every number format and layout in which a checkpoint stores values."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest

from detlite.convert.rebuild.weights.bundle import Entry
from detlite.convert.rebuild.weights.objects import ObjectWeights
from detlite.convert.rebuild.weights.open import open_checkpoint
from detlite.convert.rebuild.weights.pieces import dtype_of
from detlite.convert.rebuild.weights.stored import Checkpoint, Variable
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.errors import InputError

BOTH = pytest.mark.parametrize("kind", ["floats2", "floats1"])


@BOTH
def test_half_precision_becomes_float32(kinds, kind):
    values = open_checkpoint(kinds / kind).take("half", (3,))
    assert values.dtype == np.float32
    assert values.tolist() == [1.0, -2.5, 65504.0]


@BOTH
def test_double_precision_becomes_float32(kinds, kind):
    values = open_checkpoint(kinds / kind).take("double", (3,))
    np.testing.assert_array_equal(values, np.array([1, 1e-3, -1e30], np.float32))


def test_bfloat16_becomes_float32(kinds):
    values = open_checkpoint(kinds / "floats2").take("bfloat", (2,))
    assert values[0] == 1.5
    assert abs(values[1] / -3e38 - 1) < 2**-8


@BOTH
def test_a_variable_in_pieces_is_put_together(kinds, kind):
    values = open_checkpoint(kinds / kind).take("parts", (10, 2))
    np.testing.assert_array_equal(values, np.arange(20).reshape(10, 2))


@BOTH
def test_a_scalar_has_no_sides(kinds, kind):
    assert open_checkpoint(kinds / kind).take("scalar", ()) == 0.25


@BOTH
def test_a_variable_without_numbers_is_read(kinds, kind):
    assert open_checkpoint(kinds / kind).take("empty", (0, 4)).size == 0


def test_another_shape_of_the_same_size_is_a_difference(kinds):
    weights = open_checkpoint(kinds / "floats2")
    assert weights.take("parts", (2, 10)).tolist() == [[0.0] * 10] * 2
    with pytest.raises(InputError, match=r"1 of 1 variable has another shape: want parts \(2, 10\), got \(10, 2\)"):
        weights.finish()


def test_a_classifier_is_of_no_detector(kinds):
    weights = open_checkpoint(kinds / "classifier")
    weights.take("FeatureExtractor/MobilenetV1/Conv2d_0/weights", (1, 1, 2, 3))
    with pytest.raises(InputError, match="it holds MobilenetV1 and no FeatureExtractor: it is not an OD API detector"):
        weights.finish()


def objects_with_average():
    """Return weights whose moving average an optimizer keeps, as TF2's `ExponentialMovingAverage` does."""
    load_tensorflow()
    from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

    kernel, average = ("model/kernel" + rest for rest in ("", "/.OPTIMIZER_SLOT/optimizer/average"))
    tail = "/.ATTRIBUTES/VARIABLE_VALUE"
    graph = TrackableObjectGraph()
    root, model, optimizer, variable, slot = (graph.nodes.add() for _ in range(5))
    root.children.add(node_id=1, local_name="model")
    root.children.add(node_id=2, local_name="optimizer")
    model.children.add(node_id=3, local_name="kernel")
    model.children.add(node_id=0, local_name="parent")
    model.children.add(node_id=99, local_name="nowhere")
    optimizer.slot_variables.add(original_variable_node_id=3, slot_name="average", slot_variable_node_id=4)
    optimizer.slot_variables.add(original_variable_node_id=3, slot_name="average", slot_variable_node_id=-1)
    variable.attributes.add(name="VARIABLE_VALUE", checkpoint_key=kernel + tail)
    slot.attributes.add(name="VARIABLE_VALUE", checkpoint_key=average + tail)
    values = {kernel + tail: np.float32([1, 2]), average + tail: np.float32([3, 4])}
    return Checkpoint(None, {key: Variable((2,), "float32") for key in values}, values.__getitem__), graph


@pytest.mark.parametrize(("averages", "values"), [(False, [1, 2]), (True, [3, 4])])
def test_the_moving_average_of_an_object_is_read_where_it_is_asked_for(averages, values):
    weights = ObjectWeights(*objects_with_average(), use_moving_averages=averages)
    assert weights.take("kernel", (2,)).tolist() == values


def test_a_path_may_go_in_circles(kinds):
    weights = ObjectWeights(*objects_with_average())
    assert weights.shape_of("parent/model/parent/model/kernel") == (2,)


def test_an_average_that_was_not_requested_is_unused():
    weights = ObjectWeights(*objects_with_average())
    weights.take("kernel", (2,))
    assert weights.finish().moving_averages == ("model/kernel/.OPTIMIZER_SLOT/optimizer/average",)


def goldens_lib(folder):
    spec = importlib.util.spec_from_file_location("goldens_lib", folder / "goldens_lib.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.data
def test_a_checkpoint_of_the_od_api_is_read_as_tensorflow_reads_it(shared_data):
    tf = load_tensorflow()
    prefix = shared_data / "odapi_goldens" / "tf2_ssd_mobilenet_v2_fpnlite_320" / "ckpt" / "ckpt-1"
    reader, weights = tf.train.load_checkpoint(str(prefix)), open_checkpoint(prefix)
    records = json.loads((prefix.parents[1] / "meta.json").read_text())["variables"]
    for name, shape, _dtype, _keras in records:
        np.testing.assert_array_equal(
            weights.take(name, shape), reader.get_tensor(f"{name}/.ATTRIBUTES/VARIABLE_VALUE")
        )
    assert weights.finish().layers == ()


@pytest.mark.data
def test_the_checkpoint_that_a_golden_writes_holds_its_weights(shared_data, tmp_path):
    lib = goldens_lib(shared_data / "odapi_goldens")
    folder = shared_data / "odapi_goldens" / "ssd_mobilenet_v1_quantized"
    records, stored = json.loads((folder / "meta.json").read_text())["variables"], np.load(folder / "stored.npz")
    lib.write_tf1_checkpoint(str(tmp_path / "model.ckpt"), records, stored)
    weights = open_checkpoint(tmp_path / "model.ckpt")
    for name, value in lib.weights(records, stored).items():
        if name != "global_step":
            np.testing.assert_array_equal(weights.take(name, value.shape), value)
    unused = weights.finish()
    assert unused.counters == ("global_step",)
    assert unused.layers == unused.ranges == ()


def test_a_piece_of_an_unknown_dtype_is_refused(tmp_path):
    entry = Entry(Variable((1,), dtype_of(20)), tmp_path / "shard", 0, 4, 0, ())
    with pytest.raises(InputError, match="a piece of dtype number 20 of TensorFlow's; want one of float32, float64"):
        entry.numbers()
