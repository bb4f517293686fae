"""What the original graph of a stream says about successive frames."""

import numpy as np
import pytest
from builders.tiny_streams import running_sum

from detlite.calibration.audit import rebuilt_heads
from detlite.convert.float_graph import FloatGraph
from detlite.convert.tensorflow import load_tensorflow

pytestmark = pytest.mark.slow


def test_the_states_of_a_rebuilt_stream_go_from_frame_to_frame_and_are_no_heads():
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph:
        image = tf.compat.v1.placeholder(tf.float32, (1, 2, 2, 1), "detlite_image")
        kept = tf.compat.v1.placeholder(tf.float32, (1, 1), "sum")
        total = tf.add(tf.reshape(tf.reduce_mean(image), (1, 1)), kept, name="total")
        tf.identity(total, name="kept")
    outputs = {"class_scores": "total", "sum": "kept"}
    stream = FloatGraph(graph.as_graph_def(), outputs, running_sum().contract)
    frames = [(np.full((1, 2, 2, 1), grey, np.float32), np.zeros((1, 1), np.float32)) for grey in (1, 2, 4)]
    found = rebuilt_heads(stream, frames)
    assert list(found) == ["class_scores"]
    np.testing.assert_array_equal(found["class_scores"], [[1], [3], [7]])
