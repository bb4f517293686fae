"""Object detection: boxes with classes and scores."""

from __future__ import annotations

import base64
import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Dict, Iterator, Mapping, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Floats, Integers
from detlite.runtime.boxes.coding import BoxCoder, clip, decode
from detlite.runtime.boxes.nms import Kept, Nms, suppress
from detlite.runtime.boxes.scores import SCORES, check_scores, with_scores
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import ContractError
from detlite.runtime.fields import check_types
from detlite.runtime.inputs import Fit
from detlite.runtime.task import Found, Heads, Result, Task, TaskKind, check_roles, check_shape, label_of, task_kind
from detlite.runtime.tensors import Output

RAW_ROLES = ("box_encodings", "class_scores")
PROPOSAL_ROLES = (*RAW_ROLES, "proposals")
DETECTION_ROLES = ("boxes", "classes", "scores", "count")
EMBEDDINGS = "embeddings"
OF_OP: Tuple[Tuple[str, Tuple[int, ...]], ...] = (("boxes", (4,)), ("classes", ()), ("scores", ()))

FIRST_CLASS = 1
"""What MLPerf's accuracy-coco.py takes the first class of a model to be: COCO's category 1."""

Record = Dict[str, Any]


@dataclass(frozen=True, eq=False)
class Detections(Result):
    """Detections of one image, best score first.

    Attributes:
        boxes: float32, (n, 4): (y1, x1, y2, x2), 0..1 of the image.
        classes: int64, (n,): from 0 on, without the background.
        scores: float32, (n,), in 0..1.
        labels: one for each class of the model; empty if they are not known.
    """

    listed: ClassVar[str] = "detections"
    fields: ClassVar[Tuple[str, ...]] = ("boxes", "classes", "scores")

    boxes: Floats
    classes: Integers
    scores: Floats
    labels: Tuple[str, ...] = ()

    def above(self, threshold: float) -> Iterator[Found]:
        """Yield the detections with a score of at least *threshold*, best first."""
        for (y1, x1, y2, x2), number, score in zip(self.boxes.tolist(), self.classes.tolist(), self.scores.tolist()):
            if not score < threshold:
                yield Found(label_of(self.labels, number), number, score, (y1, x1, y2, x2))

    def to_record(self) -> Record:
        """Return `boxes`, `classes` and `scores`."""
        return {"boxes": self.boxes.tolist(), "classes": self.classes.tolist(), "scores": self.scores.tolist()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any], labels: Sequence[str] = ()) -> Detections:
        """Return the detections in *record*."""
        boxes = np.array(record["boxes"], np.float32).reshape(-1, 4)
        classes, scores = np.array(record["classes"], np.int64), np.array(record["scores"], np.float32)
        return cls(boxes, classes, scores, tuple(labels))

    @classmethod
    def columns(cls, results: Sequence[Detections]) -> Dict[str, NDArray[Any]]:
        """Return `boxes`, `classes` and `scores` of all images, and of each the `image_index`."""
        counts = [len(one.scores) for one in results]
        return {
            "boxes": np.concatenate([one.boxes for one in results]).astype(np.float32),
            "classes": np.concatenate([one.classes for one in results]).astype(np.int64),
            "scores": np.concatenate([one.scores for one in results]).astype(np.float32),
            "image_index": np.repeat(np.arange(len(results), dtype=np.int64), counts),
        }

    def loadgen_data(self, index: int) -> Optional[bytes]:
        """Return float32 rows: *index*, y1, x1, y2, x2, score, class, as MLPerf's accuracy-coco.py reads them."""
        rows = np.empty((len(self.scores), 7), "<f4")
        rows[:, 0], rows[:, 1:5] = index, self.boxes
        rows[:, 5], rows[:, 6] = self.scores, self.classes + FIRST_CLASS
        return rows.tobytes()


@dataclass(frozen=True, eq=False)
class Detection(Task):
    """A detector with raw heads, or with the four outputs of TFLite's post-processing op.

    The raw heads are `box_encodings` [1, N, 4] and `class_scores` [1, N, C]; the op's outputs are `boxes` [1, D, 4],
    `classes` [1, D], `scores` [1, D] and `count` [1]. A two-stage detector has `proposals` [1, N, 4], its own boxes
    (y1, x1, y2, x2), 0..1 of the input, in place of anchors; those without an area are none. Its `box_encodings` may be
    [1, N, C - label_offset, 4]: a box for each class. A detector that finds its boxes itself may return the features of
    each, too: `embeddings` [1, D, width].

    Attributes:
        anchors: float32, (N, 4): (y centre, x centre, height, width), 0..1 of the image; (0, 4) with proposals.
        box_coder: the scales of the encodings.
        score_converter: what makes scores of logits.
        score_converter_place: `model` where `class_scores` are scores already, `host` where they are logits.
        label_offset: C - len(labels): 1 where column 0 of the scores is the background, else 0.
        nms: the settings, and who applies them.
    """

    kind: ClassVar[str] = "detection"

    anchors: Floats
    box_coder: BoxCoder
    score_converter: str
    score_converter_place: str
    label_offset: int
    nms: Nms

    def __post_init__(self) -> None:
        check_types(self)
        check_scores(self.score_converter, self.score_converter_place, self.label_offset)
        if self.anchors.ndim != 2 or self.anchors.shape[1] != 4 or self.anchors.dtype != np.float32:
            raise ContractError(f"want float32 (N, 4) anchors, got {self.anchors.dtype} {self.anchors.shape}")
        if not np.isfinite(self.anchors).all():
            raise ContractError("the anchors hold values that are not finite numbers")
        if self.nms.cells is not None and self.nms.cells[0] * self.nms.cells[1] != len(self.anchors):
            raise ContractError(f"{counted(len(self.anchors), 'anchor')} for {self.nms.cells} cells: want one for each")

    def check(self, outputs: Sequence[Output], labels: Sequence[str]) -> None:
        """Refuse other roles than those of raw heads or of the op, and raw heads of other shapes."""
        check_roles(outputs, RAW_ROLES, DETECTION_ROLES, PROPOSAL_ROLES, (*DETECTION_ROLES, EMBEDDINGS))
        if any(output.role == "proposals" for output in outputs):
            self._check_proposals(outputs, len(labels))
            return
        if any(output.role == EMBEDDINGS for output in outputs):
            _check_embeddings(outputs)
        anchors, columns = len(self.anchors), len(labels) + self.label_offset
        shapes = {"box_encodings": (1, anchors, 4), "class_scores": (1, anchors, columns)}
        because = f"{counted(anchors, 'anchor')} and {counted(len(labels), 'label')} (offset {self.label_offset})"
        for output in sorted(outputs, key=lambda output: output.role):
            check_shape(output, shapes.get(output.role, output.shape), because)

    def _check_proposals(self, outputs: Sequence[Output], classes: int) -> None:
        by_role = {output.role: output for output in outputs}
        shape = by_role["proposals"].shape
        if len(shape) != 3:
            raise ContractError(f"output proposals has shape {shape}; want (1, proposals, 4)")
        count = shape[1]
        because = f"{counted(count, 'proposal')} and {counted(classes, 'label')} (offset {self.label_offset})"
        check_shape(by_role["proposals"], (1, count, 4), because)
        check_shape(by_role["class_scores"], (1, count, classes + self.label_offset), because)
        codes = by_role["box_encodings"]
        check_shape(codes, (1, count, 4) if len(codes.shape) == 3 else (1, count, classes, 4), because)
        if len(self.anchors) or self.nms.kind != "regular":
            raise ContractError("a detector with proposals has no anchors, and regular NMS")

    def result(self, heads: Heads, labels: Tuple[str, ...], fit: Fit) -> Detections:
        """Return the detections: of raw heads by anchors, box coder, scores and NMS; else what the op left."""
        return self.detections(heads, labels, fit)[0]

    def detections(self, heads: Heads, labels: Tuple[str, ...], fit: Fit) -> Tuple[Detections, NDArray[np.intp]]:
        """Return the detections, and of each the row of the heads that it comes from."""
        kept = self._kept(heads, fit) if "box_encodings" in heads else self._of_op(heads, len(labels))
        boxes = fit.to_image(kept.boxes)
        if self.nms.clip and not fit.is_whole:
            boxes = clip(boxes)  # what was clipped before was clipped to the input, padding included
        return Detections(boxes, kept.classes, kept.scores, labels), kept.rows

    def _kept(self, heads: Heads, fit: Fit) -> Kept:
        if "proposals" in heads:
            return self._of_proposals(heads, fit)
        scores = self.scored(heads)[SCORES]
        boxes = decode(heads["box_encodings"], self.anchors, self.box_coder)
        return suppress(boxes, scores[:, self.label_offset :], self.nms)

    def _of_proposals(self, heads: Heads, fit: Fit) -> Kept:
        from detlite.runtime.boxes.nms_by_class import suppress_by_class

        proposals = heads["proposals"]
        found = np.flatnonzero((proposals[:, 2:] > proposals[:, :2]).all(axis=1))
        low, high = proposals[found, :2], proposals[found, 2:]
        anchors = np.concatenate([(low + high) / 2, high - low], axis=1)
        codes = heads["box_encodings"][found].reshape(len(found), -1, 4)
        boxes = [decode(codes[:, number], anchors, self.box_coder) for number in range(codes.shape[1])]
        scores = self.scored(heads)[SCORES][found, self.label_offset :]
        kept = suppress_by_class(boxes, scores, self.nms, fit.window)
        return kept._replace(rows=found[kept.rows])

    def scored(self, heads: Heads) -> Heads:
        """Return *heads* with scores in place of logits; what the op leaves are scores."""
        return with_scores(heads, self.score_converter, self.score_converter_place)

    def facts(self) -> Record:
        """Return the settings, and how many anchors there are."""
        return {**self.to_record(), "anchors": len(self.anchors)}

    def _of_op(self, heads: Heads, class_count: int) -> Kept:
        per_box = self.nms.max_classes_per_detection if self.nms.kind == "fast" else 1
        found = min(per_box, class_count)  # the op leaves room for more classes than there are, and fills none
        count = int(heads["count"].ravel()[0])  # of boxes: each comes once for each of its classes
        boxes, classes, scores = (heads[role].reshape(-1, per_box, *tail)[:count, :found] for role, tail in OF_OP)
        rows = (np.arange(len(boxes))[:, None] * per_box + np.arange(found)).ravel()
        return Kept(boxes.reshape(-1, 4), classes.ravel().astype(np.int64), scores.ravel(), rows)

    def lost_class(self, threads: int, labels: Sequence[str]) -> Optional[str]:
        """Return which class the model's own regular NMS loses with so many threads (TensorFlow issue 56058)."""
        if self.nms.place != "model" or self.nms.kind != "regular" or not 1 < threads < len(labels):
            return None
        return (
            f"with {counted(threads, 'thread')} the model's own regular NMS never finds class {threads}, "
            f"{labels[threads]!r} (TensorFlow issue 56058): use 1 thread, fast NMS, or a model with raw heads"
        )

    def to_record(self) -> Record:
        """Return the settings, the anchors as base64 of little-endian float32."""
        return {
            "anchors": _anchors_record(self.anchors),
            "box_coder": dataclasses.asdict(self.box_coder),
            "score_converter": self.score_converter,
            "score_converter_place": self.score_converter_place,
            "label_offset": self.label_offset,
            "nms": _nms_record(self.nms),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Detection:
        """Return the settings in *record*."""
        known = dict(record)
        known["anchors"] = _anchors_from(known["anchors"])
        known["box_coder"] = BoxCoder(**known["box_coder"])
        known["nms"] = _nms_from(known["nms"])
        return cls(**known)


def _check_embeddings(outputs: Sequence[Output]) -> None:
    by_role = {output.role: output for output in outputs}
    boxes, embeddings = by_role["boxes"], by_role[EMBEDDINGS]
    if len(boxes.shape) != 3 or len(embeddings.shape) != 3:
        raise ContractError(
            f"outputs boxes and embeddings have shapes {boxes.shape} and {embeddings.shape}; want (1, boxes, 4) and "
            "(1, boxes, width)"
        )
    check_shape(embeddings, (1, boxes.shape[1], embeddings.shape[2]), counted(boxes.shape[1], "box"))


def _anchors_record(anchors: Floats) -> Record:
    little = np.ascontiguousarray(anchors, dtype="<f4")
    return {
        "order": "y_centre x_centre height width",
        "dtype": "float32",
        "shape": list(anchors.shape),
        "base64": base64.b64encode(little.tobytes()).decode("ascii"),
    }


def _anchors_from(record: Mapping[str, Any]) -> Floats:
    raw = base64.b64decode(record["base64"], validate=True)
    array: Floats = np.frombuffer(raw, dtype="<f4").astype(np.float32)
    return array.reshape(tuple(int(side) for side in record["shape"]))


def _nms_record(nms: Nms) -> Record:
    """Return the record of *nms*; `clip_in_op`, which readers before it do not know, is there only if it is set."""
    record = dataclasses.asdict(nms)
    return record if nms.clip_in_op else {name: value for name, value in record.items() if name != "clip_in_op"}


def _nms_from(record: Mapping[str, Any]) -> Nms:
    known = dict(record)
    if known["cells"] is not None:
        rows, columns = known["cells"]
        known["cells"] = (int(rows), int(columns))
    return Nms(**known)


def detection_of(contract: Contract) -> Detection:
    """Return the settings of a detector's *contract*.

    Raises:
        ContractError: the model does something else.
    """
    if not isinstance(contract.task, Detection):
        raise ContractError(f"this needs a detector; the model is {task_kind(contract.task.kind).title}")
    return contract.task


def has_proposals(contract: Contract) -> bool:
    """Return whether the model is a two-stage detector, whose anchors are proposals of its own."""
    return any(output.role == "proposals" for output in contract.outputs)


def crops_regions(contract: Contract) -> bool:
    """Return whether the network crops regions that it finds itself, and so has box arithmetic in it."""
    made_boxes = any(output.role == "boxes" for output in contract.outputs) and has_raw_heads(contract)
    return made_boxes or has_proposals(contract)


def has_embeddings(contract: Contract) -> bool:
    """Return whether the model returns the features of each of its detections."""
    return any(output.role == EMBEDDINGS for output in contract.outputs)


def has_raw_heads(contract: Contract) -> bool:
    """Return whether the model ends in its network's own heads, not in TFLite's post-processing op.

    A model of another task never has the op, nor has one with embeddings: where they return boxes, their networks have
    made them.
    """
    if contract.task.kind != Detection.kind or has_embeddings(contract):
        return True
    return all(output.role != "boxes" for output in contract.outputs)


PLUGIN = TaskKind(title="a detector", settings=Detection, result=Detections, agreement="mAP")
