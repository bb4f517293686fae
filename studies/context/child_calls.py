"""What a child process is asked to do: find things in images, and write their embeddings down."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from detlite.devices.remote.journal import Journal
from detlite.runtime.arrays import Floats, Pixels
from detlite.runtime.artifact import Artifact
from detlite.runtime.contract import contract_from_json
from detlite.runtime.errors import InputError
from detlite.runtime.image.read import read_image
from detlite.runtime.progress import Progress
from detlite.runtime.records import from_record
from detlite.runtime.session import Session
from detlite.runtime.stream import WORKERS, ahead
from detlite.runtime.tasks.detection import EMBEDDINGS, detection_of
from detlite.studies.context.bank import Box

Record = dict[str, Any]


@dataclass(frozen=True)
class EmbeddingRequest:
    """One run.

    Attributes:
        model: the model file.
        contract: of the model, as JSON; it returns embeddings.
        images: the image files.
        digests: the sha256 of each.
        per_image: the most detections of an image.
        threads: of the interpreter.
        out: the file that gets a line of JSON for each image.
        done: how many images were finished before, for the progress.
    """

    model: Path
    contract: str
    images: tuple[Path, ...]
    digests: tuple[str, ...]
    per_image: int
    threads: int
    out: Path
    done: int = 0


def embed_images(record: Record, progress: Progress) -> Record:
    """Write the embeddings that the `EmbeddingRequest` in *record* asks for; an image that cannot be read is named.

    Returns:
        `runtime`.
    """
    request = from_record(EmbeddingRequest, record)
    session = Session(Artifact(request.model, contract_from_json(request.contract)), threads=request.threads)
    journal, total = Journal(request.out), request.done + len(request.images)
    with ThreadPoolExecutor(WORKERS) as pool:
        pixels = ahead(pool, _read, request.images)
        for number, (image, digest) in enumerate(zip(pixels, request.digests, strict=True)):
            path = request.images[number]
            if isinstance(image, InputError):
                line: Record = {"image": str(path), "sha256": digest, "error": str(image)}
            else:
                found = _found(session, image, request.per_image)
                line = {"image": str(path), "sha256": digest, "found": found}
            journal.append((json.dumps(line, allow_nan=False) + "\n").encode())
            progress("images", request.done + number + 1, total)
    return {"runtime": session.runtime}


def _found(session: Session, image: Pixels, per_image: int) -> list[Record]:
    contract = session.contract
    session.invoke(session.preprocess(image), (image.shape[0], image.shape[1]))
    heads = session.heads()
    if not all(np.isfinite(value).all() for value in heads.values()):
        raise InputError("the model returned values that are not finite numbers: its embeddings cannot be used")
    fit = contract.image.fit((image.shape[0], image.shape[1]))
    found, rows = detection_of(contract).detections(heads, contract.labels, fit)
    listed = zip(found.above(0.0), heads[EMBEDDINGS][rows], strict=False)
    return [
        {"score": one.score, "label": one.label, "box": list(one.box or ()), "embedding": _encoded(embedding)}
        for one, embedding in list(listed)[:per_image]
    ]


def _encoded(embedding: Floats) -> str:
    return base64.b64encode(np.ascontiguousarray(embedding, "<f4").tobytes()).decode("ascii")


@dataclass(frozen=True, eq=False)
class EmbeddedImage:
    """What was found in one image.

    Attributes:
        found: the score, label, box and embedding of each detection, best first.
        error: why the image could not be read; None if it was.
    """

    found: tuple[tuple[float, str, Box, Floats], ...]
    error: str | None = None


def embedded_images(journal: Journal) -> dict[str, EmbeddedImage]:
    """Return what `embed_images` wrote to *journal*, by the sha256 of the image.

    Raises:
        InputError: it is damaged.
    """
    try:
        return {str(line["sha256"]): _embedded(line) for line in journal.read()}
    except (LookupError, TypeError, ValueError) as error:
        raise InputError(f"{journal.path} is damaged: {error!r}; remove it to begin anew") from error


def _embedded(line: Mapping[str, Any]) -> EmbeddedImage:
    if "error" in line:
        return EmbeddedImage((), str(line["error"]))
    found = []
    for one in line["found"]:
        y1, x1, y2, x2 = map(float, one["box"])
        numbers = np.frombuffer(base64.b64decode(one["embedding"], validate=True), "<f4").astype(np.float32)
        found.append((float(one["score"]), str(one["label"]), (y1, x1, y2, x2), numbers))
    return EmbeddedImage(tuple(found))


def _read(path: Path) -> Pixels | InputError:
    try:
        return read_image(path)
    except InputError as error:
        return error
