"""Detectors in frozen graphs that keep trained ranges: made ready for int8, or refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders.tiny_ssd import SIDE, Tiny, tiny_graph_def

from detlite.convert.detector import build_detector
from detlite.convert.exporters.tflite import PLUGIN
from detlite.convert.graph.fake_quant import FAKE_QUANT
from detlite.convert.graph.index import GraphIndex, tensor_of
from detlite.convert.graph.runner import running
from detlite.convert.graph.trim import INPUT
from detlite.convert.options import DetectorOptions
from detlite.convert.ranged_graph import RANGES, ROUNDING, ranged_graph, unranged_graph
from detlite.convert.reader import FrozenGraph
from detlite.convert.tflite.describe import describe
from detlite.runtime.errors import InputError

TRAINED = Tiny(ranges=True, add_n=False, packed=False)


def detector(folder, tiny=TRAINED):
    (folder / "labels.txt").write_text("cat\ndog\nkite\n")
    return build_detector(FrozenGraph(tiny_graph_def(tiny), folder), DetectorOptions())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return detector(tmp_path_factory.mktemp("trained"))


def heads_of(graph, image):
    with running(GraphIndex(graph.graph_def)) as runner:
        return runner.run([tensor_of(head) for head in graph.heads], {f"{INPUT}:0": image})


def image():
    return np.random.default_rng(0).uniform(-1, 1, (1, SIDE, SIDE, 3)).astype(np.float32)


def test_kernels_that_a_batch_norm_scales_become_constants(trained):
    ready = GraphIndex(ranged_graph(trained, "a.pb").graph_def)
    kernels = ready.find(lambda node: node.op == FAKE_QUANT and node.attr["narrow_range"].b)
    assert len(kernels) == 9
    assert all(ready.constant(node, 0) is not None for node in kernels)
    assert not any(node.op in ("Rsqrt", "Sub") for node in ready.graph_def.node)


def test_the_heads_stay_what_they_were(trained):
    for one, other in zip(heads_of(trained, image()), heads_of(ranged_graph(trained, "a.pb"), image()), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_image_is_in_steps_of_1_of_128(trained):
    contract = ranged_graph(trained, "a.pb").contract
    assert (contract.image.mean, contract.image.std) == ((128.0,) * 3, (128.0,) * 3)
    assert contract.origin["image"].startswith("mean 128 and std 128 of quantization-aware training, for 127.5")


def test_a_range_of_the_image_keeps_its_normalization(trained):
    changed = type(trained.graph_def)()
    changed.CopyFrom(trained.graph_def)
    for node in changed.node:
        if node.op == "Conv2D" and INPUT in node.input[0]:
            node.input[0] = "of_image"
    some = next(node for node in changed.node if node.op == FAKE_QUANT and not node.attr["narrow_range"].b)
    changed.node.add(name="of_image", op=FAKE_QUANT, input=[INPUT, *some.input[1:]], attr=some.attr)
    ready = ranged_graph(replace(trained, graph_def=changed), "a.pb")
    assert ready.contract.image.mean == (127.5,) * 3


def test_a_graph_without_ranges_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"FakeQuantWithMinMaxVars nodes, which a\.pb does not have: convert it"):
        ranged_graph(detector(tmp_path, Tiny()), "a.pb")


def test_another_normalization_is_refused(tmp_path):
    other = detector(tmp_path, replace(TRAINED, mean=(123.68, 116.779, 103.939)))
    with pytest.raises(InputError, match=r"a\.pb has no range for its image and normalizes it by mean \(123\.68, "):
        ranged_graph(other, "a.pb")


def test_ranges_of_4_bits_are_refused(trained):
    changed = type(trained.graph_def)()
    changed.CopyFrom(trained.graph_def)
    next(node for node in changed.node if node.op == FAKE_QUANT).attr["num_bits"].i = 4
    with pytest.raises(InputError, match=r"a\.pb has a range of 4 bits, .*; want 8"):
        ranged_graph(replace(trained, graph_def=changed), "a.pb")


def test_bits_that_the_file_leaves_out_are_8(trained):
    changed = type(trained.graph_def)()
    changed.CopyFrom(trained.graph_def)
    for node in changed.node:
        if node.op == FAKE_QUANT:
            del node.attr["num_bits"]
    assert ranged_graph(replace(trained, graph_def=changed), "a.pb").heads == trained.heads


def test_ranges_per_channel_are_refused(trained):
    changed = type(trained.graph_def)()
    changed.CopyFrom(trained.graph_def)
    next(node for node in changed.node if node.op == FAKE_QUANT and node.attr["narrow_range"].b).op += "PerChannel"
    with pytest.raises(InputError, match=r"a\.pb has ranges per channel, .*; want one for each tensor"):
        ranged_graph(replace(trained, graph_def=changed), "a.pb")


def test_the_int8_file_has_no_float_operator(trained):
    model = PLUGIN.from_graph(ranged_graph(trained, "a.pb"), "int8")
    facts = describe(model.data, "tiny")
    assert (facts.quantization, facts.float_operators) == ("int8", 0)
    assert model.contract.image.quantization.scale == 1 / 128


def quantizing(data):
    """The names of the operators of a .tflite that round."""
    return [name for name in describe(data, "tiny").operators if name in ("QUANTIZE", "DEQUANTIZE")]


def test_in_float32_the_ranges_are_left_out_and_the_contract_says_so(trained):
    assert quantizing(PLUGIN.from_graph(trained, "float32").data)  # as TensorFlow's converter has them
    free = unranged_graph(trained)
    assert quantizing(PLUGIN.from_graph(free, "float32").data) == []
    count = sum(node.op in ROUNDING for node in trained.graph_def.node)
    told = f"{count} trained ranges of the graph are left out: floats are not rounded; --type int8 keeps them"
    assert free.contract.origin[RANGES] == told


def test_without_ranges_the_heads_are_those_of_the_finest_rounding(trained):
    finest = type(trained.graph_def)()
    finest.CopyFrom(trained.graph_def)
    for node in finest.node:
        if node.op == FAKE_QUANT:
            node.attr["num_bits"].i = 16
    free, rounded = unranged_graph(trained), heads_of(trained, image())
    found = heads_of(free, image())
    for one, other, coarse in zip(found, heads_of(replace(trained, graph_def=finest), image()), rounded, strict=True):
        assert np.median(np.abs(one - other)) < 0.1 * np.median(np.abs(one - coarse))  # a range also clips
    assert tuple(free.outputs) == tuple(trained.outputs)


def test_a_range_at_the_end_of_a_head_is_left_out_too(trained):
    changed = type(trained.graph_def)()
    changed.CopyFrom(trained.graph_def)
    some = next(node for node in changed.node if node.op == FAKE_QUANT and not node.attr["narrow_range"].b)
    head = trained.heads[0]
    changed.node.add(name="last", op=FAKE_QUANT, input=[head, *some.input[1:]], attr=some.attr)
    ended = replace(trained, graph_def=changed, outputs={**trained.outputs, next(iter(trained.outputs)): "last:0"})
    assert unranged_graph(ended).heads[0].removesuffix(":0") == unranged_graph(trained).heads[0].removesuffix(":0")


def test_a_graph_without_ranges_stays_as_it_is(tmp_path):
    plain = detector(tmp_path, Tiny())
    assert unranged_graph(plain) is plain
