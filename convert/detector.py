"""From a frozen graph to a FloatGraph: the network, cut at its raw heads and repaired, with its contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detlite.convert.float_graph import FloatGraph
from detlite.convert.graph.coding import measure_anchors, measure_box_coder
from detlite.convert.graph.cut import OP, Cut, cut_graph
from detlite.convert.graph.index import GraphIndex
from detlite.convert.graph.preprocessing import Preprocessing, measure_preprocessing, network_size, pads_images
from detlite.convert.graph.repair import Repaired
from detlite.convert.graph.runner import GraphRunner, running
from detlite.convert.graph.trim import prune, trim
from detlite.convert.options import DetectorOptions
from detlite.convert.reader import FrozenGraph
from detlite.convert.rebuild.odapi.family import family_normalization
from detlite.convert.sidecar_files import Hints, read_hints
from detlite.runtime.arrays import Floats
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.inputs import ImageInput
from detlite.runtime.plugins import load_plugins
from detlite.runtime.tasks.detection import RAW_ROLES, Detection
from detlite.runtime.tensors import Output

DEPLOYED_SCORE_THRESHOLD = 0.01
"""Of regular NMS on a device: the zoo's 1e-8 gives the same mAP (30.22) but takes 60 ms of a 77 ms run."""


def build_detector(frozen: FrozenGraph, options: DetectorOptions) -> FloatGraph:
    """Cut the graph, measure its preprocessing and post-processing, repair it, and write the contract.

    Raises:
        InputError: it is not an SSD, or something required is neither in it nor in the *options*.
    """
    index = GraphIndex(frozen.graph_def)
    cut = cut_graph(index)
    hints = read_hints(frozen.folder)
    with running(index) as runner:
        size = network_size(runner, cut, options.input_size or hints.input_size)
        contract = _contract(_Measured(runner, index, cut, size), hints, options)
    scores = cut.class_logits if options.logits else cut.class_scores
    shape = (1, size[0], size[1], contract.image.channels)
    heads = (cut.box_encodings, scores)
    graph_def = trim(frozen.graph_def, cut.network_input, heads, shape)
    repairs = repair_graph(graph_def) if options.repair else ()
    return FloatGraph(prune(graph_def, heads), dict(zip(RAW_ROLES, heads, strict=True)), contract, repairs)


def repair_graph(graph_def: Any) -> tuple[Repaired, ...]:
    """Apply every repair to *graph_def* in place, and return the repairs that found something."""
    done = []
    for name, repair in load_plugins("detlite.convert.graph.repairs").items():
        count = repair.apply(graph_def)
        if count:
            done.append(Repaired(name, repair.title, count))
    return tuple(done)


@dataclass(frozen=True, eq=False)
class _Measured:
    """A runnable graph, and where it is cut."""

    runner: GraphRunner
    index: GraphIndex
    cut: Cut
    size: tuple[int, int]


def _contract(measured: _Measured, hints: Hints, options: DetectorOptions) -> Contract:
    cut, runner = measured.cut, measured.runner
    origin: dict[str, str] = {}
    blank = np.zeros((1, *measured.size, 3), np.float32)
    anchors = measure_anchors(runner, cut, blank)
    scores_name = cut.class_logits if options.logits else cut.class_scores
    encodings, scores = runner.run([cut.box_encodings, scores_name], {cut.network_input: blank})
    if encodings.size != len(anchors) * 4 or scores.ndim != 3 or scores.shape[1] != len(anchors):
        raise InputError(
            f"{counted(len(anchors), 'anchor')}, box encodings {encodings.shape} and class scores {scores.shape} do "
            "not fit"
        )
    offset = _label_offset(measured, hints, scores.shape[2], origin)
    converted = cut.score_converter != "IDENTITY" and options.logits
    image = _image(measured, options, origin)
    task = Detection(
        anchors=anchors,
        box_coder=_box_coder(measured, anchors, encodings.shape, origin),
        score_converter=cut.score_converter,
        score_converter_place="host" if converted else "model",
        label_offset=offset,
        nms=_nms(measured, hints, options, origin),
    )
    labels = hints.labels(scores.shape[2] - offset, options.labels, origin)
    return Contract((image,), raw_outputs(len(anchors), scores.shape[2]), labels, task, origin)


def raw_outputs(anchors: int, columns: int) -> tuple[Output, ...]:
    """Return the raw heads of a float model, in the order in which detlite writes them."""
    return (
        Output("box_encodings", "box_encodings", 0, (1, anchors, 4), "float32"),
        Output("class_scores", "class_scores", 1, (1, anchors, columns), "float32"),
    )


def _image(measured: _Measured, options: DetectorOptions, origin: dict[str, str]) -> ImageInput:
    padded = pads_images(measured.runner, measured.cut)
    if padded and options.input_size is None:
        raise InputError(
            "the graph pads images to keep their aspect ratio, which its contract does not support: give "
            f"--input {measured.size[0]}x{measured.size[1]} to stretch images instead, at some cost in accuracy"
        )
    found = measure_preprocessing(measured.runner, measured.index, measured.cut, measured.size)
    if found is None:
        family, mean, std = family_normalization(measured.index.nodes)
        origin["image"] = f"mean, std and resize rule of the family {family}: the graph begins after its preprocessing"
        found = Preprocessing(*measured.size, colour="RGB", mean=mean, std=std, resize="tf1_bilinear")
    else:
        stretched = "; the graph pads images, --input asks for stretching" if padded else ""
        origin["image"] = f"measured with images of one colour on the graph's own preprocessing{stretched}"
    return ImageInput(
        name="image",
        height=found.height,
        width=found.width,
        colour=found.colour,
        dtype="float32",
        mean=found.mean,
        std=found.std,
        resize=found.resize,
    )


def _label_offset(measured: _Measured, hints: Hints, columns: int, origin: dict[str, str]) -> int:
    classes = _op_number(measured.index, "num_classes") or hints.classes
    if measured.cut.label_offset is not None:
        origin["label_offset"] = "the graph's post-processor slices the class scores there"
        offset = measured.cut.label_offset
    elif classes is not None:
        origin["label_offset"] = f"{columns} class columns and {classes:.0f} classes"
        offset = columns - int(classes)
    else:
        raise InputError(
            f"{columns} class columns, but nothing says whether one is the background: give pipeline.config"
        )
    if offset not in (0, 1):
        raise InputError(
            f"{columns} class columns for {classes:.0f} classes: want as many, or one more for the background"
        )
    return offset


def _box_coder(
    measured: _Measured, anchors: Floats, encodings_shape: tuple[int, ...], origin: dict[str, str]
) -> BoxCoder:
    if measured.cut.decoded is not None:
        origin["box_coder"] = "measured on the graph's own decoder"
        return measure_box_coder(measured.runner, measured.cut, anchors, encodings_shape)
    origin["box_coder"] = f"attributes of {OP}"
    usual = BoxCoder()
    scales = {"y_scale": usual.y, "x_scale": usual.x, "h_scale": usual.height, "w_scale": usual.width}
    y, x, height, width = (
        usual_scale if (stated := _op_number(measured.index, name)) is None else stated
        for name, usual_scale in scales.items()
    )
    return BoxCoder(y, x, height, width)


def _nms(measured: _Measured, hints: Hints, options: DetectorOptions, origin: dict[str, str]) -> Nms:
    stated = _op_number(measured.index, "nms_iou_threshold")
    iou = hints.iou_threshold if stated is None else stated
    base = Nms(score_threshold=DEPLOYED_SCORE_THRESHOLD, iou_threshold=Nms.iou_threshold if iou is None else iou)
    origin["nms"] = (
        f"IoU threshold: {'default of the OD API' if iou is None else 'the source'}; the rest: detlite's own "
        f"(regular, score {DEPLOYED_SCORE_THRESHOLD}, 100 detections) or asked for; {hints.nms_said}"
    )
    return options.nms.over(base)


def _op_number(index: GraphIndex, attribute: str) -> float | None:
    """Return a numeric attribute of the graph's `TFLite_Detection_PostProcess`, if it has the op."""
    for node in index.find(lambda node: node.op == OP):
        if attribute in node.attr:
            value = node.attr[attribute]
            return float(value.i) if value.WhichOneof("value") == "i" else round(float(value.f), 7)
    return None
