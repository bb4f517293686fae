"""Keypoints of a CenterNet: regressed from the centre of an object, and snapped to a peak of their own heat maps.

Source: Zhou et al., Objects as Points, 2019, section 5, with the thresholds of the OD API's `keypoint_estimation_task`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Bools, Floats
from detlite.runtime.boxes.nms import PEAK_MARGIN, best_around
from detlite.runtime.counts import counted
from detlite.runtime.errors import ContractError
from detlite.runtime.fields import check_types, one_of

RANKINGS = ("min_distance", "score_distance_ratio", "score_scaled_distance_ratio")


@dataclass(frozen=True)
class Snapping:
    """Which peak takes the place of a regressed keypoint.

    The best by *ranking* is taken if it is in the object's box, enlarged by *box_scale*; scores at least
    *score_threshold*; and the peak nearest to the keypoint is no further away than *search_scale* times the longer side
    of that box. Otherwise the regressed keypoint stays, with the *unmatched_score*.

    Attributes:
        candidates: how many peaks of each heat map count, best score first.
        ranking: `min_distance`, the nearest; or the largest score / (distance + d), where d is *distance_offset* cells
            (`score_distance_ratio`) or *distance_multiplier* times the longer side of the box
            (`score_scaled_distance_ratio`).
        clips: whether keypoints outside the image are moved to its edge, with a score of 0.
    """

    score_threshold: float = 0.1
    candidates: int = 100
    unmatched_score: float = 0.1
    box_scale: float = 1.2
    search_scale: float = 0.3
    ranking: str = "min_distance"
    distance_offset: float = 1.0
    distance_multiplier: float = 0.1
    clips: bool = False

    def __post_init__(self) -> None:
        check_types(self)
        one_of("the ranking of keypoints", self.ranking, RANKINGS)
        if not 1 <= self.candidates <= 100_000:
            raise ContractError(f"{counted(self.candidates, 'candidate')} for a keypoint: want 1 to 100000")
        scales = (self.box_scale, self.search_scale, self.distance_offset, self.distance_multiplier)
        if not (min(scales) >= 0 and np.isfinite(scales).all()):
            raise ContractError(f"the scales of keypoints are {scales}: want finite numbers of at least 0")
        if not (0 <= self.score_threshold <= 1 and 0 <= self.unmatched_score <= 1):
            raise ContractError(
                f"keypoint scores of {self.score_threshold} and {self.unmatched_score}: want numbers of 0 to 1"
            )


@dataclass(frozen=True, eq=False)
class KeypointMaps:
    """A network's maps of keypoints, row by row; coordinates are in cells.

    Attributes:
        cells: (rows, columns).
        scores: float32, (cells, keypoints), 0..1: where each keypoint is.
        regression: float32, (cells, 2 * keypoints): (y, x) of each keypoint from the cell of an object's centre.
        offsets: float32, (cells, 2) or (cells, 2 * keypoints): (y, x) of a keypoint from the cell of its peak.
    """

    cells: Tuple[int, int]
    scores: Floats
    regression: Floats
    offsets: Floats

    def at(self, rows: NDArray[np.intp]) -> Floats:
        """Return the regressed keypoints of the objects at the cells *rows*: float32 (n, keypoints, 2)."""
        return _places(rows, self.cells)[:, None] + self.regression[rows].reshape(len(rows), self.scores.shape[1], 2)

    def peaks(self, snapping: Snapping) -> List[Tuple[Floats, Floats]]:
        """Return the candidates of each keypoint, best first: their (y, x), float32 (m, 2), and scores, (m,)."""
        grid = self.scores.reshape(*self.cells, -1)
        reached = np.where(best_around(grid) - grid < PEAK_MARGIN, grid, np.float32(0)).reshape(self.scores.shape)
        shared, found = self.offsets.shape[1] == 2, []
        for number, scores in enumerate(reached.T):
            high = np.flatnonzero(scores >= np.float32(snapping.score_threshold))
            best = high[np.argsort(-scores[high], kind="stable")[: snapping.candidates]]
            first = 0 if shared else 2 * number
            found.append((_places(best, self.cells) + self.offsets[best, first : first + 2], scores[best]))
        return found


def _places(rows: NDArray[np.intp], cells: Tuple[int, int]) -> Floats:
    """Return the (row, column) of each of the cells *rows*, float32 (n, 2)."""
    return np.stack(np.divmod(rows, cells[1]), axis=-1).astype(np.float32)


def keypoints_of(maps: KeypointMaps, rows: NDArray[np.intp], boxes: Floats, snapping: Snapping) -> Floats:
    """Return the keypoints of objects: float32 (n, keypoints, 3), (y, x, score), in cells.

    Args:
        maps: the network's maps.
        rows: (n,): the cells of the objects' centres.
        boxes: float32, (n, 4): (y1, x1, y2, x2) of the objects, in cells.
        snapping: when a keypoint becomes a peak of its heat map.
    """
    starts = maps.at(rows)
    found = np.empty((*starts.shape[:2], 3), np.float32)
    found[..., :2], found[..., 2] = starts, np.float32(snapping.unmatched_score)
    half = (boxes[:, 2:] - boxes[:, :2]) * np.float32(0.5)
    centre, wide = boxes[:, :2] + half, half * np.float32(snapping.box_scale)
    window = np.concatenate([centre - wide, centre + wide], axis=1)
    for number, (places, scores) in enumerate(maps.peaks(snapping)):
        if len(scores):
            chosen, snaps = _chosen(starts[:, number], window, (places, scores), snapping, 2 * half.max(axis=1))
            found[snaps, number, :2] = places[chosen[snaps]]
            found[snaps, number, 2] = scores[chosen[snaps]]
    return found


def _chosen(
    starts: Floats, window: Floats, peaks: Tuple[Floats, Floats], snapping: Snapping, longest: Floats
) -> Tuple[NDArray[np.intp], Bools]:
    """Return for each of *starts* its best peak, and whether it snaps to it."""
    places, scores = peaks
    distances = np.sqrt(((starts[:, None] - places) ** 2).sum(axis=2))
    if snapping.ranking == "min_distance":
        chosen = distances.argmin(axis=1)
    elif snapping.ranking == "score_distance_ratio":
        chosen = (scores / (distances + np.float32(snapping.distance_offset))).argmax(axis=1)
    else:
        offsets = longest[:, None] * np.float32(snapping.distance_multiplier)
        chosen = (scores / np.maximum(distances + offsets, np.float32(1e-12))).argmax(axis=1)
    at, radius = places[chosen], (window[:, 2:] - window[:, :2]).max(axis=1) * np.float32(snapping.search_scale)
    inside = (at >= window[:, :2]).all(axis=1) & (at <= window[:, 2:]).all(axis=1)
    return chosen, inside & (distances.min(axis=1) <= radius)
