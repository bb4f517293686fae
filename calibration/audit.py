"""What a child process measures on the original graph: the reference for parity, and the cost of not repairing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.accuracy.images import Images
from detlite.calibration.material import inputs_of, samples_of
from detlite.calibration.models import FloatModel
from detlite.calibration.recipe import AuditRequest
from detlite.calibration.weights.methods.converter import quantize
from detlite.convert.detector import build_detector
from detlite.convert.exporters.tflite import to_tflite
from detlite.convert.float_graph import FloatGraph
from detlite.convert.graph.cut import cut_graph
from detlite.convert.graph.index import GraphIndex
from detlite.convert.graph.runner import running
from detlite.convert.load import load_graph, source_given
from detlite.convert.options import DetectorOptions
from detlite.convert.reader import FrozenGraph
from detlite.convert.source import CHECKPOINT, TORCH, Source
from detlite.convert.tflite.describe import description_of
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.contract import contract_from_json
from detlite.runtime.image.read import read_image
from detlite.runtime.plugins import load_plugin
from detlite.runtime.progress import Progress, silent
from detlite.runtime.records import Record, from_record

UNREPAIRED_IMAGES = 2
"""Number of images to quantize a model whose operators are only counted."""


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
    """Return each head of a rebuilt network by its role, one row for each of *inputs*, as TensorFlow computes it.

    An item of *inputs* has a value for each of its placeholders. States come from the item before.
    """
    tensors = {role: head if ":" in head else f"{head}:0" for role, head in graph.outputs.items()}
    rows: list[dict[str, NDArray[Any]]] = []
    states: dict[str, NDArray[Any]] = {}
    with running(GraphIndex(graph.graph_def)) as runner:
        for values in inputs:
            given = {**dict(zip(graph.inputs, values, strict=True)), **states}
            found = runner.run(list(tensors.values()), {f"{name}:0": value for name, value in given.items()})
            rows.append(dict(zip(tensors, found, strict=True)))
            states = {name: rows[-1][name] for name in graph.inputs if name in tensors}
    heads = [role for role in tensors if role not in graph.inputs]
    return {role: np.concatenate([row[role] for row in rows]).astype(np.float32) for role in heads}


def unrepaired_operators(frozen: FrozenGraph, options: DetectorOptions, images: Images) -> dict[str, Any]:
    """Return `operators` and `float_islands` of the unrepaired graph, as TensorFlow's converter converts it."""
    detector = build_detector(frozen, replace(options, repair=False))
    data = to_tflite(detector.graph_def, detector.heads)
    samples = samples_of(images, detector.contract, silent)
    quantized = quantize(FloatModel(TfliteFile(data, "the unrepaired model"), detector.contract.image, samples))
    facts = description_of(quantized.file.model)
    return {"operators": facts.operator_count, "float_islands": facts.float_islands}


def audit(request: Record, progress: Progress) -> Record:
    """Do what the `AuditRequest` says.

    Returns:
        `unrepaired`: `operators` and `float_islands` of the unrepaired int8 model; None of a rebuilt network.
    """
    asked = from_record(AuditRequest, request)
    source = source_given(asked.given)
    assert isinstance(source, Source)  # a preset has random weights, of which nothing is asked here
    contract = contract_from_json(asked.contract)
    progress("reference", 0, 1)
    inputs = [inputs_of(read_image(path), contract) for path in asked.images]
    unrepaired = None
    if source.format in (CHECKPOINT, TORCH):
        heads = rebuilt_heads(load_graph(source, asked.options), inputs)
    else:
        frozen = load_plugin("detlite.convert.readers", source.format).read(source.path)
        heads = reference_heads(frozen, [first for first, *_further in inputs])
        unrepaired = unrepaired_operators(frozen, asked.options, Images(asked.images[:UNREPAIRED_IMAGES], ""))
    np.savez(asked.out, allow_pickle=False, **heads)
    progress("reference", 1, 1)
    return {"unrepaired": unrepaired}
