"""Measurements on the original graph: the reference for parity, and the cost of not repairing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.accuracy.images import Images
from detlite.calibration.material import samples_of
from detlite.calibration.models import FloatModel
from detlite.calibration.weights.methods.converter import quantize
from detlite.convert.detector import build_detector
from detlite.convert.exporters.tflite import to_tflite
from detlite.convert.float_graph import FloatGraph
from detlite.convert.graph.cut import cut_graph
from detlite.convert.graph.index import GraphIndex
from detlite.convert.graph.runner import running
from detlite.convert.options import DetectorOptions
from detlite.convert.reader import FrozenGraph
from detlite.convert.tflite.describe import description_of
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.progress import silent


def reference_heads(frozen: FrozenGraph, tensors: Sequence[NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Return the original graph's `box_encodings` and `class_scores`, one row for each of *tensors*.

    Args:
        frozen: the original graph.
        tensors: float32 [1, H, W, C]: its network's input, after preprocessing.
    """
    index = GraphIndex(frozen.graph_def)
    cut = cut_graph(index)
    heads = [cut.box_encodings, cut.class_scores]
    with running(index) as runner:
        rows = [runner.run(heads, {cut.network_input: tensor}) for tensor in tensors]
    encodings = np.stack([row[0].reshape(-1, 4) for row in rows]).astype(np.float32)
    return {"box_encodings": encodings, "class_scores": np.stack([row[1][0] for row in rows]).astype(np.float32)}


def rebuilt_heads(graph: FloatGraph, inputs: Sequence[Sequence[NDArray[Any]]]) -> dict[str, NDArray[np.float32]]:
    """Return each output of a rebuilt network by its role, one row for each of *inputs*, as TensorFlow computes it.

    An item of *inputs* has a value for each of its placeholders.
    """
    heads = [head if ":" in head else f"{head}:0" for head in graph.heads]
    with running(GraphIndex(graph.graph_def)) as runner:
        names = [f"{name}:0" for name in graph.inputs]
        rows = [runner.run(heads, dict(zip(names, values, strict=True))) for values in inputs]
    stacked = (np.concatenate(values).astype(np.float32) for values in zip(*rows, strict=True))
    return dict(zip(graph.outputs, stacked, strict=True))


def unrepaired_operators(frozen: FrozenGraph, options: DetectorOptions, images: Images) -> dict[str, Any]:
    """Return `operators` and `float_islands` of the unrepaired graph, as TensorFlow's converter converts it."""
    detector = build_detector(frozen, replace(options, repair=False))
    data = to_tflite(detector.graph_def, detector.heads)
    samples = samples_of(images, detector.contract, silent)
    quantized = quantize(FloatModel(TfliteFile(data, "the unrepaired model"), detector.contract.image, samples))
    facts = description_of(quantized.file.model)
    return {"operators": facts.operator_count, "float_islands": facts.float_islands}
