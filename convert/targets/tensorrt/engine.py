"""What is known of a TensorRT engine: the version in its header, and the facts that detlite wrote beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.runtime.artifact import sha256_of
from detlite.runtime.errors import InputError
from detlite.runtime.records import from_record
from detlite.runtime.runners.engine_file import builder_of
from detlite.runtime.strict_json import load_json

FACTS = "engine.json"
"""The file beside an engine that `compile --target tensorrt --device` brought."""

SUFFIXES = (".engine", ".plan")
FIRST_WITH_HEADER = "8.6"

Record = dict[str, Any]


@dataclass(frozen=True)
class EngineFacts:
    """What an engine depends on, as `FACTS` states it: an engine runs nowhere else.

    Attributes:
        sha256: of the engine.
        tensorrt: the version that built it, with its build number where that is known.
        gpu: the board and its GPU.
        power_mode: of the board, in which kernels were chosen; None if it has no modes.
        precision: what the engine may compute in.
        onnx_sha256: of the .onnx that it was built of.
    """

    sha256: str
    tensorrt: str
    gpu: str | None = None
    power_mode: str | None = None
    precision: str | None = None
    onnx_sha256: str | None = None


def is_engine(path: Path) -> bool:
    """Return whether the name of *path* is one of an engine."""
    return path.suffix in SUFFIXES


def inspect_engine(path: Path) -> Record:
    """Return the facts of the engine at *path*, as `detlite inspect` shows them.

    Raises:
        InputError: neither its header nor a file beside it says that it is an engine, or that file is damaged.
    """
    sha256, built = sha256_of(path), builder_of(path)
    noted = _noted(path, sha256)
    if noted is None and built is None:
        raise InputError(
            f"{path} does not start like an engine of TensorRT {FIRST_WITH_HEADER} or newer, and no {FACTS} "
            "beside it describes it: inspect the .onnx that it was built of"
        )
    builder = str(built) if built is not None else f"TensorRT {noted.tensorrt}" if noted else ""
    engine = EngineFacts(sha256, builder) if noted is None else noted
    on = f" on {engine.gpu}" if engine.gpu else ""
    return {
        "path": str(path),
        "format": "TensorRT engine",
        "sha256": sha256,
        "size_bytes": path.stat().st_size,
        "engine": {
            "built_by": builder,
            "gpu": engine.gpu,
            "power_mode": engine.power_mode,
            "precision": engine.precision,
            "onnx_sha256": engine.onnx_sha256,
        },
        "is": f"an engine of {builder}{on}, which runs with this version and this GPU only",
        "next": ["measure it where it was built: detlite measure --device NAME"],
        "missing": [] if engine.gpu else [f"the GPU that it was built on: no {FACTS} beside it describes it"],
    }


def _noted(path: Path, sha256: str) -> EngineFacts | None:
    """Return what `FACTS` beside the engine says; None if there is none, or it is of another engine."""
    facts = path.with_name(FACTS)
    if not facts.is_file():
        return None
    try:
        noted = from_record(EngineFacts, load_json(facts))
    except InputError as error:
        raise InputError(f"{facts} is damaged ({error}): remove it, or compile the model again") from error
    return noted if noted.sha256 == sha256 else None
