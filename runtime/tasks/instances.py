"""Instance segmentation: boxes with classes and scores, and the mask of each."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, ClassVar, Dict, Iterator, Mapping, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Bools
from detlite.runtime.counts import counted
from detlite.runtime.errors import ContractError
from detlite.runtime.fields import check_types
from detlite.runtime.inputs import Fit, Size
from detlite.runtime.task import Found, Heads, Result, Task, TaskKind, check_roles, check_shape
from detlite.runtime.tasks.detection import DETECTION_ROLES, RAW_ROLES, Detection, Detections
from detlite.runtime.tensors import Output

MASKS = "masks"

Record = Dict[str, Any]
Halves = NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class InstanceMasks(Result):
    """Detections of one image, best score first, with their masks.

    Attributes:
        detections: the boxes, classes and scores.
        masks: float16, (n, rows, columns), in 0..1: each covers its box; float16 tells 0.5 from its neighbours by
            0.0005, and is written exactly.
        size: (height, width) of the image, in pixels.
        threshold: a pixel with at least this belongs to the instance.
    """

    listed: ClassVar[str] = "instances"
    fields: ClassVar[Tuple[str, ...]] = (*Detections.fields, "masks", "mask_size", "image_size", "threshold")

    detections: Detections
    masks: Halves
    size: Size
    threshold: float

    def mask(self, index: int) -> Bools:
        """Return which pixels of the image belong to the detection *index*: bool, (height, width).

        The mask's cells are interpolated bilinearly between their centres, pixel centre by pixel centre; nothing
        outside the box belongs to it.
        """
        y1, x1, y2, x2 = self.detections.boxes[index].astype(np.float64).tolist()
        cells = self.masks[index].astype(np.float32)
        rows, low_row, high_row, down = _samples(y1, y2, self.size[0], cells.shape[0])
        columns, left, right, across = _samples(x1, x2, self.size[1], cells.shape[1])
        upper = cells[low_row][:, left] * (1 - across) + cells[low_row][:, right] * across
        lower = cells[high_row][:, left] * (1 - across) + cells[high_row][:, right] * across
        found = np.zeros(self.size, np.bool_)
        found[rows, columns] = upper * (1 - down[:, None]) + lower * down[:, None] >= self.threshold
        return found

    def above(self, threshold: float) -> Iterator[Found]:
        """Yield the instances with a score of at least *threshold*, best first."""
        return self.detections.above(threshold)

    def area(self, place: int, found: Found) -> Bools:
        """Return the pixels of the instance number *place*."""
        del found
        return self.mask(place)

    def to_record(self) -> Record:
        """Return the detections' record, and the masks as base64 of little-endian float16."""
        return {
            **self.detections.to_record(),
            "masks": base64.b64encode(np.ascontiguousarray(self.masks, "<f2").tobytes()).decode("ascii"),
            "mask_size": list(self.masks.shape[1:]),
            "image_size": list(self.size),
            "threshold": self.threshold,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any], labels: Sequence[str] = ()) -> InstanceMasks:
        """Return the instances in *record*."""
        found = Detections.from_record(record, labels)
        cells = np.frombuffer(base64.b64decode(record["masks"], validate=True), "<f2").astype(np.float16)
        rows, columns = record["mask_size"]
        height, width = record["image_size"]
        masks = cells.reshape(len(found.scores), rows, columns)
        return cls(found, masks, (int(height), int(width)), float(record["threshold"]))

    @classmethod
    def columns(cls, results: Sequence[InstanceMasks]) -> Dict[str, NDArray[Any]]:
        """Return the detections' columns, `masks` of all images, and the `threshold`."""
        return {
            **Detections.columns([one.detections for one in results]),
            "masks": np.concatenate([one.masks for one in results]),
            "threshold": np.array(results[0].threshold),
        }


def _samples(
    low: float, high: float, pixels: int, cells: int
) -> Tuple[slice, NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return the pixels whose centres are between *low* and *high*, and for each its two cells, and their weight."""
    begin = min(max(int(np.ceil(low * pixels - 0.5)), 0), pixels)
    end = min(max(int(np.floor(high * pixels - 0.5)) + 1, begin), pixels)
    centres = (np.arange(begin, end) + 0.5) / pixels
    where = np.clip((centres - low) / max(high - low, 1e-12) * cells - 0.5, 0, cells - 1)
    first = np.floor(where).astype(np.intp)
    return slice(begin, end), first, np.minimum(first + 1, cells - 1), where - first


@dataclass(frozen=True, eq=False)
class Instances(Task):
    """A detector with one more output, `masks`: [1, N, rows, columns], of each anchor, or of each of the op's boxes.

    Attributes:
        detection: how boxes, classes and scores are found.
        mask_size: (rows, columns) of a mask's cells, which cover its box.
        threshold: a pixel with at least this, 0..1, belongs to the instance.
    """

    kind: ClassVar[str] = "instances"

    detection: Detection
    mask_size: Tuple[int, int]
    threshold: float = 0.5

    def __post_init__(self) -> None:
        check_types(self)
        if len(self.mask_size) != 2 or min(self.mask_size) < 1:
            raise ContractError(f"masks of {self.mask_size} cells: want rows and columns, both at least 1")
        if not 0 < self.threshold < 1:
            raise ContractError(f"a mask threshold of {self.threshold}: want a number between 0 and 1")

    def check(self, outputs: Sequence[Output], labels: Sequence[str]) -> None:
        """Refuse anything but a detector's outputs and as many masks as it has anchors, or boxes."""
        check_roles(outputs, (*RAW_ROLES, MASKS), (*DETECTION_ROLES, MASKS))
        by_role = {output.role: output for output in outputs}
        masks = by_role.pop(MASKS)
        self.detection.check(tuple(by_role.values()), labels)
        boxes = by_role.get("box_encodings", by_role.get("boxes"))
        assert boxes is not None  # as `check_roles` has seen
        if len(boxes.shape) != 3:
            raise ContractError(f"output {boxes.role} has shape {boxes.shape}; want (1, boxes, 4)")
        check_shape(
            masks, (1, boxes.shape[1], *self.mask_size), f"{counted(boxes.shape[1], 'box')}, masks of {self.mask_size}"
        )

    def result(self, heads: Heads, labels: Tuple[str, ...], fit: Fit) -> InstanceMasks:
        """Return the detections with their masks."""
        found, rows = self.detection.detections(heads, labels, fit)
        return InstanceMasks(found, heads[MASKS][rows].astype(np.float16), fit.image, self.threshold)

    def scored(self, heads: Heads) -> Heads:
        """Return *heads* with scores in place of logits."""
        return self.detection.scored(heads)

    def facts(self) -> Record:
        """Return the detector's settings and those of the masks."""
        return {**self.detection.facts(), "mask_size": list(self.mask_size), "mask_threshold": self.threshold}

    def to_record(self) -> Record:
        """Return the settings."""
        return {
            "detection": self.detection.to_record(),
            "mask_size": list(self.mask_size),
            "threshold": self.threshold,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Instances:
        """Return the settings in *record*."""
        known = dict(record)
        rows, columns = known["mask_size"]
        known["mask_size"] = (int(rows), int(columns))
        known["detection"] = Detection.from_record(known["detection"])
        return cls(**known)


PLUGIN = TaskKind(title="an instance segmenter", settings=Instances, result=InstanceMasks, agreement="mask mAP")
