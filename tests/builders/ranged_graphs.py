"""Frozen graphs with trained ranges, as `contrib.quantize` leaves them: each kernel is scaled before it is rounded."""

from __future__ import annotations

from typing import Any

import numpy as np

from detlite.convert.graph.cut import OP
from detlite.convert.graph.fake_quant import FAKE_QUANT
from detlite.convert.graph.index import GraphIndex
from detlite.convert.graph.trim import INPUT
from detlite.convert.rebuild.network.built_network import BOX_ENCODINGS, CLASS_SCORES
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.arrays import Floats

PLACEHOLDER = "normalized_input_image_tensor"


def frozen_as_trained(graph_def: Any, anchors: Floats, classes: int) -> Any:
    """The heads' graph of `build_ssd(..., quantized=True)` as a `tflite_graph.pb`, which computes the same.

    *anchors* are float32 (N, 4): y centre, x centre, height, width.
    """
    whole = type(graph_def)()
    whole.CopyFrom(graph_def)
    index = GraphIndex(whole)
    for node in index.find(lambda node: node.op == FAKE_QUANT and index.constant(node, 0) is not None):
        _unfold(whole, index, node)
    for node in whole.node:
        node.name = PLACEHOLDER if node.name == INPUT else node.name
        for place, source in enumerate(node.input):
            node.input[place] = source.replace(INPUT, PLACEHOLDER)
    _constant(whole, "anchors", anchors)
    op = whole.node.add(name=OP, op=OP, input=[BOX_ENCODINGS, CLASS_SCORES, "anchors"])
    op.attr["num_classes"].i, op.attr["nms_iou_threshold"].f = classes, 0.6
    return whole


def _unfold(whole: Any, index: GraphIndex, node: Any) -> None:
    """Make the kernel that *node* rounds a product, by powers of two so that it stays exact."""
    held = index.constant(node, 0)
    assert held is not None
    kernel = load_tensorflow().make_ndarray(held.attr["value"].tensor)
    scales = np.float32(2) ** (np.arange(kernel.shape[-1], dtype=np.float32) % 3)
    unscaled, factor, product = (f"{node.name}/{part}" for part in ("weights", "scale", "mul_fold"))
    _constant(whole, unscaled, kernel / scales)
    _constant(whole, factor, scales)
    whole.node.add(name=product, op="Mul", input=[unscaled, factor]).attr["T"].type = 1  # float32
    node.input[0] = product


def _constant(whole: Any, name: str, value: Floats) -> None:
    node = whole.node.add(name=name, op="Const")
    node.attr["dtype"].type = 1  # float32
    node.attr["value"].tensor.CopyFrom(load_tensorflow().make_tensor_proto(np.asarray(value, np.float32)))
