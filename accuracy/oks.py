"""Object keypoint similarity: how near keypoints are to the true ones, by the size of the object.

Source: cocodataset.org, "Keypoint evaluation", and `COCOeval.computeOks` of cocoapi.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Bools, Doubles, Integers

COCO_SIGMAS = {
    "nose": 0.026,
    "left_eye": 0.025,
    "right_eye": 0.025,
    "left_ear": 0.035,
    "right_ear": 0.035,
    "left_shoulder": 0.079,
    "right_shoulder": 0.079,
    "left_elbow": 0.072,
    "right_elbow": 0.072,
    "left_wrist": 0.062,
    "right_wrist": 0.062,
    "left_hip": 0.107,
    "right_hip": 0.107,
    "left_knee": 0.087,
    "right_knee": 0.087,
    "left_ankle": 0.089,
    "right_ankle": 0.089,
}
"""How far people disagree on COCO's keypoints, as a share of the object's size."""

OTHER_SIGMA = 0.05
"""The sigma of keypoints that COCO does not have, near the middle of COCO's."""


def sigmas_of(names: Sequence[str]) -> Doubles:
    """Return COCO's sigma of each of *names*; `OTHER_SIGMA` for all where one is not COCO's."""
    if set(names) <= set(COCO_SIGMAS):
        return np.array([COCO_SIGMAS[name] for name in names])
    return np.full(len(names), OTHER_SIGMA)


@dataclass(frozen=True, eq=False)
class Joints:
    """The keypoints of the true objects.

    Attributes:
        marks: float64, (n, keypoints, 3): (x, y, mark) in pixels; a mark of 0 means that it is not labelled.
        areas: float64, (n,): of the objects, in square pixels.
        sigmas: float64, (keypoints,): see `sigmas_of`.
    """

    marks: Doubles
    areas: Doubles
    sigmas: Doubles

    def take(self, which: Bools | Integers | slice) -> Joints:
        """Return the objects that *which* chooses."""
        return Joints(self.marks[which], self.areas[which], self.sigmas)


def similarity(points: NDArray[np.float64], joints: Joints, boxes: Doubles) -> Doubles:
    """Return the OKS of each of *points* (n, keypoints, 2) in pixels with each of *joints*, float64 (n, m).

    Of an object without labelled keypoints, the distances are those from its box, *boxes* (m, 4), doubled.
    """
    labelled = joints.marks[..., 2] > 0
    away = points[:, None] - joints.marks[None, ..., :2]
    low, high = boxes[:, :2] - boxes[:, 2:], boxes[:, :2] + 2 * boxes[:, 2:]
    beyond = np.maximum(low[:, None] - points[:, None], 0) + np.maximum(points[:, None] - high[:, None], 0)
    unknown: Bools = ~np.asarray(labelled.any(axis=1))
    squares = np.where(unknown[:, None, None], beyond, away) ** 2
    spread = (2 * joints.sigmas) ** 2 * (joints.areas + np.spacing(1))[:, None] * 2
    near = np.exp(-squares.sum(axis=3) / spread)
    counted = labelled | unknown[:, None]
    found: Doubles = (near * counted).sum(axis=2) / counted.sum(axis=1)
    return found
