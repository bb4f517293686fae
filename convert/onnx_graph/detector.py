"""From an .onnx file to a FloatGraph: cut at its heads, measured, translated to TensorFlow, with its contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from detlite.convert.float_graph import FloatGraph
from detlite.convert.graph.trim import prune
from detlite.convert.onnx_graph.decoder import measure_decoder
from detlite.convert.onnx_graph.heads import Heads, columns_of, find_heads
from detlite.convert.onnx_graph.image import NetworkPicture, find_picture
from detlite.convert.onnx_graph.model_graph import OnnxModel, normalized
from detlite.convert.onnx_graph.open_file import open_onnx
from detlite.convert.onnx_graph.operators.table import OPERATORS
from detlite.convert.onnx_graph.stated import (
    contract_of_heads,
    stated_contract,
    stated_heads,
    stated_picture,
    with_stated,
)
from detlite.convert.onnx_graph.translation import TensorFlowTranslation, translated
from detlite.convert.options import DetectorOptions
from detlite.convert.raw_heads import ORDERS, ClassScores, Decoder, raw_contract, stated_converter, stated_decoder
from detlite.convert.sidecar_files import read_hints
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.detection import RAW_ROLES, Detection, has_raw_heads

OUTPUTS = ("raw_outputs/box_encodings", "raw_outputs/class_predictions")


def onnx_detector(path: Path, options: DetectorOptions) -> FloatGraph:
    """Return the detector in the .onnx file at *path*; one that detlite exported says itself how it is used.

    Raises:
        InputError: it cannot be read, has no heads of an SSD, or an operator that is unsupported; or something required
            is neither in it nor in the *options*.
        MissingToolError: onnx, onnxruntime or TensorFlow is not installed.
    """
    return detector_of(normalized(open_onnx(path), path.name), path, options)


def detector_of(model: OnnxModel, path: Path, options: DetectorOptions) -> FloatGraph:
    """Return the detector in *model*, which was read from the file at *path*; errors as `onnx_detector`."""
    stated = stated_contract(model, options)
    if stated is not None and has_raw_heads(stated):
        return _as_stated(model, stated, options)
    picture = find_picture(model, options) if stated is None else stated_picture(model, stated)
    named = options.stated.heads
    whole = picture.fixed(model if named is None else _ending_at(model, named)).folded()
    heads = find_heads(whole, named)
    decoder = _decoder(whole, heads, picture, options)
    scores = _scores(whole, heads, options)
    contract = raw_contract(picture.image, scores, decoder, read_hints(path.parent), options)
    origin = {"weights": f"the initializers of {path.name}", "image": picture.origin}
    contract = replace(contract, origin={**origin, **contract.origin})
    if stated is not None:
        contract = with_stated(contract, stated, options)
    return _cut(whole, picture, heads, decoder.order, contract)


def _as_stated(model: OnnxModel, stated: Contract, options: DetectorOptions) -> FloatGraph:
    """Return the detector in *model*, whose outputs are the raw heads of its contract *stated*."""
    picture, named = stated_picture(model, stated), stated_heads(model, stated)
    whole = picture.fixed(_ending_at(model, named)).folded()
    heads = find_heads(whole, named)
    contract = contract_of_heads(stated, heads.converter, options)
    return _cut(whole, picture, heads, ORDERS["yxhw"], replace(contract, inputs=(picture.image,)))


def _cut(
    whole: OnnxModel, picture: NetworkPicture, heads: Heads, order: tuple[int, ...], contract: Contract
) -> FloatGraph:
    """Return the part of *whole* from the *picture* to the *heads* as TensorFlow's, as *contract* describes it."""
    assert isinstance(contract.task, Detection)
    scores = heads.logits if contract.task.score_converter_place == "host" else heads.scores
    part = whole.part({picture.name: (picture.shape, picture.kind)}, (heads.boxes, scores))
    made = _outputs(heads, scores, order, columns_of(whole.shapes[scores], heads.anchors))
    graph_def = translated(part, picture.name, made, OPERATORS)
    return FloatGraph(prune(graph_def, OUTPUTS), dict(zip(RAW_ROLES, OUTPUTS, strict=True)), contract)


def _ending_at(model: OnnxModel, named: tuple[str, str]) -> OnnxModel:
    """Return *model* with the tensors *named* as its outputs, so that folding keeps them."""
    missing = [name for name in named if name not in model.makers]
    if missing:
        raise InputError(f"{model.name}: no node makes {missing[0]}, which --heads names")
    onnx_outputs = model.proto.graph.output
    present = {value.name for value in onnx_outputs}
    for name in named:
        if name not in present:
            onnx_outputs.add(name=name)
    return model


def _outputs(
    heads: Heads, scores: str, order: tuple[int, ...], columns: int | None
) -> Mapping[str, Callable[[TensorFlowTranslation], Any]]:
    """Return how the two outputs are made of the translated tensors, by their names in the graph."""
    assert columns is not None

    def boxes(translation: TensorFlowTranslation) -> Any:
        value = _rows_first(translation, heads.boxes, heads.anchors, 4)
        return value if order == (0, 1, 2, 3) else translation.tf.gather(value, list(order), axis=2)

    return {OUTPUTS[0]: boxes, OUTPUTS[1]: lambda t: _rows_first(t, scores, heads.anchors, columns)}


def _rows_first(translation: TensorFlowTranslation, name: str, anchors: int, columns: int) -> Any:
    """Return the tensor *name* as [1, anchors, columns]."""
    value = translation.plain(name)
    if translation.shape(name)[1] != anchors:
        value = translation.tf.transpose(value, (0, 2, 1))
    return translation.tf.reshape(value, (1, anchors, columns))


def _decoder(model: OnnxModel, heads: Heads, picture: NetworkPicture, options: DetectorOptions) -> Decoder:
    if options.stated.anchors is None and heads.decoded is not None:
        blank = {picture.name: np.zeros(picture.shape, np.float32)}
        return measure_decoder(model, heads, blank, picture.size)
    if options.stated.anchors is None or options.stated.box_order is None:
        raise InputError(
            f"{model.name} ends at its raw heads ({heads.boxes}, {heads.scores}), so nothing in it says what its boxes "
            "mean: give --anchors FILE.npy (N, 4: y centre, x centre, height, width) and --box-order xywh or yxhw"
        )
    return stated_decoder(options.stated, heads.anchors, heads.boxes)


def _scores(model: OnnxModel, heads: Heads, options: DetectorOptions) -> ClassScores:
    found = None if heads.converter == "IDENTITY" else heads.converter
    said = stated_converter(options.stated, found, f"the scores {heads.scores} of {model.name}")
    count = columns_of(model.shapes[heads.scores], heads.anchors)
    assert count is not None
    if said is None:
        return ClassScores(count, heads.converter, deferred=False)
    return replace(said, columns=count, deferred=said.deferred or (options.logits and found is not None))
