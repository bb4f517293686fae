"""Preprocessing identity: what other scores the same pixels get in an app's client than in detlite.

A client resizes in its own way, and nothing else differs: the same model file, the same decoded pixels. That is shown
twice: with detlite resizing as the client does, and with images that detlite has brought to the input's size before.
What is left there is that clients return whole pixels, that MediaPipe moves a box which reaches over the left or the
top edge into the image, and that each brings a runtime of its own, which counts for dynamic-range models alone.
All of it goes into the manifest, for an app's accuracy depends on its client.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.client_resize import MEDIAPIPE, TASK_LIBRARY
from detlite.accuracy.detect import Detected, detect
from detlite.accuracy.evaluation import ThisMachine
from detlite.accuracy.fidelity import TRUTH_SCORE, fidelity
from detlite.accuracy.resized import ResizedAs
from detlite.devices.packaging.android.client import Seen, client_in, run_client
from detlite.devices.packaging.android.variant import Variant
from detlite.runtime.artifact import Artifact
from detlite.runtime.errors import InputError
from detlite.runtime.image.read import read_image
from detlite.runtime.image.resize import resize
from detlite.runtime.inputs import ImageInput
from detlite.runtime.progress import Progress, silent

OWN, ALIKE, BEFORE = "client", "client; detlite as it does", "detlite"
"""Who resizes: each in its own way, both in the client's way, detlite for both."""

CLIENT_WAYS = {"mediapipe": MEDIAPIPE, "tflite-support": TASK_LIBRARY}
"""How each client resizes, by its package."""


@dataclass(frozen=True)
class Identity:
    """How far a client finds what detlite finds with the same file and the same pixels.

    Attributes:
        client: its package and version.
        resized_by: `OWN`, `ALIKE`, or `BEFORE` where the images had the input's size already.
        images: how many were compared.
        compared: in how many both found something, so that there is a best detection to compare.
        same_class: in how many of these the best detection has the same class.
        box_difference_max: the largest difference of an edge of these boxes, in parts of the image.
        box_difference_median: over the images, the median of the largest difference.
        score_difference_mean: of the best scores, without the sign.
        score_difference_max: the largest of them.
        fidelity: mAP in percent of the client's detections against detlite's as the truth.
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
    """What everyone is handed: PNG files, and their sizes (height, width)."""

    files: list[Path]
    sizes: list[tuple[int, int]]


def measure_identity(
    variant: Variant, pythons: Sequence[Path], images: Sequence[Path], *, progress: Progress = silent
) -> list[dict[str, Any]]:
    """Return an `Identity` as a record for the client in the environment of each of *pythons*.

    The images are decoded once and handed to everyone as PNG files, so that decoders of JPEG play no part.

    Raises:
        InputError: detlite finds nothing in the images.
        MissingToolError: an interpreter has no client.
        DeviceError: a client refuses the model.
    """
    for python in pythons:
        client_in(python)  # before there is work that it would throw away
    records = []
    with tempfile.TemporaryDirectory() as scratch:
        artifact = Artifact(Path(scratch) / variant.file, variant.contract)
        artifact.model.write_bytes(variant.data)
        whole = _decoded(images, Path(scratch) / "whole")
        small = _decoded(images, Path(scratch) / "small", variant.contract.image)
        found = {OWN: detect(artifact, whole.files), BEFORE: detect(artifact, small.files)}
        for number, python in enumerate(pythons):
            own, before = (_seen(python, artifact, handed) for handed in (whole, small))
            alike = ResizedAs(CLIENT_WAYS[own.client], ThisMachine()).detect(artifact, whole.files)
            for seen, ours, resized_by in (
                (own, found[OWN], OWN),
                (own, alike, ALIKE),
                (before, found[BEFORE], BEFORE),
            ):
                records.append(asdict(compare(seen, ours, resized_by)))
            progress("clients", number + 1, len(pythons))
    return records


def _seen(python: Path, artifact: Artifact, handed: _Handed) -> Seen:
    return run_client(python, artifact.model, handed.files, handed.sizes, artifact.contract.labels)


def compare(seen: Seen, ours: Detected, resized_by: str) -> Identity:
    """Return how far what a client has *seen* is *ours*.

    Raises:
        InputError: there is no image in which both found something.
    """
    pairs = []
    for index in range(len(ours.sizes)):
        mine, theirs = ours.of_image(index), seen.detected.of_image(index)
        if len(mine[2]) and len(theirs[2]):
            box = float(np.abs(np.clip(mine[0][0], 0, 1) - np.clip(theirs[0][0], 0, 1)).max())
            pairs.append((mine[1][0] == theirs[1][0], box, abs(float(mine[2][0] - theirs[2][0]))))
    if not pairs:
        raise InputError(f"neither detlite nor {seen.client} finds anything in the same image: give other images")
    same = [box for is_same, box, _score in pairs if is_same] or [1.0]
    scores = [score for _same, _box, score in pairs]
    return Identity(
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
        raise InputError(f"detlite finds nothing with a score of at least {TRUTH_SCORE}: give other images")
    return round(fidelity(theirs, ours).fidelity, 2)


def _rounded(value: float) -> float:
    return round(value, 4)


def _decoded(images: Sequence[Path], folder: Path, size: ImageInput | None = None) -> _Handed:
    """Write each image as PNG to *folder*, brought to *size* by its resize rule where that is given."""
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
