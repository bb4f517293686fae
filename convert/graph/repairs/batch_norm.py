"""Batch norms that are separate operators after a convolution."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.graph.index import GraphIndex, node_of
from detlite.convert.graph.repair import Repair

BATCH_NORMS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")


def apply(graph_def: Any) -> int:
    """Fold each inference `FusedBatchNorm` after a convolution with constant weights into its weights and a bias.

    y = (x * w - mean) * gamma / sqrt(variance + epsilon) + beta is x * (w * scale) + (beta - mean * scale) with
    scale = gamma / sqrt(variance + epsilon) (Ioffe and Szegedy, Batch Normalization, 2015), in float64.
    """
    index = GraphIndex(graph_def)
    folded = 0
    for norm in index.find(lambda node: node.op in BATCH_NORMS and not node.attr["is_training"].b):
        folded += _fold(graph_def, index, norm)
    return folded


def _fold(graph_def: Any, index: GraphIndex, norm: Any) -> int:
    convolution = index.source(norm, 0)
    if convolution is None or convolution.op not in ("Conv2D", "DepthwiseConv2dNative"):
        return 0
    weights = index.constant(convolution, 1)
    constants = [index.constant(norm, i) for i in range(1, 5)]
    if weights is None or any(node is None for node in constants):
        return 0
    if len(index.consumers(convolution.name)) != 1 or norm.attr["data_format"].s not in (b"", b"NHWC"):
        return 0
    gamma, beta, mean, variance = (_value(node) for node in constants)
    scale = gamma / np.sqrt(variance + norm.attr["epsilon"].f)
    kernel = _value(weights)
    per_output = scale if convolution.op == "Conv2D" else scale.reshape(kernel.shape[2:])
    _constant(graph_def, f"{norm.name}/folded_weights", kernel * per_output)
    _constant(graph_def, f"{norm.name}/folded_bias", beta - mean * scale)
    convolution.input[1] = f"{norm.name}/folded_weights"
    _to_bias(norm, node_of(convolution.name))
    return 1


def _value(node: Any) -> NDArray[np.float64]:
    from tensorflow import make_ndarray

    array: NDArray[np.float64] = make_ndarray(node.attr["value"].tensor).astype(np.float64)
    return array


def _constant(graph_def: Any, name: str, value: NDArray[np.float64]) -> None:
    from tensorflow import dtypes, make_tensor_proto

    node = graph_def.node.add(name=name, op="Const")
    node.attr["dtype"].type = dtypes.float32.as_datatype_enum
    node.attr["value"].tensor.CopyFrom(make_tensor_proto(value.astype(np.float32)))


def _to_bias(norm: Any, convolution: str) -> None:
    kind = norm.attr["T"].type
    norm.attr.clear()
    norm.op = "BiasAdd"
    norm.attr["T"].type = kind
    del norm.input[:]
    norm.input.extend([convolution, f"{norm.name}/folded_bias"])


PLUGIN = Repair(
    title="batch norm folded into its convolution",
    why="a batch norm that remains a separate operator is quantized separately, which rounds every value once more",
    apply=apply,
)
