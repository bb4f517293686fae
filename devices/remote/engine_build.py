"""Building TensorRT's engine of an .onnx on a held device by `trtexec`, and keeping it there by what it depends on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.devices.deploy.device_lock import Hold
from detlite.devices.deploy.job import JobError, job_lines
from detlite.devices.parsers import trtexec_log
from detlite.devices.parsers.trtexec_log import TrtexecRun
from detlite.devices.survey.measured import Standing
from detlite.devices.transport.run import last_line, run, shell_script
from detlite.runtime.artifact import sha256_of
from detlite.runtime.errors import DeviceError, InputError, MissingToolError
from detlite.runtime.runners.tensorrt_versions import (
    LAYERS_NAMED,
    TensorRtVersion,
    building_options,
    known_row,
    parse_version,
    version_in,
)
from detlite.runtime.version import __version__

BUILD = Path(__file__).with_name("build_engine.sh")
BUILD_S = 3600.0  # an int8 engine of a large model takes a Nano over half an hour
ASK_S = 60.0
ASK = "PATH=$PATH:/usr/src/tensorrt/bin trtexec --help 2>&1 | head -n 1"

Record = dict[str, Any]


@dataclass(frozen=True)
class EngineOrder:
    """Which engine to build.

    Attributes:
        onnx: the file on this machine.
        sent: the same on the device.
        precision: what the engine may compute in; None for the default of TensorRT's version.
        is_int8: whether the file rounds to int8 itself.
    """

    onnx: Path
    sent: str
    precision: str | None
    is_int8: bool


def version_on(held: Hold, before: Standing) -> str | None:
    """Return TensorRT's version on the device: of its package, else of trtexec itself; None if neither says."""
    packaged = before.identity.facts.get("tensorrt")
    if packaged is not None:
        return packaged
    said = version_in(run(held.transport, ["sh", "-c", ASK], timeout_s=ASK_S).out.decode(errors="replace"))
    return None if said is None else ".".join(map(str, said))


def row_for(version: str | None) -> TensorRtVersion | None:
    """Return what TensorRT's *version*, such as 10.3.0.30, takes; None if it is unknown."""
    try:
        return known_row(None if version is None else parse_version(version))
    except InputError:
        return None


def built_engine(held: Hold, order: EngineOrder, before: Standing) -> Record:
    """Return the engine on the device: `path`, `sha256`, `kept` (from an earlier run), and what built it.

    It is kept by what it depends on: the model's content, TensorRT's version, the GPU and the power mode, in which
    trtexec chose the fastest kernels; what it may compute in, and trtexec's options. Its log and its layers are
    beside it, as `path` with `.log` and `.layers`.

    Raises:
        InputError: trtexec does not take the .onnx, or its version has no such precision.
        MissingToolError: trtexec is not there.
        DeviceError: the device was lost, or trtexec failed.
    """
    version = version_on(held, before)
    row, modes = row_for(version), before.sensors.power_modes
    precision, flags = building_options(row, order.precision, is_int8=order.is_int8)
    more = () if row is None else (row.build_only, *((LAYERS_NAMED,) if row.has_layer_info else ()))
    parts: Record = {
        "onnx_sha256": sha256_of(order.onnx),
        "tensorrt": version or before.identity.facts.get("l4t", "unknown"),
        "gpu": f"{before.identity.model} {before.identity.facts.get('part', '')}".strip(),
        "power_mode": None if modes is None else modes.current,
        "precision": precision,
        "options": [*flags, *more],
    }
    path = f"{held.work}/engines/{key_of(*map(str, parts.values()))}.engine"
    tells = f"{path}.layers" if row is not None and row.has_layer_info else ""
    words = ["build", "trtexec", path, order.sent, tells, *parts["options"]]
    text = _said(held, ["sh", "-c", shell_script(BUILD), *words])
    last = last_line(text).split()
    if len(last) != 3 or last[0] != "engine" or last[1] not in ("kept", "built"):
        raise DeviceError(f"{held.transport.name}: building the engine said {last_line(text)!r}")
    engine: Record = {**parts, "path": path, "sha256": last[2], "kept": last[1] == "kept"}
    built = _run(text)
    if built is None:
        return engine
    return engine | {"version": built.version, "gpu_name": built.gpu, "build_s": built.build_s}


def _said(held: Hold, command: list[str]) -> str:
    """Return what the job *command* says; errors as `built_engine`."""
    lines: list[bytes] = []
    try:
        lines.extend(job_lines(held, command, timeout_s=BUILD_S))
    except JobError as error:
        raise _failure(held, error, b"".join(lines).decode(errors="replace")) from error
    return b"".join(lines).decode(errors="replace")


def _run(text: str) -> TrtexecRun | None:
    try:
        return trtexec_log.parse(text)[-1]
    except InputError:
        return None


def _failure(held: Hold, error: JobError, text: str) -> DeviceError | InputError | MissingToolError:
    name, found = held.transport.name, _run(text)
    if "trtexec" in text and "not found" in text and found is None:
        return MissingToolError(f"{name} has no trtexec: sudo apt-get install libnvinfer-bin")
    why = found.errors[0] if found and found.errors else last_line(text) or last_line(error.said) or "it said nothing"
    if found is not None and any("ModelImporter" in one or "parse" in one.lower() for one in found.errors):
        return InputError(f"{name}: trtexec does not take the .onnx: {why}")
    return DeviceError(f"{name}: trtexec failed: {why}")


def key_of(*parts: str) -> str:
    """Return a name for what depends on *parts*, and on this version of detlite."""
    return hashlib.sha256(json.dumps([__version__, *parts]).encode()).hexdigest()[:32]
