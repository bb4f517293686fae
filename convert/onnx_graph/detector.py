"""From an .onnx file to a FloatGraph: cut at its heads, measured, translated to TensorFlow, with its contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from detlite.convert.detector import DEPLOYED_SCORE_THRESHOLD, raw_outputs
from detlite.convert.float_graph import FloatGraph
from detlite.convert.graph.trim import prune
from detlite.convert.onnx_graph.decoder import Decoder, measure_decoder
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
from detlite.convert.sidecar_files import read_hints
from detlite.runtime.arrays import Floats
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.image.read import DAMAGED_ARRAY
from detlite.runtime.tasks.detection import RAW_ROLES, Detection, has_raw_heads

OUTPUTS = ("raw_outputs/box_encodings", "raw_outputs/class_predictions")
ORDERS = {"yxhw": (0, 1, 2, 3), "xywh": (1, 0, 3, 2)}
"""The columns that are ty, tx, th and tw, by the name of the order of the encodings."""

COCO_COLUMNS = 91


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
    named = options.onnx.heads
    whole = picture.fixed(model if named is None else _ending_at(model, named)).folded()
    heads = find_heads(whole, named)
    decoder = _decoder(whole, heads, picture, options)
    contract = _contract(whole, heads, picture, decoder, path, options)
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
    facts = options.onnx
    if facts.anchors is None and heads.decoded is not None:
        blank = {picture.name: np.zeros(picture.shape, np.float32)}
        return measure_decoder(model, heads, blank, picture.size)
    if facts.anchors is None or facts.box_order is None:
        raise InputError(
            f"{model.name} ends at its raw heads ({heads.boxes}, {heads.scores}), so nothing in it says what its boxes "
            "mean: give --anchors FILE.npy (N, 4: y centre, x centre, height, width) and --box-order xywh or yxhw"
        )
    return Decoder(_read_anchors(facts.anchors, heads), BoxCoder(), ORDERS[facts.box_order])


def _read_anchors(path: Path, heads: Heads) -> Floats:
    try:
        anchors = np.lib.format.open_memmap(path, mode="r")  # nothing is allocated for what a header only claims
    except DAMAGED_ARRAY as error:
        text = " ".join(str(error).split())[:200]
        raise InputError(f"cannot read the anchors in {path}, which has to be a .npy file: {text}") from error
    if anchors.shape != (heads.anchors, 4) or anchors.dtype.kind != "f":
        found = f"{anchors.dtype} {anchors.shape}"
        raise InputError(f"{path} holds {found}; want floats of the shape ({heads.anchors}, 4), as {heads.boxes} has")
    if not np.isfinite(anchors).all() or (anchors[:, 2:] <= 0).any():
        raise InputError(f"{path} holds an anchor that is not finite or has no area")
    return anchors.astype(np.float32)


@dataclass(frozen=True)
class _Columns:
    """The columns of the class scores: how many, and how many of them are background."""

    count: int
    offset: int


def _columns(model: OnnxModel, heads: Heads, classes: int | None, origin: dict[str, str]) -> _Columns:
    count = columns_of(model.shapes[heads.scores], heads.anchors)
    assert count is not None
    if classes is not None and count - classes in (0, 1):
        origin["label_offset"] = f"{counted(count, 'class column')} and {counted(classes, 'label')} or classes"
        return _Columns(count, count - classes)
    has_background = heads.converter == "SOFTMAX" or count == COCO_COLUMNS
    first = "the background" if has_background else "a class"
    origin["label_offset"] = f"{heads.converter.lower()} over {counted(count, 'column')}: the first is {first}"
    return _Columns(count, int(has_background))


def _contract(
    model: OnnxModel, heads: Heads, picture: NetworkPicture, decoder: Decoder, path: Path, options: DetectorOptions
) -> Contract:
    origin: dict[str, str] = {"weights": f"the initializers of {path.name}"}
    hints = read_hints(path.parent)
    columns = _columns(model, heads, _classes(options) or hints.classes, origin)
    measured = "measured on the graph's own decoder"
    origin["anchors"] = measured if options.onnx.anchors is None else options.onnx.anchors.name
    origin["box_coder"] = measured if options.onnx.anchors is None else "SSD's usual scales, with --anchors"
    origin["image"] = picture.origin
    deferred = options.logits and heads.converter != "IDENTITY"
    iou = hints.iou_threshold if hints.iou_threshold is not None else Nms.iou_threshold
    origin["nms"] = f"detlite's own (regular, score {DEPLOYED_SCORE_THRESHOLD}), or asked for; {hints.nms_said}"
    task = Detection(
        anchors=decoder.anchors,
        box_coder=decoder.coder,
        score_converter=heads.converter,
        score_converter_place="host" if deferred else "model",
        label_offset=columns.offset,
        nms=options.nms.over(Nms(score_threshold=DEPLOYED_SCORE_THRESHOLD, iou_threshold=iou)),
    )
    labels = hints.labels(columns.count - columns.offset, options.labels, origin)
    return Contract((picture.image,), raw_outputs(heads.anchors, columns.count), labels, task, origin)


def _classes(options: DetectorOptions) -> int | None:
    """Return the number of labels, without a leading background; None if none are given."""
    from detlite.convert.labels.background import BACKGROUNDS
    from detlite.convert.labels.files import read_labels

    if options.labels is None:
        return None
    labels = read_labels(options.labels)
    return len(labels) - int(labels[0].lower() in BACKGROUNDS)
