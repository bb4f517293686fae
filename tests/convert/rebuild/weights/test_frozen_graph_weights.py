"""The variables of a frozen graph of TF1 are a checkpoint: a two-stage detector is rebuilt from them."""

import numpy as np
import pytest
from builders.written_configs import FASTER_RCNN

from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import RebuildPlan
from detlite.convert.rebuild.odapi.config.read import parse_pipeline
from detlite.convert.rebuild.rebuild import rebuild
from detlite.convert.rebuild.weights.open import open_checkpoint
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.runtime.errors import InputError

pytestmark = pytest.mark.slow


class Recorded(RandomWeights):
    """Random weights that remember what was taken of them."""

    def __init__(self):
        super().__init__(0)
        self.taken = {}

    def take(self, name, shape):
        value = super().take(name, shape)
        self.taken[name if isinstance(name, str) else name[0]] = value
        return value


def write(path, variables, read="read"):
    """A frozen graph with *variables*, each read by its identity, and a constant that was none."""
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        tf.compat.v1.placeholder(tf.float32, name="image")
        tf.constant(np.ones(3, np.float32), name="anchors")
        for name, value in variables.items():
            tf.identity(tf.constant(value, name=name), name=f"{name}/{read}")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def test_a_detector_rebuilt_from_its_frozen_graph_is_that_of_its_checkpoint(tmp_path):
    plan = RebuildPlan(parse_pipeline(FASTER_RCNN, "p.config").model, "p.config")
    recorded, options = Recorded(), DetectorOptions(input_size=(64, 96))
    wanted = rebuild(plan, recorded, options).graph
    weights = open_checkpoint(write(tmp_path / "frozen_inference_graph.pb", recorded.taken))
    found = rebuild(plan, weights, options)
    assert found.graph.graph_def == wanted.graph_def
    assert found.unused.layers == ()


def test_constants_that_were_no_variables_are_none(tmp_path):
    path = write(tmp_path / "a.pb", {"Conv/weights": np.ones((1, 2), np.float32)})
    weights = open_checkpoint(path)
    assert weights.shape_of("Conv/weights") == (1, 2)
    assert not weights.has("anchors")
    with pytest.raises(InputError, match="has no constants that were variables, as a frozen graph of TF1 has them"):
        open_checkpoint(write(tmp_path / "b.pb", {"Conv/weights": np.ones(2, np.float32)}, read="copy"))


def test_a_damaged_constant_is_named(tmp_path):
    from tensorflow.core.framework.graph_pb2 import GraphDef

    path = write(tmp_path / "a.pb", {"Conv/weights": np.arange(6, dtype=np.float32)})
    graph_def = GraphDef.FromString(path.read_bytes())
    tensor = next(node for node in graph_def.node if node.name == "Conv/weights").attr["value"].tensor
    tensor.tensor_content = tensor.tensor_content[:-1]
    path.write_bytes(graph_def.SerializeToString())
    with pytest.raises(InputError, match="the constant Conv/weights of .*a.pb is damaged"):
        open_checkpoint(path).take("Conv/weights", (6,))
