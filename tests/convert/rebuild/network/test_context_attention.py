"""The attention of a Context R-CNN, against the formulas of the original in numpy."""

import numpy as np
import pytest

from detlite.convert.exporter import NO_OPTIONS, exporter_called
from detlite.convert.float_graph import FloatGraph
from detlite.convert.model import session_of
from detlite.convert.rebuild.faster_rcnn_config import Attention
from detlite.convert.rebuild.network.context_attention import FEATURES, FILLED, ContextAttention
from detlite.convert.rebuild.network.region_builder import RegionBuilder
from detlite.convert.rebuild.network.two_stage_names import TF1_NAMES, TF2_NAMES
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.inputs import ImageInput
from detlite.runtime.stream_inputs import BankInput
from detlite.runtime.tasks.classification import Classification
from detlite.runtime.tensors import Output

SLOTS, WIDTH, DEPTH, CHANNELS, PROPOSALS = 5, 6, 4, 8, 3
TOLERANCE = 1e-5
BOXES = np.array([[0, 0, 0.5, 0.5], [0.1, 0.2, 0.9, 0.8], [0, 0, 0, 0]], np.float32)
"""Two proposals, and a row that is none."""


class Values(RandomWeights):
    """Random weights that keep what they gave."""

    def __init__(self):
        super().__init__(3)
        self.given = {}

    def take(self, name, shape):
        chance = np.random.default_rng(len(self.given))
        low = 0.5 if name.endswith("moving_variance") else -1.0
        if name not in self.given:
            self.given[name] = chance.uniform(low, 1.0, shape).astype(np.float32)
        return self.given[name]


def attended(config, names=TF1_NAMES, filled=3):
    """What is added to the means, those means, the memory and the weights."""
    tf = load_tensorflow()
    chance = np.random.default_rng(0)
    means = chance.uniform(0, 2, (PROPOSALS, 1, 1, CHANNELS)).astype(np.float32)
    memory = chance.uniform(-1, 1, (1, SLOTS, WIDTH)).astype(np.float32)
    weights = Values()
    with RegionBuilder(weights, (4, 4, 3)) as net:
        made = ContextAttention(net, config, names, tf.constant(BOXES)).added(tf.constant(means))
        with tf.compat.v1.Session() as session:
            feeds = {f"{FEATURES}:0": memory, f"{FILLED}:0": np.array([filled], np.int32)}
            return session.run(made, feeds), means[:, 0, 0], memory[0], weights.given


def projected(x, given, scope, *, keras=False):
    kernel, norm = ("projection/kernel", "batch_norm") if keras else ("weights", "BatchNorm")
    y = x @ given[f"{scope}/{kernel}"] + (given[f"{scope}/projection/bias"] if keras else 0)
    gamma, beta, mean, variance = (
        given[f"{scope}/{norm}/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    return np.clip((y - mean) / np.sqrt(variance + 0.001) * gamma + beta, 0, 6)


def unit(x):
    return x / np.sqrt(np.maximum((x**2).sum(-1, keepdims=True), 1e-12))


def block(x, rows, is_filled, given, scopes, temperature, *, keras=False):
    queries, keys, values = (
        unit(projected(of, given, scope, keras=keras)) for of, scope in zip((x, rows, rows), scopes[:3], strict=True)
    )
    similar = np.where(is_filled, queries @ keys.T, -100000.0) / temperature
    shares = np.exp(similar - similar.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    return projected(shares @ (values * is_filled[:, None]), given, scopes[3], keras=keras)


def slim(name, number=0):
    dense = "fully_connected"
    return [f"{name}/{dense}", f"{name}/{dense}_1", f"{name}/{dense}_2", dense + (f"_{number}" if number else "")]


def config(**changes):
    return Attention(slots=SLOTS, width=WIDTH, depth=DEPTH, temperature=0.1, **changes)


def test_tf1_adds_the_input_twice_to_what_it_finds_in_the_memory():
    found, b, memory, given = attended(config())
    o = block(b, memory, np.arange(SLOTS) < 3, given, slim("AttentionBlock0_AttentionLayer0"), 0.1)
    np.testing.assert_allclose(found[:, 0, 0], 2 * b + o, atol=TOLERANCE)


def test_tf2_adds_what_it_finds_alone():
    found, b, memory, given = attended(config(), TF2_NAMES)
    scopes = [f"model/_context_feature_extract_fn/_{part}_proj" for part in ("query", "key", "val", "feature")]
    o = block(b, memory, np.arange(SLOTS) < 3, given, scopes, 0.1, keras=True)
    np.testing.assert_allclose(found[:, 0, 0], o, atol=TOLERANCE)


def test_nothing_is_found_in_an_empty_memory():
    found, b, _memory, given = attended(config(), filled=0)
    o = projected(np.zeros((1, DEPTH)), given, "fully_connected")
    np.testing.assert_allclose(found[:, 0, 0], 2 * b + o, atol=TOLERANCE)


def test_rows_after_the_filled_ones_are_not_read():
    first, _b, _memory, given = attended(config(), filled=2)
    again, *_others = attended(config(), filled=SLOTS)
    assert np.abs(first - again).max() > TOLERANCE
    assert set(given) == {
        f"{scope}/{name}"
        for scope in slim("AttentionBlock0_AttentionLayer0")
        for name in ("weights", *(f"BatchNorm/{part}" for part in ("gamma", "beta", "moving_mean", "moving_variance")))
    }


def test_heads_are_averaged_and_layers_follow_each_other():
    found, b, memory, given = attended(config(heads=2, layers=2))
    x, number, is_filled = b, 0, np.arange(SLOTS) < 3
    for layer in range(2):
        results = []
        for head in range(2):
            scopes = slim(f"AttentionBlock{head}_AttentionLayer{layer}", number)
            results.append(block(x, memory, is_filled, given, scopes, 0.1))
            number += 1
        x = x + np.mean(results, axis=0)
    np.testing.assert_allclose(found[:, 0, 0], x + b, atol=5 * TOLERANCE)


@pytest.mark.parametrize("first", [False, True])
def test_regions_attend_to_each_other_before_the_memory_or_beside_it(first):
    found, b, memory, given = attended(config(attends_itself=True, itself_first=first))
    is_region = np.array([True, True, False])
    itself = block(b, b, is_region, given, slim("SelfAttentionBlock"), 0.1)
    x = (itself + b) / 2 if first else b
    o = block(x, memory, np.arange(SLOTS) < 3, given, slim("AttentionBlock0_AttentionLayer0", 1), 0.1)
    wanted = 2 * x + o + (0 if first else itself)
    np.testing.assert_allclose(found[:, 0, 0], wanted, atol=5 * TOLERANCE)


@pytest.mark.parametrize(
    ("changes", "text"),
    [({"heads": 2}, "2 heads, 1 layer: the OD API builds one"), ({"attends_itself": True}, "and self-attention: the")],
)
def test_what_the_original_of_tf2_does_not_build_is_refused(changes, text):
    with pytest.raises(InputError, match=text):
        attended(config(**changes), TF2_NAMES)


@pytest.mark.slow
def test_the_written_files_find_what_tensorflow_finds():
    tf = load_tensorflow()
    found, means, memory, _given = attended(config())
    with RegionBuilder(Values(), (4, 4, 3)) as net:
        attention = ContextAttention(net, config(), TF1_NAMES, tf.constant(BOXES))
        pixels = net.reshape(net.channel_means(net.image, "seen"), (1, 1, 1, 3), "pixel")
        shifted = tf.constant(means[:, None, None]) + tf.reduce_sum(pixels) * np.float32(0)
        net.identity(net.reshape(attention.added(shifted), (1, PROPOSALS * CHANNELS), "flat"), "scores")
        graph_def = net.graph_def
    image = ImageInput("image", 4, 4, "RGB", "float32", (0.0,) * 3, (1.0,) * 3, "tf1_bilinear")
    output = Output("class_scores", "class_scores", 0, (1, PROPOSALS * CHANNELS), "float32")
    labels = tuple(f"{number}" for number in range(PROPOSALS * CHANNELS))
    inputs = (image, BankInput(FEATURES, SLOTS, WIDTH))
    contract = Contract(inputs, (output,), labels, Classification("IDENTITY", "model"))
    tflite = exporter_called("tflite").from_graph(
        FloatGraph(graph_def, {"class_scores": "scores"}, contract), "float32"
    )
    onnx = exporter_called("onnx").from_tflite(tflite, NO_OPTIONS)
    for model in (tflite, onnx):
        session = session_of(model)
        session.remember(memory[:3])
        session.run(np.zeros((4, 4, 3), np.uint8))
        wanted = found.reshape(-1)
        np.testing.assert_allclose(session.heads()["class_scores"], wanted, atol=5 * TOLERANCE)
