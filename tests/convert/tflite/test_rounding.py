"""Taking the roundings of a float model out again: what goes, what stays, and that nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from builders.open_files import edited

from detlite.convert.exporters.tflite import to_tflite
from detlite.convert.graph.trim import INPUT
from detlite.convert.tflite.describe import describe
from detlite.convert.tflite.rounding import remove_rounding
from detlite.runtime.errors import InputError

STEP = 0.25


def model_of(body):
    """A float model from an image [1, 4, 4, 2]."""
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        image = tf.compat.v1.placeholder(tf.float32, (1, 4, 4, 2), name=INPUT)
        tf.identity(body(tf, image), name="head")
    return to_tflite(graph.as_graph_def(), ("head",))


def rounded(tf, x):
    return tf.floor(x * np.float32(1 / STEP) + np.float32(0.5)) * np.float32(STEP)


def convolved(tf, x):
    return tf.nn.conv2d(x, np.float32(np.arange(6)).reshape(1, 1, 2, 3), 1, "SAME")


def operators(data):
    return set(describe(data, "a model").operators)


def output(data, image):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


@pytest.fixture
def image():
    return np.random.default_rng(0).uniform(-1, 1, (1, 4, 4, 2)).astype(np.float32)


def test_a_rounding_before_a_convolution_goes_and_the_convolution_reads_what_was_rounded(image):
    data = model_of(lambda tf, x: convolved(tf, rounded(tf, x)))
    plain = model_of(convolved)
    assert "FLOOR" in operators(data)
    assert operators(edited(remove_rounding, data)) == {"CONV_2D"}
    np.testing.assert_allclose(output(edited(remove_rounding, data), image), output(plain, image), atol=1e-6)


def test_a_rounding_before_anything_else_leaves_a_multiplication_by_one(image):
    data = edited(remove_rounding, model_of(lambda tf, x: tf.nn.max_pool2d(rounded(tf, x), 2, 2, "SAME")))
    assert "FLOOR" not in operators(data)
    want = image.reshape(1, 2, 2, 2, 2, 2).max((2, 4))
    np.testing.assert_allclose(output(data, image), want, atol=1e-6)


def test_a_floor_of_something_else_stays():
    data = model_of(lambda tf, x: convolved(tf, tf.floor(x * np.float32(4))))
    assert edited(remove_rounding, data) == data


def test_what_is_read_elsewhere_stays(image):
    def body(tf, x):
        steps = x * np.float32(1 / STEP)
        return convolved(tf, tf.floor(steps + np.float32(0.5)) * np.float32(STEP)) + tf.reduce_max(steps)

    data = edited(remove_rounding, model_of(body))
    assert {"MUL"} <= operators(data)
    assert "FLOOR" not in operators(data)
    want = output(model_of(lambda tf, x: convolved(tf, x) + tf.reduce_max(x * np.float32(1 / STEP))), image)
    np.testing.assert_allclose(output(data, image), want, atol=1e-5)


def test_a_model_without_roundings_stays_as_it_is_byte_by_byte():
    data = model_of(convolved)
    assert edited(remove_rounding, data) == data


def test_a_damaged_model_is_refused():
    with pytest.raises(InputError, match="the float model cannot be read"):
        edited(remove_rounding, b"nothing", name="the float model")
