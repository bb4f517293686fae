"""MoViNet: a stream, frame by frame, against the original, and against the same frames at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders.tf_vision_models import MemoryWeights, TfVisionGolden

from detlite.convert.artifact import open_artifact
from detlite.convert.child_calls import convert
from detlite.convert.exporter import export_model
from detlite.convert.model import model_of, session_of
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.network.graph import GraphBuilder
from detlite.convert.rebuild.network.movinet import Movinet, MovinetBuilder, WholeClip, encoding
from detlite.convert.rebuild.network.stream import OneFrame
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.convert.requests import ConvertRequest, Given
from detlite.convert.tensorflow import load_tensorflow
from detlite.convert.tflite.describe import describe
from detlite.runtime.errors import InputError
from detlite.runtime.progress import silent
from detlite.runtime.records import to_record
from detlite.runtime.session import Session

TOLERANCE = 1e-4
BACKBONE, HEAD = "layer_with_weights-0", "layer_with_weights-1"
STREAM = Movinet("a0", "HARD_SWISH", "HARD_SIGMOID", 1e-3, causal=True, split=True, pooling="2plus3d", positions=False)
BASE = Movinet("a0", "SWISH", "SIGMOID", 1e-3, causal=False, split=False, pooling="3d", positions=False)
PUBLISHED = {  # checkpoints in MB, of the original's README; G multiply-accumulates a video, of the paper
    "a0": (12, 2.71, (50, 172)),
    "a1": (18, 6.02, (50, 172)),
    "a3": (29, 56.9, (120, 256)),
    "a4": (44, 105, (80, 290)),
    "a5": (72, 281, (120, 320)),
}


@pytest.fixture(scope="module")
def stream(tmp_path_factory, shared_data):
    """The stream of the original, converted, and what `detlite convert` answered."""
    reference, folder = TfVisionGolden("movinet_a0_stream"), tmp_path_factory.mktemp("stream")
    given = Given(config=reference.config, checkpoint=reference.write_checkpoint(folder))
    answer = convert(to_record(ConvertRequest(given, folder / "out", DetectorOptions(logits=True))), silent)
    return reference, open_artifact(folder / "out"), answer


def seen(reference):
    """The frames that the original saw, float32 in 0..1."""
    return reference.library.clip(*reference.meta["picture"][1]).astype(np.float32)[:, None] / 255


@pytest.mark.data
@pytest.mark.slow
def test_each_frame_of_a_stream_says_what_the_original_does(stream):
    reference, artifact, _answer = stream
    session = Session(artifact)
    for frame, logits in zip(seen(reference), reference.arrays["frame_logits"], strict=True):
        session.invoke(frame)
        np.testing.assert_allclose(session.heads()["class_scores"], logits, atol=TOLERANCE)
        session.finish()


@pytest.mark.data
@pytest.mark.slow
def test_a_stream_in_onnx_says_the_same(stream):
    reference, artifact, _answer = stream
    session = session_of(export_model(model_of(artifact), "onnx", {"layout": "nhwc"}))
    for frame, logits in zip(seen(reference), reference.arrays["frame_logits"], strict=True):
        session.invoke(frame)
        np.testing.assert_allclose(session.heads()["class_scores"], logits, atol=TOLERANCE)
        session.finish()


@pytest.mark.data
@pytest.mark.slow
def test_each_state_of_a_stream_is_the_original_one(stream):
    reference, artifact, _answer = stream
    session, frames = Session(artifact), seen(reference)
    for frame in frames:
        session.invoke(frame)
        session.finish()
    carried = {one.name: session._memory._values[place] for place, one in session._memory._states.items()}
    assert carried.pop("frame_count").tolist() == [[[[len(frames)]]]]
    for name, value in carried.items():
        original = reference.arrays[f"state_state_{name.replace('pool_mean', 'pool_buffer')}"]
        of_one = value.mean(axis=(0, 1, 2)) / 6  # hard swishes without their 1/6
        count = len(frames) if name.endswith("pool_mean") else 1  # the original keeps sums
        np.testing.assert_allclose(of_one * count, original, atol=TOLERANCE)


@pytest.mark.data
@pytest.mark.slow
def test_a_stream_has_every_variable_of_its_checkpoint(stream):
    reference, _artifact, answer = stream
    assert answer["history"][-1]["parameters"] == reference.meta["params_trainable"]
    assert answer["history"][-1]["macs"] == reference.meta["macs_per_frame"]
    assert not answer["notices"]


@pytest.mark.data
@pytest.mark.slow
def test_a_stream_has_operators_that_run_in_int8_and_everywhere(stream):
    operators = dict(describe(stream[1].model.read_bytes(), "the stream").operators)
    assert not {name for name in operators if "3D" in name or name in ("HARD_SWISH", "FLEX", "CUSTOM")}


@pytest.mark.data
@pytest.mark.slow
def test_a_stream_has_one_state_for_each_buffer_and_mean_and_one_count(stream):
    states = stream[1].contract.inputs[1:]
    kinds = [state.name.split("_", 2)[-1] for state in states[:-2]]
    assert (kinds.count("stream_buffer"), kinds.count("pool_mean")) == (11, 15)
    assert [state.name for state in states[-2:]] == ["head_pool_mean", "frame_count"]
    assert {state.initial for state in states} == {0.0}


@pytest.mark.data
@pytest.mark.slow
def test_the_checkpoint_of_a_stream_is_none_of_a_base(stream):
    prefix = stream[1].model.parents[1] / "ckpt-1"
    given = Given(config=TfVisionGolden("movinet_a0_base").config, checkpoint=prefix)
    with pytest.raises(InputError, match=r"does not fit params.yaml: 11 of 334 variables are missing and 45 have anot"):
        convert(to_record(ConvertRequest(given, prefix.parent / "base", DetectorOptions())), silent)


def as_3d(values):
    """The same variables as a checkpoint has them that was trained with 3-D convolutions, apart or not."""
    made = {}
    for name, value in values.items():
        inner = name.replace("_conv/_conv/", "_conv/").replace("_conv_temporal/_conv/", "_conv_temporal/")
        if name.endswith("depthwise_kernel"):
            value = value.transpose(0, 1, 3, 2)
            value = value[:, None] if "_conv_temporal" in name else value[None]
            inner = inner.replace("depthwise_kernel", "kernel")
        elif name.endswith("kernel"):
            value = value[None]
        made[inner] = value
    return made


def built(config, weights, frames, timeline):
    """The graph of a network, its logits, and its timeline, for *frames* [frames, H, W, 3]."""
    with GraphBuilder(weights, frames.shape) as net:
        made = timeline(net)
        x = net.reshape(net.image, frames.shape, "frames")
        logits = MovinetBuilder(net, config, made, BACKBONE).logits(x, HEAD, config.activation, 600)
        return net, logits, made


def golden_values(reference):
    return {name.removeprefix("model/"): value for name, value in reference.values().items()}


@pytest.mark.data
@pytest.mark.slow
def test_both_layouts_of_a_streams_checkpoint_make_the_same_graph(shared_data):
    reference, frames = TfVisionGolden("movinet_a0_stream"), np.zeros((1, 32, 32, 3), np.float32)
    flat = golden_values(reference)
    deep = as_3d(flat)
    shapes = {name.removeprefix("model/"): tuple(shape) for name, shape in reference.meta["variables_3d_2plus1d"]}
    assert {name: np.shape(value) for name, value in deep.items()} == shapes
    graphs = []
    for values in (flat, deep):
        weights = MemoryWeights(values)
        graphs.append(built(STREAM, weights, frames, OneFrame)[0].graph_def)
        assert weights.unused <= {"save_counter"}
    assert graphs[0] == graphs[1]


class CausalClip:
    """All frames of a clip at once, of which none sees a later one: what a stream must say of each."""

    def __init__(self, net):
        self._net, self._tf = net, load_tensorflow()

    def over_time(self, x, kernel, bias, prefix, name):
        tf, (count, rows, columns, channels) = self._tf, map(int, x.shape)
        before = tf.pad(
            tf.reshape(x, (1, count, rows * columns, channels)), ((0, 0), (len(kernel) - 1, 0), (0, 0), (0, 0))
        )
        y = tf.nn.depthwise_conv2d(before, kernel[:, None, :, None], (1, 1, 1, 1), "VALID") + bias
        return tf.reshape(y, x.shape)

    def mean(self, x, prefix):
        means = self._tf.reduce_mean(x, (1, 2))
        counts = self._tf.range(1.0, float(x.shape[0]) + 1)[:, None]
        return (self._tf.cumsum(means, 0) / counts)[:, None, None]

    def positions(self, channels):
        rates, phases = encoding(channels)
        numbers = np.arange(int(self._net.image.shape[1]), dtype=np.float32)[:, None]
        return self._tf.constant(np.sin(numbers * rates + phases)[:, None, None].astype(np.float32))


class CentredClip(CausalClip):
    """All frames of a clip at once, each of which sees as many later ones as earlier ones."""

    def over_time(self, x, kernel, bias, prefix, name):
        edge = len(kernel) // 2
        padded = self._net.pad_frames(x, edge, edge, name)
        shifted = [padded[number : number + int(x.shape[0])] * one for number, one in enumerate(kernel)]
        return self._tf.add_n(shifted) + bias

    def mean(self, x, prefix):
        return self._tf.reduce_mean(x, (0, 1, 2), keepdims=True)


class FilledWeights(MemoryWeights):
    """Weights in memory; where they have none of the shape that is asked for, random ones."""

    def take(self, name, shape):
        return super().take(name, shape) if self.shape_of(name) == tuple(shape) else RandomWeights(0).take(name, shape)


CLIP = (7, 64, 64, 3)


def run_whole(config, weights, frames, timeline):
    net, logits, _timeline = built(config, weights, frames, timeline)
    with load_tensorflow().compat.v1.Session(graph=logits.graph) as session:
        return session.run(logits, {net.image: frames[None]})


def run_by_frame(config, weights, frames):
    net, logits, timeline = built(config, weights, frames[:1], OneFrame)
    fed = {state.name: np.zeros(state.shape, np.float32) for state in timeline.states}
    said, following = [], [state.following for state in timeline.states]
    with load_tensorflow().compat.v1.Session(graph=logits.graph) as session:
        for frame in frames:
            feeds = {net.image: frame[None, None], **{f"{name}:0": value for name, value in fed.items()}}
            one, *states = session.run([logits, *following], feeds)
            said.append(one[0])
            fed = dict(zip(fed, states, strict=True))
    return np.stack(said)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [STREAM, replace(STREAM, positions=True), replace(STREAM, activation="SWISH", gate="SIGMOID", pooling="3d")],
    ids=["a0", "with positions", "with swish and one mean"],
)
def test_a_stream_frame_by_frame_says_what_the_frames_at_once_do(config, shared_data):
    values, frames = golden_values(TfVisionGolden("movinet_a0_stream")), np.random.default_rng(0).uniform(0, 1, CLIP)
    weights, frames = FilledWeights(values), frames.astype(np.float32)
    whole = run_whole(config, weights, frames, CausalClip)
    single = run_by_frame(config, weights, frames)
    assert np.ptp(whole, axis=0).max() > 0.1  # the frames say different things
    np.testing.assert_allclose(single, whole, atol=TOLERANCE)


@pytest.mark.data
@pytest.mark.slow
def test_a_base_whose_convolutions_are_apart_sees_the_frames_around_each(shared_data):
    config, frames = replace(STREAM, causal=False), np.random.default_rng(0).uniform(0, 1, CLIP).astype(np.float32)
    weights = FilledWeights(golden_values(TfVisionGolden("movinet_a0_stream")))
    whole = run_whole(config, weights, frames, WholeClip)
    np.testing.assert_allclose(whole, run_whole(config, weights, frames, CentredClip), atol=TOLERANCE)


def size_of(config, size, weights, timeline):
    frames, side = size
    with GraphBuilder(weights, (frames, side, side, 3)) as net:
        x = net.reshape(net.image, (frames, side, side, 3), "frames")
        MovinetBuilder(net, config, timeline(net), BACKBONE).logits(x, HEAD, config.activation, 600)
        return net.parameters, net.macs


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_base_has_the_published_size(name):
    megabytes, macs, shape = PUBLISHED[name]
    found = size_of(replace(BASE, size=name), shape, RandomWeights(0), WholeClip)
    assert found[0] * 4 / 2**20 == pytest.approx(megabytes, rel=0.03)
    assert found[1] / 1e9 == pytest.approx(macs, rel=0.035)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a0", "a2", "a5", "t0"])
def test_a_stream_does_about_the_work_of_its_base(name):
    """(2+1)-D kernels have fewer products than 3-D ones, and the original publishes one number for both."""
    base = size_of(replace(BASE, size=name), (1, 64), RandomWeights(0), WholeClip)[1]
    stream = size_of(replace(STREAM, size=name), (1, 64), RandomWeights(0), OneFrame)[1]
    assert 0.8 < stream / base < 1.2
