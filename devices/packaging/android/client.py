"""Running an Android client in its own Python environment, on this machine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from detlite.accuracy.predictions import Predictions
from detlite.devices.packaging.android.app_task import app_task
from detlite.runtime.artifact import Artifact
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import DeviceError, InputError, MissingToolError
from detlite.runtime.strict_json import parse_json

CLIENTS = ("mediapipe", "tflite_support")
"""The clients' modules; an environment has one of them."""

PROGRAM = Path(__file__).with_name("client_program.py")

PROBE = "import importlib.util as u; print(*(n for n in {names!r} if u.find_spec(n)))"
PROBE_S = 60
START_S, IMAGE_S = 120, 10

P = TypeVar("P", bound=Predictions)


@dataclass(frozen=True, eq=False)
class ClientResults(Generic[P]):
    """A client's name and version, and what it says about the images."""

    client: str
    version: str
    predictions: P


def client_in(python: Path) -> str:
    """Return which of `CLIENTS` the environment of the interpreter *python* has.

    Raises:
        MissingToolError: it has none of them, or *python* is not a Python interpreter.
    """
    probe = PROBE.format(names=CLIENTS)
    try:
        done = subprocess.run([_program(python), "-I", "-c", probe], capture_output=True, text=True, timeout=PROBE_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingToolError(f"{python} cannot be run as a Python interpreter: {error}") from error
    found = done.stdout.split() if done.returncode == 0 else []
    if not found or found[0] not in CLIENTS:
        raise MissingToolError(f"{python} has no client: install mediapipe or tflite-support in its environment")
    return found[0]


def run_client(
    python: Path, artifact: Artifact, images: Sequence[Path], sizes: Sequence[tuple[int, int]]
) -> ClientResults[Any]:
    """Return what *python*'s client says with *artifact* about the files *images*, of *sizes* (height, width).

    Raises:
        MissingToolError: *python* has no client.
        DeviceError: the client refuses the model, or fails.
    """
    command = [_program(python), "-I", str(PROGRAM), client_in(python)]
    kind = artifact.contract.task.kind
    asked = {"model": str(artifact.model), "images": [str(path) for path in images], "task": kind}
    limit_s = START_S + IMAGE_S * len(images)
    try:
        done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, timeout=limit_s)
    except subprocess.TimeoutExpired as error:
        raise DeviceError(
            f"the client of {python} took more than {limit_s} s for {counted(len(images), 'image')}"
        ) from error
    if done.returncode != 0:
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "it printed nothing")
        raise DeviceError(f"the client of {python} failed with status {done.returncode}: {last[:300]}")
    return _seen(done.stdout, sizes, artifact.contract)


def _program(python: Path) -> str:
    """Return what starts *python*: the file if there is one, or else the name of a program on the path."""
    return str(python.absolute() if python.is_file() else python)


def _seen(answer: str, sizes: Sequence[tuple[int, int]], contract: Contract) -> ClientResults[Any]:
    try:
        record = parse_json(answer.splitlines()[-1])
        client, version, images = str(record["client"]), str(record["version"]), list(record["images"])
        if len(images) != len(sizes):
            raise InputError(f"its answer has {counted(len(images), 'image')}, expected {len(sizes)}")
        return ClientResults(client, version, app_task(contract).results(images, sizes, contract.labels))
    except (InputError, ValueError, KeyError, TypeError, IndexError) as error:
        raise DeviceError(f"the client's answer cannot be read: {type(error).__name__}: {error}") from error
