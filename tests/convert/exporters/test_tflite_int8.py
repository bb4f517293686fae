"""int8 from trained ranges: the file against the fake-quant graph that it is made of."""

from __future__ import annotations

import numpy as np
import pytest
from builders.golden_models import Golden
from builders.open_files import edited
from builders.ranged_graphs import PLACEHOLDER, frozen_as_trained
from builders.ranged_weights import RangedWeights

from detlite.convert.detector import build_detector
from detlite.convert.exporters.tflite import PLUGIN, to_int8
from detlite.convert.graph.fold import folded
from detlite.convert.graph.runner import import_graph
from detlite.convert.graph.trim import INPUT, prune, trim
from detlite.convert.options import DetectorOptions
from detlite.convert.ranged_graph import ranged_graph
from detlite.convert.reader import FrozenGraph
from detlite.convert.rebuild.network.built_network import BOX_ENCODINGS, CLASS_SCORES
from detlite.convert.rebuild.network.graph import GraphBuilder
from detlite.convert.rebuild.network.slim import PLAIN, Slim, Style
from detlite.convert.rebuild.network.ssd import build_ssd
from detlite.convert.rebuild.odapi.config.read import read_pipeline
from detlite.convert.rebuild.odapi.family import family_of_extractor
from detlite.convert.rebuild.weights.open import open_checkpoint
from detlite.convert.tflite.describe import describe
from detlite.convert.tflite.heads import canonicalize
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.detection import detection_of

SIDE = 16
HEADS = (BOX_ENCODINGS, CLASS_SCORES)


def small_network(**options):
    """A stem, a residual block and two heads, as the OD API trains them aware of quantization."""
    with GraphBuilder(RangedWeights(**options), (SIDE, SIDE, 3), quantized=True) as net:
        slim = Slim(net)
        x = slim.conv(net.image, "stem", 8, 3, style=Style(), stride=2)
        y = slim.depthwise(x, "depthwise", 3, style=Style())
        x = net.add(slim.conv(y, "project", 8, 1, style=Style("NONE")), x, "block")
        net.identity(net.reshape(slim.conv(x, "boxes", 8, 1, style=PLAIN), (1, 128, 4), "flat"), BOX_ENCODINGS)
        logits = net.reshape(slim.separable(x, "classes", 6, 3, style=PLAIN), (1, 128, 3), "columns")
        net.convert_scores(logits, "SIGMOID", 1.0, CLASS_SCORES)
        return prune(net.graph_def, HEADS)


def graph_heads(graph_def, pixels):
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        import_graph(graph_def)
        with tf.compat.v1.Session(graph=graph) as session:
            image = ((pixels.astype(np.float32) - 128) / 128)[None]
            return session.run([f"{head}:0" for head in HEADS], {f"{INPUT}:0": image})


def file_heads(data, pixels):
    """The heads of an int8 file, dequantized, and the scale of each."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=edited(canonicalize, data, HEADS), num_threads=2)
    interpreter.allocate_tensors()
    (image,) = interpreter.get_input_details()
    assert image["quantization"] == (1 / 128, 0)
    interpreter.set_tensor(image["index"], (pixels.astype(np.int16) - 128).astype(np.int8)[None])
    interpreter.invoke()
    found = []
    for output in interpreter.get_output_details():
        scale, zero = output["quantization"]
        found.append(((interpreter.get_tensor(output["index"]).astype(np.float32) - zero) * scale, scale))
    return found


@pytest.fixture(scope="module")
def small():
    graph_def = small_network()
    return graph_def, to_int8(graph_def, HEADS)


def test_the_file_is_int8_from_its_input_to_its_heads(small):
    facts = describe(small[1], "small")
    assert (facts.quantization, facts.float_operators) == ("int8", 0)
    assert {dtype for _, dtype, _ in (*facts.inputs, *facts.outputs)} == {"int8"}


def test_the_file_agrees_with_the_fake_quant_graph_within_two_steps_and_a_third_on_average(small):
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    for want, (got, scale) in zip(graph_heads(small[0], pixels), file_heads(small[1], pixels), strict=True):
        assert np.abs(got - want).max() <= 2.1 * scale
        assert np.abs(got - want).mean() <= scale / 3


def test_the_same_graph_gives_the_same_bytes(small):
    assert to_int8(small[0], HEADS) == small[1]


def test_a_frozen_graph_that_scales_its_kernels_gives_the_same_bytes(small):
    frozen = frozen_as_trained(small[0], np.zeros((32, 4)), 3)
    trimmed = trim(frozen, f"{PLACEHOLDER}:0", HEADS, (1, SIDE, SIDE, 3))
    assert to_int8(folded(trimmed), HEADS) == small[1]


def test_operators_without_a_range_are_refused_rather_than_left_float():
    with GraphBuilder(RangedWeights(), (SIDE, SIDE, 3), quantized=True) as net:
        slim = Slim(net)
        x = slim.conv(net.image, "stem", 8, 3, style=Style("RELU", ranged=False))
        x = slim.depthwise(x, "boxes", 3, style=PLAIN)
        net.identity(x, BOX_ENCODINGS)
        net.identity(net.activate(x, "RELU", "scores"), CLASS_SCORES)
        graph_def = prune(net.graph_def, HEADS)
    with pytest.raises(InputError, match=r"operators of the network have no trained ranges and would stay float"):
        to_int8(graph_def, HEADS)


def quantized_golden(name, folder):
    """The heads' graph of a reference model with its ranges, and the model."""
    reference = Golden(name)
    pipeline = read_pipeline(reference.config)
    weights = open_checkpoint(reference.write_checkpoint(folder))
    _, extractor = family_of_extractor(pipeline.model.extractor.type, 0, name)
    built = build_ssd(pipeline.model, extractor, weights, reference.size, quantized=True)
    assert weights.finish().layers == ()
    return prune(built.graph_def, HEADS), reference


@pytest.mark.data
@pytest.mark.slow
def test_a_frozen_graph_gives_the_file_that_its_checkpoint_gives(shared_data, tmp_path):
    graph_def, reference = quantized_golden("ssd_mobilenet_v1_quantized", tmp_path)
    frozen = FrozenGraph(frozen_as_trained(graph_def, reference.arrays["anchors"], 90), tmp_path)
    model = PLUGIN.from_graph(ranged_graph(build_detector(frozen, DetectorOptions()), "a.pb"), "int8")
    assert model.data == edited(canonicalize, to_int8(graph_def, HEADS), HEADS)
    np.testing.assert_allclose(detection_of(model.contract).anchors, reference.arrays["anchors"], rtol=0)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["ssd_mobilenet_v1_quantized", "ssd_spaghettinet_edgetpu_s"])
def test_int8_is_as_near_the_original_as_its_own_uint8_model(name, shared_data, tmp_path):
    graph_def, reference = quantized_golden(name, tmp_path)
    arrays, pixels = reference.arrays, reference.arrays["image_0"]
    graph_boxes, _ = graph_heads(graph_def, pixels)
    (boxes, _), (scores, _) = file_heads(to_int8(graph_def, HEADS), pixels)

    def likeness(one, other):
        return np.corrcoef(one.ravel(), other.ravel())[0, 1]

    assert likeness(graph_boxes[0], arrays["fakequant_boxes_0"]) > 0.9975
    assert likeness(boxes[0], arrays["fakequant_boxes_0"]) > 0.9965
    assert likeness(boxes[0], arrays["uint8_tflite_boxes_0"]) > 0.9965
    assert likeness(scores[0], arrays["uint8_tflite_scores_0"]) > 0.9955
    assert abs(float((scores[0] - arrays["uint8_tflite_scores_0"]).mean())) < 1 / 256
