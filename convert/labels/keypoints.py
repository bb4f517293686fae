"""The keypoints of a class in an OD API label map, and the lines that join COCO's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from detlite.convert.files.fields import Fields
from detlite.convert.files.text_format import Message, read_text_format
from detlite.convert.labels.numbered import MAX_CLASSES
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError, unknown_name

COCO_EDGES = (
    ("left_ankle", "left_knee"),
    ("left_knee", "left_hip"),
    ("right_ankle", "right_knee"),
    ("right_knee", "right_hip"),
    ("left_hip", "right_hip"),
    ("left_shoulder", "left_hip"),
    ("right_shoulder", "right_hip"),
    ("left_shoulder", "right_shoulder"),
    ("left_shoulder", "left_elbow"),
    ("right_shoulder", "right_elbow"),
    ("left_elbow", "left_wrist"),
    ("right_elbow", "right_wrist"),
    ("left_eye", "right_eye"),
    ("nose", "left_eye"),
    ("nose", "right_eye"),
    ("left_eye", "left_ear"),
    ("right_eye", "right_ear"),
    ("left_ear", "left_shoulder"),
    ("right_ear", "right_shoulder"),
)
"""The `skeleton` of COCO's category person."""


@dataclass(frozen=True)
class NamedKeypoints:
    """The keypoints of one class.

    Attributes:
        number: the class, from 0 on.
        names: of its keypoints, in the order of the label map.
    """

    number: int
    names: tuple[str, ...]

    @property
    def usual_edges(self) -> tuple[tuple[int, int], ...]:
        """Pairs of places in *names* that COCO's skeleton joins; none where there are no such names."""
        places = {name: place for place, name in enumerate(self.names)}
        return tuple((places[one], places[other]) for one, other in COCO_EDGES if {one, other} <= set(places))


def read_keypoints(path: Path, class_name: str) -> NamedKeypoints:
    """Return the keypoints of the class *class_name* (the `name` of its item) in the label map at *path*.

    Raises:
        InputError: it is no label map, or the class is not in it, or has no keypoints, or one without a name.
    """
    items = [one for one in read_text_format(path).values("item") if isinstance(one, Message)]
    named = {str(one.scalar("name")): one for one in items if one.scalar("name") is not None}
    if not items:
        raise InputError(f"{path} is no label map with items, whose keypoints would have names: give a .pbtxt")
    if class_name not in named:
        raise InputError(f"{path}: {unknown_name('class with keypoints', class_name, named)}")
    item = named[class_name]
    points = [one for one in item.values("keypoints") if isinstance(one, Message)]
    names = tuple(str(one.scalar("label") or "") for one in points)
    if not names or not all(names) or len(set(names)) != len(names):
        found = (
            f"the labels {', '.join(map(repr, names[:3]))} of {counted(len(names), 'keypoint')}"
            if names
            else "no keypoints"
        )
        raise InputError(
            f"{path}, line {item.line}: the item {class_name} has {found}; want different labels, at least one: give "
            "the label map of the training"
        )
    number = Fields(item, "item", str(path), item.line).integer("id", low=1, high=MAX_CLASSES) - 1
    return NamedKeypoints(number, names)
