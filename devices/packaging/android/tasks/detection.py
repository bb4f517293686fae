"""Detectors with their post-processing op in an app: LiteRT's Interpreter, or MediaPipe's ObjectDetector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.detect import Detected
from detlite.accuracy.fidelity import TRUTH_SCORE, fidelity
from detlite.devices.packaging.android.app_task import AppTask, Record, Size
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.detection import detection_of, has_raw_heads

COLUMNS = 6  # label, score, top, left, bottom, right


def check(contract: Contract, path: Path) -> None:
    """Refuse what MediaPipe's and the Task Library's object detectors cannot use."""
    nms = detection_of(contract).nms
    if nms.kind == "peaks":
        raise InputError(f"{path} is a CenterNet: no op decodes its peaks, and Android's clients need boxes and scores")
    if has_raw_heads(contract):
        raise InputError(
            f"{path} has raw heads, and Android's clients need boxes, classes, scores and a count: attach the "
            f"post-processing op first, detlite postprocess {path} --add -o OUT"
        )
    if nms.kind == "fast" and nms.max_classes_per_detection > 1:
        raise InputError(
            f"{path} returns each box for {counted(nms.max_classes_per_detection, 'class')}, which Android's clients "
            f"do not count: detlite postprocess {path} --classes-per-detection 1 -o OUT"
        )


def prepare(data: bytes, contract: Contract) -> tuple[bytes, Contract]:
    """Return the model as it is: the op's outputs are what clients read."""
    return data, contract


def settings(contract: Contract) -> Record:
    """Return the settings of the suppression."""
    nms = detection_of(contract).nms
    return {
        "NMS": nms.kind,
        "score": nms.score_threshold,
        "IoU": nms.iou_threshold,
        "detections": nms.max_detections,
        "detections per class": nms.detections_per_class,
        "classes per detection": nms.max_classes_per_detection,
    }


def cure(contract: Contract, path: Path) -> str:
    """Return the command that configures the op of the model at *path* as *contract* says."""
    nms = detection_of(contract).nms
    classes = f" --classes-per-detection {nms.max_classes_per_detection}" if nms.kind == "fast" else ""
    return (
        f"detlite postprocess {path} --nms {nms.kind} --score-threshold {nms.score_threshold:g} --iou "
        f"{nms.iou_threshold:g} --max-detections {nms.max_detections}{classes} -o OUT"
    )


def postprocessing(contract: Contract) -> Record:
    """Return the settings of the op."""
    nms = detection_of(contract).nms
    return {
        "place": "in the model, TFLite_Detection_PostProcess",
        "kind": nms.kind,
        "score_threshold": nms.score_threshold,
        "iou_threshold": nms.iou_threshold,
        "max_detections": nms.max_detections,
        "detections_per_class": nms.detections_per_class,
        "box_order": "top, left, bottom, right, in parts of the image; not clipped to it",
    }


def results(images: Sequence[Any], sizes: Sequence[Size], labels: Sequence[str]) -> Detected:
    """Return a client's detections: rows of a label, a score and four edges in pixels for each image.

    Raises:
        InputError: a label is not the model's, or a row is something else.
    """
    number = _first_of(labels)
    rows = [(index, *row) for index, image in enumerate(images) for row in image]
    unknown = sorted({str(row[1]) for row in rows} - set(number))
    if unknown or any(len(row) != COLUMNS + 1 for row in rows):
        raise InputError(f"labels that the model does not have: {', '.join(unknown)}")
    where = np.array([row[0] for row in rows], np.int64)
    scale = np.array(sizes, np.float32)[where][:, [0, 1, 0, 1]] if rows else np.ones((0, 4), np.float32)
    return Detected(
        boxes=np.array([row[3:] for row in rows], np.float32).reshape(-1, 4) / scale,
        classes=np.array([number[str(row[1])] for row in rows], np.int64),
        scores=np.array([row[2] for row in rows], np.float32),
        image_index=where,
        sizes=np.array(sizes, np.int64),
        invoke_ns=np.zeros(len(sizes), np.int64),
    )


def as_told(ours: Detected, labels: Sequence[str]) -> Detected:
    """Return *ours* with the first class of its label for each class: clients tell classes by their labels alone."""
    first = _first_of(labels)
    return replace(ours, classes=np.array([first[label] for label in labels], np.int64)[ours.classes])


def _first_of(labels: Sequence[str]) -> Mapping[str, int]:
    return {label: index for index, label in reversed(list(enumerate(labels)))}


def compare(theirs: Detected, ours: Detected) -> Mapping[str, Any]:
    """Return how far the best detection of each image differs, in class, box and score, and the mAP of all.

    Raises:
        InputError: there is no image in which both detected something.
    """
    pairs = []
    for index in range(len(ours.sizes)):
        mine, other = ours.of_image(index), theirs.of_image(index)
        if len(mine[2]) and len(other[2]):
            box = float(np.abs(np.clip(mine[0][0], 0, 1) - np.clip(other[0][0], 0, 1)).max())
            pairs.append((mine[1][0] == other[1][0], box, abs(float(mine[2][0] - other[2][0]))))
    if not pairs:
        raise InputError("in no image do both detlite and the client detect something: give other images")
    same = [box for is_same, box, _score in pairs if is_same] or [1.0]
    scores = [score for _same, _box, score in pairs]
    return {
        "compared": len(pairs),
        "same_class": sum(bool(is_same) for is_same, _box, _score in pairs),
        "box_difference_max": round(max(same), 4),
        "box_difference_median": round(float(np.median(same)), 4),
        "score_difference_mean": round(float(np.mean(scores)), 4),
        "score_difference_max": round(max(scores), 4),
        "fidelity": _fidelity(theirs, ours),
    }


def _fidelity(theirs: Detected, ours: Detected) -> float:
    if not (ours.scores >= TRUTH_SCORE).any():
        raise InputError(f"detlite detects nothing with a score of at least {TRUTH_SCORE}: give other images")
    return round(fidelity(theirs, ours).fidelity, 2)


def summary(record: Mapping[str, Any]) -> str:
    """Return the record of `compare` in a line."""
    return (
        f"same class in {record['same_class']} of {record['compared']}, box within {record['box_difference_max']}, "
        f"score within {record['score_difference_max']}"
    )


PLUGIN = AppTask[Detected](
    noun="object detection",
    wrapper="Detector",
    check=check,
    prepare=prepare,
    settings=settings,
    cure=cure,
    postprocessing=postprocessing,
    results=results,
    compare=compare,
    summary=summary,
    as_told=as_told,
)
