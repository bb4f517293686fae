"""Preprocessing identity: how an app's client scores the same pixels differently from detlite.

Only the client's resizing differs: the model file and the decoded pixels are the same. That is shown
twice: with detlite resizing as the client does, and with images that detlite has already resized to the input size.
The remaining differences: clients return whole pixels, MediaPipe shifts a box that extends past the left or
top edge into the image, and each has its own runtime, which matters for dynamic-range models only.
All of it goes into the manifest, since an app's accuracy depends on its client.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.client_resize import MEDIAPIPE, TASK_LIBRARY
from detlite.accuracy.detect import Detected, detect, detected_of
from detlite.accuracy.fidelity import TRUTH_SCORE, fidelity
from detlite.accuracy.hosts import ThisMachine
from detlite.accuracy.resized import ResizedAs
from detlite.devices.packaging.android.client import ClientDetections, client_in, run_client
from detlite.devices.packaging.android.variant import Variant
from detlite.runtime.artifact import Artifact
from detlite.runtime.errors import InputError
from detlite.runtime.image.read import read_image
from detlite.runtime.image.resize import resize
from detlite.runtime.inputs import ImageInput
from detlite.runtime.progress import Progress, silent

OWN, ALIKE, BEFORE = "client", "client; detlite as it does", "detlite"
"""Who resizes: each in its own way; both in the client's way; detlite for both."""

CLIENT_WAYS = {"mediapipe": MEDIAPIPE, "tflite-support": TASK_LIBRARY}
"""How each client resizes, by its package."""


@dataclass(frozen=True)
class ClientMatch:
    """How closely a client's detections match detlite's, with the same file and pixels.

    Attributes:
        client: its package and version.
        resized_by: `OWN`, `ALIKE`, or `BEFORE` if the images had the input's size already.
        images: the number of images compared.
        compared: the number in which both detected something, so that best detections can be compared.
        same_class: the number of these in which the best detection has the same class.
        box_difference_max: the largest difference between edges of these boxes, as a fraction of the image.
        box_difference_median: the median over the images of the largest difference.
        score_difference_mean: the mean absolute difference of the best scores.
        score_difference_max: the largest.
        fidelity: mAP in percent of the client's detections, with detlite's as the truth.
    """

    client: str
    resized_by: str
    images: int
    compared: int
    same_class: int
    box_difference_max: float
    box_difference_median: float
    score_difference_mean: float
    score_difference_max: float
    fidelity: float


@dataclass(frozen=True)
class _Handed:
    """The images that everyone gets: PNG files, and their sizes (height, width)."""

    files: list[Path]
    sizes: list[tuple[int, int]]


def measure_identity(
    variant: Variant, pythons: Sequence[Path], images: Sequence[Path], *, progress: Progress = silent
) -> list[dict[str, Any]]:
    """Return an `ClientMatch` record for the client in each environment of *pythons*.

    The images are decoded once and passed to everyone as PNG files, so that JPEG decoders play no part.

    Raises:
        InputError: detlite detects nothing in the images.
        MissingToolError: an interpreter has no client.
        DeviceError: a client refuses the model.
    """
    for python in pythons:
        client_in(python)  # fails before any work is done
    records = []
    with tempfile.TemporaryDirectory() as scratch:
        artifact = Artifact(Path(scratch) / variant.file, variant.contract)
        artifact.model.write_bytes(variant.data)
        whole = _decoded(images, Path(scratch) / "whole")
        small = _decoded(images, Path(scratch) / "small", variant.contract.image)
        found = {OWN: detect(artifact, whole.files), BEFORE: detect(artifact, small.files)}
        for number, python in enumerate(pythons):
            own, before = (_seen(python, artifact, handed) for handed in (whole, small))
            alike = detected_of(ResizedAs(CLIENT_WAYS[own.client], ThisMachine()).detect(artifact, whole.files))
            for seen, ours, resized_by in (
                (own, found[OWN], OWN),
                (own, alike, ALIKE),
                (before, found[BEFORE], BEFORE),
            ):
                records.append(asdict(compare(seen, ours, resized_by)))
            progress("clients", number + 1, len(pythons))
    return records


def _seen(python: Path, artifact: Artifact, handed: _Handed) -> ClientDetections:
    return run_client(python, artifact.model, handed.files, handed.sizes, artifact.contract.labels)


def compare(seen: ClientDetections, ours: Detected, resized_by: str) -> ClientMatch:
    """Return how closely a client's detections *seen* match *ours*.

    Raises:
        InputError: there is no image in which both detected something.
    """
    pairs = []
    for index in range(len(ours.sizes)):
        mine, theirs = ours.of_image(index), seen.detected.of_image(index)
        if len(mine[2]) and len(theirs[2]):
            box = float(np.abs(np.clip(mine[0][0], 0, 1) - np.clip(theirs[0][0], 0, 1)).max())
            pairs.append((mine[1][0] == theirs[1][0], box, abs(float(mine[2][0] - theirs[2][0]))))
    if not pairs:
        raise InputError(f"in no image do both detlite and {seen.client} detect something: give other images")
    same = [box for is_same, box, _score in pairs if is_same] or [1.0]
    scores = [score for _same, _box, score in pairs]
    return ClientMatch(
        client=f"{seen.client} {seen.version}",
        resized_by=resized_by,
        images=len(ours.sizes),
        compared=len(pairs),
        same_class=sum(bool(is_same) for is_same, _box, _score in pairs),
        box_difference_max=_rounded(max(same)),
        box_difference_median=_rounded(float(np.median(same))),
        score_difference_mean=_rounded(float(np.mean(scores))),
        score_difference_max=_rounded(max(scores)),
        fidelity=_fidelity(seen.detected, ours),
    )


def _fidelity(theirs: Detected, ours: Detected) -> float:
    if not (ours.scores >= TRUTH_SCORE).any():
        raise InputError(f"detlite detects nothing with a score of at least {TRUTH_SCORE}: give other images")
    return round(fidelity(theirs, ours).fidelity, 2)


def _rounded(value: float) -> float:
    return round(value, 4)


def _decoded(images: Sequence[Path], folder: Path, size: ImageInput | None = None) -> _Handed:
    """Write each image as PNG to *folder*, resized to *size* by its resize rule if given."""
    from PIL import Image

    folder.mkdir()
    files, sizes = [], []
    for number, path in enumerate(images):
        pixels = read_image(path)
        if size is not None:
            pixels = np.rint(resize(pixels, size.height, size.width, size.resize)).astype(np.uint8)
        file = folder / f"{number}.png"
        Image.fromarray(pixels).save(file, compress_level=1)
        files.append(file)
        sizes.append((pixels.shape[0], pixels.shape[1]))
    return _Handed(files, sizes)
