"""Detection with keypoints: boxes with classes and scores, and named points of each object of one class."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Dict, Iterator, Mapping, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Floats
from detlite.runtime.boxes.keypoints import KeypointMaps, Snapping, keypoints_of
from detlite.runtime.boxes.scores import CONVERTERS
from detlite.runtime.counts import counted
from detlite.runtime.errors import ContractError
from detlite.runtime.fields import check_types
from detlite.runtime.inputs import Fit
from detlite.runtime.task import Found, Heads, Keypoint, Result, Task, TaskKind, check_roles, check_shape
from detlite.runtime.tasks.detection import RAW_ROLES, Detection, Detections
from detlite.runtime.tensors import Output

HEAT, REGRESSION, OFFSETS = "keypoint_scores", "keypoint_regression", "keypoint_offsets"
ROLES = (OFFSETS, REGRESSION, HEAT)
"""In the order of the alphabet, as the outputs of a TFLite file are."""

Record = Dict[str, Any]


@dataclass(frozen=True)
class Skeleton:
    """The keypoints of one class.

    Attributes:
        number: the class, from 0 on, without the background: only its objects have keypoints.
        names: of the keypoints, in the order of the model's outputs.
        edges: pairs of keypoints, by their places in *names*, that a picture joins by a line.
    """

    number: int
    names: Tuple[str, ...]
    edges: Tuple[Tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if not self.names or len(set(self.names)) != len(self.names) or not all(self.names):
            raise ContractError(f"keypoints named {self.names}: want different names, at least one")
        if self.number < 0 or not all(0 <= end < len(self.names) for edge in self.edges for end in edge):
            raise ContractError(
                f"class {self.number} has {counted(len(self.names), 'keypoint')} and the edges {self.edges}: want "
                "places of them"
            )

    def to_record(self) -> Record:
        """Return the fields."""
        return {"class": self.number, "keypoints": list(self.names), "edges": [list(edge) for edge in self.edges]}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Skeleton:
        """Return what `to_record` wrote."""
        edges = tuple((int(start), int(end)) for start, end in record["edges"])
        return cls(int(record["class"]), tuple(map(str, record["keypoints"])), edges)


@dataclass(frozen=True, eq=False)
class KeypointDetections(Result):
    """Detections of one image, best score first, those of one class with keypoints.

    Attributes:
        detections: the boxes, classes and scores.
        points: float32, (n, keypoints, 3): (y, x, score), 0..1 of the image, which they may leave; zeros where the
            class has none.
        skeleton: which class has which keypoints.
    """

    listed: ClassVar[str] = "detections"
    fields: ClassVar[Tuple[str, ...]] = (*Detections.fields, "points", "skeleton")

    detections: Detections
    points: Floats
    skeleton: Skeleton

    @property
    def edges(self) -> Tuple[Tuple[int, int], ...]:
        """Pairs of an object's points that a picture joins by a line."""
        return self.skeleton.edges

    def above(self, threshold: float) -> Iterator[Found]:
        """Yield the detections with a score of at least *threshold*, best first, with their keypoints."""
        kept = np.flatnonzero(~(self.detections.scores < threshold))
        for place, one in zip(kept, self.detections.above(threshold)):
            if one.number != self.skeleton.number:
                yield one
                continue
            rows = zip(self.skeleton.names, self.points[place].tolist())
            yield one._replace(points=tuple(Keypoint(name, y, x, score) for name, (y, x, score) in rows))

    def to_record(self) -> Record:
        """Return the detections' record, `points` and `skeleton`."""
        return {
            **self.detections.to_record(),
            "points": self.points.tolist(),
            "skeleton": self.skeleton.to_record(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any], labels: Sequence[str] = ()) -> KeypointDetections:
        """Return the detections in *record*."""
        skeleton = Skeleton.from_record(record["skeleton"])
        points = np.array(record["points"], np.float32).reshape(-1, len(skeleton.names), 3)
        return cls(Detections.from_record(record, labels), points, skeleton)

    @classmethod
    def columns(cls, results: Sequence[KeypointDetections]) -> Dict[str, NDArray[Any]]:
        """Return the detections' columns, the `points` of all images, their `names` and the `number` of their class."""
        skeleton = results[0].skeleton
        return {
            **Detections.columns([one.detections for one in results]),
            "points": np.concatenate([one.points for one in results]).astype(np.float32),
            "names": np.array(skeleton.names),
            "number": np.array(skeleton.number),
        }


@dataclass(frozen=True, eq=False)
class Keypoints(Task):
    """A CenterNet with three more outputs: `keypoint_scores` [1, N, K], `keypoint_regression` [1, N, 2 K] and
    `keypoint_offsets` [1, N, 2] or [1, N, 2 K], of each of N cells.

    Attributes:
        detection: how boxes, classes and scores are found; its NMS is peaks.
        skeleton: which class has which keypoints.
        snapping: which peaks of the heat maps take the place of regressed keypoints.
    """

    kind: ClassVar[str] = "keypoints"

    detection: Detection
    skeleton: Skeleton
    snapping: Snapping

    def __post_init__(self) -> None:
        check_types(self)
        if self.detection.nms.cells is None:
            raise ContractError(f"keypoints with NMS {self.detection.nms.kind}: want the peaks of a CenterNet")

    def check(self, outputs: Sequence[Output], labels: Sequence[str]) -> None:
        """Refuse anything but a CenterNet's raw heads and the maps of as many keypoints as have names."""
        check_roles(outputs, (*RAW_ROLES, *ROLES))
        by_role = {output.role: output for output in outputs}
        self.detection.check(tuple(by_role[role] for role in RAW_ROLES), labels)
        if self.skeleton.number >= len(labels):
            raise ContractError(
                f"keypoints of class {self.skeleton.number}, and {counted(len(labels), 'label')}: want one of them"
            )
        cells, points = len(self.detection.anchors), len(self.skeleton.names)
        because = f"{counted(cells, 'cell')} and {counted(points, 'keypoint')}"
        check_shape(by_role[HEAT], (1, cells, points), because)
        check_shape(by_role[REGRESSION], (1, cells, 2 * points), because)
        if by_role[OFFSETS].shape != (1, cells, 2):
            check_shape(by_role[OFFSETS], (1, cells, 2 * points), because)

    def result(self, heads: Heads, labels: Tuple[str, ...], fit: Fit) -> KeypointDetections:
        """Return the detections with their keypoints."""
        found, rows = self.detection.detections(heads, labels, fit)
        points = np.zeros((len(rows), len(self.skeleton.names), 3), np.float32)
        ours = found.classes == self.skeleton.number
        points[ours] = self._points(self.scored(heads), rows[ours], fit)
        return KeypointDetections(found, points, self.skeleton)

    def _points(self, heads: Heads, rows: NDArray[np.intp], fit: Fit) -> Floats:
        cells = self.detection.nms.cells
        assert cells is not None  # checked by `__post_init__`
        maps = KeypointMaps(cells, heads[HEAT], heads[REGRESSION], heads[OFFSETS])
        codes = heads["box_encodings"][rows]
        centre = np.stack(np.divmod(rows, cells[1]), axis=-1).astype(np.float32) + codes[:, :2]
        half = np.maximum(codes[:, 2:], np.float32(0)) * np.float32(0.5)
        points = keypoints_of(maps, rows, np.concatenate([centre - half, centre + half], axis=1), self.snapping)
        places = points[..., :2].reshape(-1, 2) / np.array(cells, np.float32)
        points[..., :2] = fit.to_image(np.concatenate([places, places], axis=1))[:, :2].reshape(*points.shape[:2], 2)
        if self.snapping.clips:
            inside = np.clip(points[..., :2], np.float32(0), np.float32(1))
            points[..., 2][(inside != points[..., :2]).any(axis=-1)] = 0
            points[..., :2] = inside
        return points

    def scored(self, heads: Heads) -> Heads:
        """Return *heads* with scores in place of logits, also in the heat maps of keypoints."""
        scored = self.detection.scored(heads)
        if self.detection.score_converter_place != "host":
            return scored
        return {**scored, HEAT: CONVERTERS[self.detection.score_converter](heads[HEAT])}

    def facts(self) -> Record:
        """Return the detector's settings and those of the keypoints."""
        return {
            **self.detection.facts(),
            "skeleton": self.skeleton.to_record(),
            "snapping": dataclasses.asdict(self.snapping),
        }

    def to_record(self) -> Record:
        """Return the settings."""
        return {
            "detection": self.detection.to_record(),
            "skeleton": self.skeleton.to_record(),
            "snapping": dataclasses.asdict(self.snapping),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Keypoints:
        """Return the settings in *record*."""
        known = dict(record)
        known["detection"] = Detection.from_record(known["detection"])
        known["skeleton"] = Skeleton.from_record(known["skeleton"])
        known["snapping"] = Snapping(**known["snapping"])
        return cls(**known)


PLUGIN = TaskKind(title="a detector of keypoints", settings=Keypoints, result=KeypointDetections, agreement="OKS mAP")
