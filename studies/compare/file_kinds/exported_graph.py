"""A model and a graph as the OD API exports it: does the rebuilt one find what the original finds?

TensorFlow runs the graph as it is, with its resizing, its crops and its suppression. Proposals of near scores may come
in another order, so proposals and detections are matched before their numbers are compared.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.anchors import are_rescaled
from detlite.accuracy.outputs import REAL_TOLERANCE, raw_heads_of, seeded_images
from detlite.convert.apart import run_exported_graph
from detlite.convert.requests import ExportedRunRequest
from detlite.runtime.arrays import Floats, Integers
from detlite.runtime.artifact import Artifact
from detlite.runtime.counts import agreed, counted
from detlite.runtime.errors import InputError
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.image.read import read_image
from detlite.runtime.progress import Progress
from detlite.runtime.tasks.detection import Detection, Detections
from detlite.runtime.tasks.instances import InstanceMasks, Instances
from detlite.runtime.tasks.keypoints import KeypointDetections, Keypoints
from detlite.studies.compare.file_comparison import CompareOptions, Comparer, ModelComparison, Side

LEAST_MATCHED = 0.95
"""Of proposals and of detections: near-equal scores may swap the last ones that fit."""

SAME_BOX = 0.01
"""How far a side of a box may be from its match, of the image's side."""

BEYOND = " where the graph samples 0 beyond its map"
"""What is said of regions that reach the edge: the original's rounding puts the last sample of some beyond it."""

IN_A_RUN = 64
"""How many images one process runs the graph on: it takes seconds to start, and each image takes megabytes of disk."""

AT_ONCE = 8
"""Of how many images the heads are in memory: tens of megabytes of an image."""

HEADS = ("box_encodings", "class_scores")

FINDING_BOXES = tuple(task.kind for task in (Detection, Instances, Keypoints))

Values = Mapping[str, Floats]


@dataclass
class _Seen:
    """What was compared so far, by what it is.

    Attributes:
        matched: how many of how many have a match.
        apart: the largest difference of numbers, of matched rows.
        beyond: how many regions the graph samples beyond its map; they are told apart.
        has_stages: whether the stages of a two-stage detector were found in the graph; True for another model.
        regions: how many the model and the graph look at; 0 for another model.
        left_out: what the model finds beside boxes, and the graph was not found to return; empty if nothing.
        images: how many were compared.
        other_size: why the first image that was not compared was not; empty if there is none.
    """

    matched: dict[str, list[int]] = field(default_factory=dict)
    apart: dict[str, float] = field(default_factory=dict)
    beyond: int = 0
    has_stages: bool = True
    regions: tuple[int, int] = (0, 0)
    left_out: str = ""
    images: int = 0
    other_size: str = ""

    def count(self, what: str, matched: int, of: int) -> None:
        """Count *matched* more of *of* more."""
        before = self.matched.get(what, [0, 0])
        self.matched[what] = [before[0] + matched, before[1] + of]

    def compare(self, what: str, ours: Floats, theirs: Floats) -> None:
        """Take note of how far *ours* is from *theirs*.

        Raises:
            InputError: they have other shapes, or values that are not finite numbers.
        """
        if ours.shape != theirs.shape:
            raise InputError(
                f"{what}: {ours.shape} of the model, and {theirs.shape} of the graph: they are of different trainings"
            )
        for values, whose in ((ours, "model"), (theirs, "graph")):
            if not np.isfinite(values).all():
                raise InputError(f"{what}: the {whose} returned values that are not finite numbers: nothing to compare")
        far = float(np.abs(ours.astype(np.float64) - theirs).max(initial=0.0))
        self.apart[what] = max(self.apart.get(what, 0.0), far)


def takes(a: Side, b: Side) -> bool:
    """Return whether one is a model with its contract, and the other an exported graph."""
    sides = sorted((a, b), key=lambda side: side.exported is not None)
    return sides[0].artifact is not None and sides[1].exported is not None


def compare(a: Side, b: Side, options: CompareOptions, progress: Progress) -> ModelComparison:
    """Compare what both make of images: the network's input, proposals with their heads, detections, masks.

    Raises:
        InputError: the model finds no boxes, is of another size or training, or either cannot be run.
    """
    model, graph = (a, b) if b.exported is not None else (b, a)
    assert model.artifact is not None
    assert graph.exported is not None
    _check_finds_boxes(model.given, model.artifact)
    seen = _Seen()
    with tempfile.TemporaryDirectory(prefix="detlite-compare-") as scratch:
        images = list(options.images) or seeded_images(Path(scratch), model.artifact.contract)
        for begin in range(0, len(images), IN_A_RUN):
            some = images[begin : begin + IN_A_RUN]
            files = _run_graph(graph.exported, some, Path(scratch), _part_of(progress, begin, len(images)))
            for first in range(0, len(some), AT_ONCE):
                progress("comparing", begin + first, len(images))
                last = first + AT_ONCE
                _compare_images(seen, model.artifact, some[first:last], files[first:last])
        progress("comparing", len(images), len(images))
    if not seen.images:
        raise InputError(seen.other_size)
    return _told((a, b), seen, options, len(images))


def _run_graph(graph: Path, images: Sequence[Path], scratch: Path, progress: Progress) -> list[Path]:
    """Return files of what *graph* computes of each of *images*, in *scratch* in place of those of the last ones."""
    out = scratch / "exported"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    run_exported_graph(ExportedRunRequest(graph, tuple(path.absolute() for path in images), out), progress=progress)
    return [out / f"{number}.npz" for number in range(len(images))]


def _part_of(progress: Progress, begin: int, total: int) -> Progress:
    """Return *progress* for some of *total* images, of which *begin* are done."""
    return lambda what, done, _of: progress(what, begin + done, total)


def _compare_images(seen: _Seen, artifact: Artifact, images: Sequence[Path], files: Sequence[Path]) -> None:
    fitting = []
    for path, file in zip(images, files, strict=True):
        with np.load(file) as arrays:
            theirs = dict(arrays)
        if _size(theirs) == _wanted(artifact):
            fitting.append((path, theirs))
        elif not seen.other_size:
            seen.other_size = _other_size(artifact, theirs, read_image(path).shape[:2])
    if not fitting:
        return
    (ours,) = raw_heads_of([artifact], [path for path, _theirs in fitting])
    for row, (path, theirs) in enumerate(fitting):
        heads = {role: value[row] for role, value in ours.items()}
        _compare_image(seen, artifact, read_image(path), heads, theirs)
    seen.images += len(fitting)


def _check_finds_boxes(given: Path, artifact: Artifact) -> None:
    kind = artifact.contract.task.kind
    if kind not in FINDING_BOXES:
        raise InputError(
            f"{given} is a model for {kind}; want one that finds boxes, as the exported graph does: "
            f"{', '.join(FINDING_BOXES)}"
        )
    if are_rescaled(artifact.contract):
        raise InputError(
            f"{given} has box codes that were rescaled for int8, and not those of the exported graph: compare the "
            "float model that it was made of, or one with --box-codes as-trained"
        )


def _size(values: Values) -> tuple[int, int]:
    height, width = values["network_input"].shape[:2]
    return int(height), int(width)


def _wanted(artifact: Artifact) -> tuple[int, int]:
    return artifact.contract.image.height, artifact.contract.image.width


def _other_size(artifact: Artifact, values: Values, given: Sequence[int]) -> str:
    made, wanted = _size(values), _wanted(artifact)
    return (
        f"the graph resizes an image of {given[0]}x{given[1]} to {made[0]}x{made[1]}, and the model takes "
        f"{wanted[0]}x{wanted[1]}: give --images of another size, or convert it with --input {made[0]}x{made[1]}"
    )


def _compare_image(seen: _Seen, artifact: Artifact, pixels: Any, heads: Values, theirs: Values) -> None:
    contract = artifact.contract
    reals = replace(contract.image, dtype="float32", quantization=None, layout="NHWC")
    seen.compare("network input", preprocess(pixels, reals)[0], theirs["network_input"])
    if "proposals" in heads:
        seen.has_stages = "proposals" in theirs
        if seen.has_stages:
            _compare_proposals(seen, contract.task.scored(heads), theirs)
    result = contract.task.result(heads, contract.labels, contract.image.fit(pixels.shape[:2]))
    found = result.detections if isinstance(result, (InstanceMasks, KeypointDetections)) else result
    assert isinstance(found, Detections)
    rows, places = _matched(found.boxes, theirs["boxes"], found.classes, theirs["classes"].astype(np.int64))
    seen.count("detections", len(rows), max(len(found.scores), len(theirs["scores"])))
    seen.compare("boxes", found.boxes[rows], theirs["boxes"][places])
    seen.compare("scores", found.scores[rows], theirs["scores"][places])
    if isinstance(result, InstanceMasks) and "masks" in theirs:
        seen.compare("masks", result.masks[rows].astype(np.float32), theirs["masks"][places])
    elif not isinstance(result, Detections):
        seen.left_out = "masks" if isinstance(result, InstanceMasks) else "keypoints"


def _compare_proposals(seen: _Seen, heads: Values, theirs: Values) -> None:
    ours, wanted = heads["proposals"], theirs["proposals"]
    real = np.flatnonzero((ours[:, 2:] > ours[:, :2]).all(axis=1))
    seen.regions = len(ours), len(wanted)
    none = np.zeros(max(seen.regions), np.int64)
    rows, places = _matched(ours[real], wanted, none[: len(real)], none[: len(wanted)])
    theirs_real = int((wanted[:, 2:] > wanted[:, :2]).all(axis=1).sum())
    seen.count("proposals", len(rows), max(len(real), min(len(ours), theirs_real)))
    is_beyond = theirs["beyond"][places] > 0
    seen.beyond += int(is_beyond.sum())
    for role in HEADS:
        values, others = heads[role].reshape(len(ours), -1), theirs[role].reshape(len(wanted), -1)
        ours_of, theirs_of = values[real[rows]], others[places]
        seen.compare(role, ours_of[~is_beyond], theirs_of[~is_beyond])
        if is_beyond.any():
            seen.compare(f"{role}{BEYOND}", ours_of[is_beyond], theirs_of[is_beyond])


def _matched(ours: Floats, theirs: Floats, our_classes: Integers, their_classes: Integers) -> tuple[Integers, Integers]:
    """Return the rows of *ours* with a match, the nearest box of the class, and the places of these in *theirs*."""
    rows, places, free = [], [], np.ones(len(theirs), bool)
    for row, (box, number) in enumerate(zip(ours, our_classes, strict=True)):
        far = np.abs(theirs - box).max(axis=1) if len(theirs) else np.zeros(0)
        far = np.where(free & (their_classes == number), far, np.inf)
        if far.size and far.min() <= SAME_BOX:
            rows.append(row)
            places.append(int(far.argmin()))
            free[places[-1]] = False
    return np.array(rows, np.int64), np.array(places, np.int64)


def _told(sides: tuple[Side, Side], seen: _Seen, options: CompareOptions, images: int) -> ModelComparison:
    tolerance = REAL_TOLERANCE if options.tolerance is None else options.tolerance
    lines: list[str] = []
    findings: list[str] = []
    for what, (matched, of) in seen.matched.items():
        text = f"{what}: {matched} of {of} are the graph's on {counted(seen.images, 'image')}"
        (lines if matched >= LEAST_MATCHED * of else findings).append(text)
    for what, far in seen.apart.items():
        if what.endswith(BEYOND):
            lines.append(f"{what}: up to {far:.3g} apart, {counted(seen.beyond, 'region')}: rounding, not the model")
        elif far <= tolerance:
            lines.append(f"{what}: at most {far:.3g} apart, within {tolerance:.3g}")
        else:
            findings.append(f"{what}: up to {far:.3g} apart, over {tolerance:.3g}")
    lines += _remarks(seen, images)
    facts = {
        "old": str(sides[0].given),
        "new": str(sides[1].given),
        "images": seen.images,
        "matched": seen.matched,
        "max_differences": seen.apart,
    }
    return ModelComparison("a model and the exported graph of its training", tuple(findings), tuple(lines), facts)


def _remarks(seen: _Seen, images: int) -> list[str]:
    remarks = []
    if not seen.has_stages:
        remarks.append(
            "the graph's proposals and heads were not found by its structure: its detections alone are compared"
        )
    ours, theirs = seen.regions
    if ours < theirs:
        remarks.append(
            f"the model looks at {counted(ours, 'region')}, and the graph at {theirs}: convert it with --max-proposals "
            f"{theirs} for the same detections"
        )
    if seen.left_out:
        remarks.append(f"the {seen.left_out} are not compared: none were found in the graph")
    if left := images - seen.images:
        remarks.append(
            f"{left} of {counted(images, 'image')} {agreed(left, 'is', 'are')} left out: the graph gives "
            f"{agreed(left, 'it', 'them')} another size"
        )
    if not seen.matched["detections"][1]:
        remarks.append("neither finds anything: give --images of what the model was trained for")
    return remarks


PLUGIN = Comparer(title="whether a rebuilt model finds what its exported graph finds", takes=takes, compare=compare)
