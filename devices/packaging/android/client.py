"""Running an Android client in its own Python environment, on this machine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detlite.accuracy.detect import Detected
from detlite.runtime.errors import DeviceError, InputError, MissingToolError
from detlite.runtime.strict_json import parse_json

CLIENTS = ("mediapipe", "tflite_support")
"""The clients' modules; an environment has one of them."""

PROGRAM = Path(__file__).with_name("client_program.py")

PROBE = "import importlib.util as u; print(*(n for n in {names!r} if u.find_spec(n)))"
PROBE_S = 60
START_S, IMAGE_S = 120, 10
COLUMNS = 6  # label, score, top, left, bottom, right


@dataclass(frozen=True, eq=False)
class ClientDetections:
    """A client's name and version, and its detections."""

    client: str
    version: str
    detected: Detected


def client_in(python: Path) -> str:
    """Return which of `CLIENTS` the environment of the interpreter *python* has.

    Raises:
        MissingToolError: it has none of them, or *python* is not a Python interpreter.
    """
    probe = PROBE.format(names=CLIENTS)
    try:
        done = subprocess.run([str(python), "-I", "-c", probe], capture_output=True, text=True, timeout=PROBE_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingToolError(f"{python} cannot be run as a Python interpreter: {error}") from error
    found = done.stdout.split() if done.returncode == 0 else []
    if not found or found[0] not in CLIENTS:
        raise MissingToolError(f"{python} has no client: install mediapipe or tflite-support in its environment")
    return found[0]


def run_client(
    python: Path, model: Path, images: Sequence[Path], sizes: Sequence[tuple[int, int]], labels: Sequence[str]
) -> ClientDetections:
    """Return what *python*'s client detects with *model* in the files *images*, of *sizes* (height, width).

    Raises:
        MissingToolError: *python* has no client.
        DeviceError: the client refuses the model, or fails.
    """
    command = [str(python), "-I", str(PROGRAM), client_in(python)]
    request = json.dumps({"model": str(model), "images": [str(path) for path in images]})
    limit_s = START_S + IMAGE_S * len(images)
    try:
        done = subprocess.run(command, input=request, capture_output=True, text=True, timeout=limit_s)
    except subprocess.TimeoutExpired as error:
        raise DeviceError(f"the client of {python} took more than {limit_s} s for {len(images)} images") from error
    if done.returncode != 0:
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "it printed nothing")
        raise DeviceError(f"the client of {python} failed with status {done.returncode}: {last[:300]}")
    return _seen(done.stdout, sizes, labels)


def _seen(answer: str, sizes: Sequence[tuple[int, int]], labels: Sequence[str]) -> ClientDetections:
    try:
        record = parse_json(answer.splitlines()[-1])
        client, version, images = str(record["client"]), str(record["version"]), list(record["images"])
        if len(images) != len(sizes):
            raise InputError(f"its answer has {len(images)} images, expected {len(sizes)}")
        return ClientDetections(client, version, _detected(images, sizes, labels))
    except (InputError, ValueError, KeyError, TypeError, IndexError) as error:
        raise DeviceError(f"the client's answer cannot be read: {type(error).__name__}: {error}") from error


def _detected(images: list[list[list[object]]], sizes: Sequence[tuple[int, int]], labels: Sequence[str]) -> Detected:
    number = {label: index for index, label in reversed(list(enumerate(labels)))}
    rows = [(index, *row) for index, image in enumerate(images) for row in image]
    unknown = sorted({str(row[1]) for row in rows} - set(number))
    if unknown or any(len(row) != COLUMNS + 1 for row in rows):
        raise InputError(f"labels that the model does not have: {', '.join(unknown)}")
    where = np.array([row[0] for row in rows], np.int64)
    scale = np.array(sizes, np.float32)[where][:, [0, 1, 0, 1]] if rows else np.ones((0, 4), np.float32)
    return Detected(
        boxes=np.array([row[3:] for row in rows], np.float32).reshape(-1, 4) / scale,
        classes=np.array([number[str(row[1])] for row in rows], np.int64),
        scores=np.array([row[2] for row in rows], np.float32),
        image_index=where,
        sizes=np.array(sizes, np.int64),
        invoke_ns=np.zeros(len(sizes), np.int64),
    )
