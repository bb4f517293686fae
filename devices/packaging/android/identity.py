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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.client_resize import MEDIAPIPE, TASK_LIBRARY
from detlite.accuracy.detect import predict
from detlite.accuracy.hosts import ThisMachine
from detlite.accuracy.predictions import Predictions
from detlite.accuracy.resized import ResizedAs
from detlite.devices.packaging.android.app_task import AppTask, app_task
from detlite.devices.packaging.android.client import ClientResults, client_in, run_client
from detlite.devices.packaging.android.variant import Variant
from detlite.runtime.artifact import Artifact
from detlite.runtime.image.preprocess import fitted
from detlite.runtime.image.read import read_image
from detlite.runtime.inputs import ImageInput
from detlite.runtime.progress import Progress, silent

OWN, ALIKE, BEFORE = "client", "client; detlite as it does", "detlite"
"""Who resizes: each in its own way; both in the client's way; detlite for both."""

CLIENT_WAYS = {"mediapipe": MEDIAPIPE, "tflite-support": TASK_LIBRARY}
"""How each client resizes, by its package."""


@dataclass(frozen=True)
class _Handed:
    """The images that everyone gets: PNG files, and their sizes (height, width)."""

    files: list[Path]
    sizes: list[tuple[int, int]]


def measure_identity(
    variant: Variant, pythons: Sequence[Path], images: Sequence[Path], *, progress: Progress = silent
) -> list[dict[str, Any]]:
    """Return records of how closely the client in each environment of *pythons* says what detlite says.

    The images are decoded once and passed to everyone as PNG files, so that JPEG decoders play no part. Clients
    stretch images: where the model's are cropped or padded, the app's code does that, and `BEFORE` alone is compared.

    Raises:
        InputError: detlite detects nothing in the images.
        MissingToolError: an interpreter has no client.
        DeviceError: a client refuses the model.
    """
    for python in pythons:
        client_in(python)  # fails before any work is done
    records, task = [], app_task(variant.contract)
    with tempfile.TemporaryDirectory() as scratch:
        whole_image = replace(variant.contract.image, crop=None, letterbox=None)
        artifact = Artifact(Path(scratch) / variant.file, variant.contract.with_image(whole_image))
        artifact.model.write_bytes(variant.data)
        stretches = whole_image == variant.contract.image
        whole = _decoded(images, Path(scratch) / "whole") if stretches else None
        small = _decoded(images, Path(scratch) / "small", variant.contract.image)
        ours = {BEFORE: predict(artifact, small.files)}
        if whole is not None:
            ours[OWN] = predict(artifact, whole.files)
        for number, python in enumerate(pythons):
            seen = {BEFORE: run_client(python, artifact, small.files, small.sizes)}
            if whole is not None:
                seen[OWN] = run_client(python, artifact, whole.files, whole.sizes)
            if whole is not None and not task.has_image_size:
                seen[ALIKE] = seen[OWN]
                resized = ResizedAs(CLIENT_WAYS[seen[OWN].client], ThisMachine())
                ours[ALIKE] = resized.detect(artifact, whole.files)
            told = {way: task.as_told(found, variant.contract.labels) for way, found in ours.items()}
            records += [compare(task, seen[way], told[way], way) for way in (OWN, ALIKE, BEFORE) if way in seen]
            progress("clients", number + 1, len(pythons))
    return records


def compare(task: AppTask[Any], seen: ClientResults[Any], ours: Predictions, resized_by: str) -> dict[str, Any]:
    """Return how closely what a client says is what detlite says; *ours* was made with the same file and images.

    The record has `client` (its package and version), `resized_by`, `images` (their number) and the numbers of the
    task's `compare`, where `fidelity` is the task's agreement in percent, with detlite's results as the truth.

    Raises:
        InputError: there is nothing to compare.
    """
    compared = task.compare(seen.predictions, ours)
    count = len(ours.sizes)
    client = f"{seen.client} {seen.version}"
    return {"client": client, "resized_by": resized_by, "images": count, "compared": count, **compared}


def _decoded(images: Sequence[Path], folder: Path, size: ImageInput | None = None) -> _Handed:
    """Write each image as PNG to *folder*, in the size of the input *size* and as it says if given."""
    from PIL import Image

    folder.mkdir()
    files, sizes = [], []
    for number, path in enumerate(images):
        pixels = read_image(path)
        if size is not None:
            pixels = np.rint(fitted(pixels, size)).astype(np.uint8)
        file = folder / f"{number}.png"
        Image.fromarray(pixels).save(file, compress_level=1)
        files.append(file)
        sizes.append((pixels.shape[0], pixels.shape[1]))
    return _Handed(files, sizes)
