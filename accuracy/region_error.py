"""The error of a two-stage detector's regions against a reference model's: of those that both have.

The regions of two models differ, and so do their rows. Each region of the reference is matched with the one that
overlaps it most: a proposal; or, where the network itself finds detections, one of the same class. Numbers are compared
where there is a match, and how many have one is the first figure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from detlite.accuracy.output_error import UNSURE_SCORE
from detlite.runtime.arrays import Doubles, Floats, Integers
from detlite.runtime.boxes.coding import decode, iou
from detlite.runtime.boxes.scores import SCORES
from detlite.runtime.contract import Contract
from detlite.runtime.records import Record
from detlite.runtime.task import Heads
from detlite.runtime.tasks.detection import detection_of, has_proposals
from detlite.runtime.tasks.instances import MASKS

SAME_REGION = 0.7
"""The IoU from which two regions are the same; the first stage's suppression has the same threshold."""

BOXES, LOGITS = "boxes", "logits"


@dataclass(frozen=True)
class RegionError:
    """The error of a model's regions, over all images.

    Attributes:
        regions: how many the reference has.
        matched: the share of them, 0..1, that the model has too.
        rms: the root mean square difference of what both say of these, by what it is: `boxes` in shares of the image's
            side, `logits`, `masks` in 0..1; empty if there are none.
        correlation: of the logits; 1 where the reference's do not differ, and 0 where the model's alone do not.
    """

    regions: int
    matched: float
    rms: Mapping[str, float]
    correlation: float

    def to_record(self) -> Record:
        """Return the fields, rounded."""
        rms = {name: float(f"{value:.4g}") for name, value in self.rms.items()}
        matched, correlation = round(self.matched, 4), round(self.correlation, 5)
        return {"regions": self.regions, "matched": matched, "rms": rms, "correlation": correlation}


@dataclass(frozen=True, eq=False)
class _Regions:
    """The regions that a model has in an image.

    Attributes:
        boxes: (n, 4), by which regions are matched.
        classes: (n,): only regions of one class match.
        said: what the model says of each region, (n, ...), by what it is.
    """

    boxes: Floats
    classes: Integers
    said: Mapping[str, Floats]


def region_error(contract: Contract, pairs: Iterable[tuple[Heads, Heads]]) -> RegionError:
    """Return the error of a model over images.

    Args:
        contract: of the reference, a detector that crops regions.
        pairs: of each image the reference's heads and the model's, by role, without a batch.
    """
    regions = matched = 0
    found: dict[str, list[tuple[Doubles, Doubles]]] = {}
    for heads, others in pairs:
        want, got = _regions(contract, heads), _regions(contract, others)
        rows, places = _matches(want, got)
        regions, matched = regions + len(want.boxes), matched + len(rows)
        for what, ours, theirs in _said(want, got, rows, places):
            found.setdefault(what, []).append((ours, theirs))
    both = {what: tuple(map(np.concatenate, zip(*parts, strict=True))) for what, parts in found.items()}
    rms = {what: math.sqrt(np.square(ours - theirs).mean()) for what, (ours, theirs) in both.items() if ours.size}
    return RegionError(regions, matched / max(regions, 1), rms, _correlation(*both[LOGITS]) if LOGITS in both else 1.0)


def _regions(contract: Contract, heads: Heads) -> _Regions:
    scored = contract.task.scored(heads)
    if not has_proposals(contract):
        count = int(heads["count"].ravel()[0])
        scores = scored["scores"][:count]
        said = {BOXES: heads["boxes"][:count], LOGITS: _logits(scores)}
        said |= {MASKS: heads[MASKS][:count]} if MASKS in heads else {}
        return _Regions(heads["boxes"][:count], heads["classes"][:count].astype(np.int64), said)
    proposals = heads["proposals"]
    real = np.flatnonzero((proposals[:, 2:] > proposals[:, :2]).all(axis=1))
    low, high = proposals[real, :2], proposals[real, 2:]
    anchors = np.concatenate([(low + high) / 2, high - low], axis=1)
    codes = heads["box_encodings"].reshape(len(proposals), -1, 4)[real]  # there may be none
    task = detection_of(contract)
    boxes = np.stack([decode(codes[:, one], anchors, task.box_coder) for one in range(codes.shape[1])], 1)
    said = {BOXES: boxes, LOGITS: _logits(scored[SCORES][real, task.label_offset :])}
    return _Regions(proposals[real], np.zeros(len(real), np.int64), said)


def _logits(scores: Floats) -> Floats:
    clipped = scores.astype(np.float64).clip(UNSURE_SCORE, 1 - UNSURE_SCORE)
    logits: Floats = np.log(clipped / (1 - clipped)).astype(np.float32)
    return logits


def _matches(want: _Regions, got: _Regions) -> tuple[Integers, Integers]:
    """Return the rows of *want* that have a match, and their places in *got*; a place matches once."""
    overlaps = iou(want.boxes, got.boxes) * (want.classes[:, None] == got.classes[None])
    rows, places = np.nonzero(overlaps >= SAME_REGION)
    free_rows, free_places = set(rows.tolist()), set(places.tolist())
    found = []
    for number in np.argsort(-overlaps[rows, places], kind="stable").tolist():
        row, place = int(rows[number]), int(places[number])
        if row in free_rows and place in free_places:
            free_rows.remove(row)
            free_places.remove(place)
            found.append((row, place))
    pairs = np.array(sorted(found), np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _said(want: _Regions, got: _Regions, rows: Integers, places: Integers) -> Iterator[tuple[str, Doubles, Doubles]]:
    """Yield what both say of the same regions, flat; of boxes for each class, those of the reference's best class."""
    for what in want.said:
        ours, theirs = (side[at].astype(np.float64) for side, at in ((want.said[what], rows), (got.said[what], places)))
        if what == BOXES and ours.ndim == 3:
            best = want.said[LOGITS][rows].argmax(axis=1) if ours.shape[1] > 1 else np.zeros(len(rows), np.int64)
            ours, theirs = (side[np.arange(len(rows)), best] for side in (ours, theirs))
        yield what, ours.ravel(), theirs.ravel()


def _correlation(ours: Doubles, theirs: Doubles) -> float:
    if not ours.size or not np.ptp(ours):
        return 1.0
    if not np.ptp(theirs):
        return 0.0
    return float(np.corrcoef(ours, theirs)[0, 1])
