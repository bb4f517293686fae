"""Measuring on a device by the board's program; the run's folder stays on the device until all of it is here."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.devices.deploy.hold import Hold, hold
from detlite.devices.deploy.job import JobError, job_lines
from detlite.devices.inventory import Device
from detlite.devices.remote.board_errors import board_errors
from detlite.devices.remote.facts import EMULATED, device_facts, is_emulated, say_emulated
from detlite.devices.remote.stage import ARTIFACT_FOLDER, IMAGE_FOLDER, Staged, put, stage, stage_images
from detlite.devices.transport.connect import connect
from detlite.devices.transport.run import run
from detlite.devices.transport.transport import LostError
from detlite.runtime.artifact import Artifact
from detlite.runtime.errors import DeviceError, InputError
from detlite.runtime.progress import Progress, silent
from detlite.runtime.run_folder import MEASUREMENT, PROTOCOL, write_json
from detlite.runtime.version import __version__

LONGEST_S = 6 * 3600.0
FETCH_S = 300.0
OPTIONS = {
    "scenario": "--scenario",
    "preset": "--preset",
    "backend": "--backend",
    "threads": "--threads",
    "processes": "--processes",
    "queries": "--queries",
    "min_seconds": "--min-seconds",
    "streams": "--streams",
    "per_second": "--target-qps",
}
"""Of `detlite measure`, and how the board's program calls them."""

Record = dict[str, Any]


@dataclass(frozen=True)
class Ask:
    """What to measure.

    Attributes:
        artifact: which model.
        values: the options of `detlite measure` that the board's program knows, by name.
        images: which images; noise where there are none.
        out: where to keep the run; None for nowhere.
    """

    artifact: Artifact
    values: Mapping[str, Any]
    images: Sequence[Path] = ()
    out: Path | None = None

    def arguments(self) -> list[str]:
        """Return the options for the board's program."""
        given = {flag: self.values.get(name) for name, flag in OPTIONS.items()}
        found = [part for flag, value in given.items() if value is not None for part in (flag, str(value))]
        found += [part for delegate in self.values.get("delegates") or () for part in ("--delegate", delegate)]
        xnnpack = self.values.get("xnnpack")
        return found if xnnpack is None else [*found, "--xnnpack" if xnnpack else "--no-xnnpack"]


def measure_on(device: Device, ask: Ask, *, progress: Progress = silent) -> Record:
    """Measure on *device* and return the record of the board's program; its `device` also has the inventory's facts.

    Raises:
        InputError: the folder for the run holds something, or the device does not take the model.
        DeviceError: the device failed or was lost; finished processes are kept there, and the same call goes on.
    """
    if ask.out is not None:
        prepare_run_folder(ask.out, force=bool(ask.values.get("force")))
    with tempfile.TemporaryDirectory(prefix="detlite-") as scratch:
        staged = stage(ask.artifact, Path(scratch))
        images = stage_images(ask.images, Path(scratch))
        key = _key(staged, [file.sha256 for file in images], ask.arguments())
        with connect(device) as transport, hold(transport, device.folder, "measure") as held:
            deployed = put(held, staged, images, progress=progress)
            folder = f"{held.work}/runs/{key}"
            record = _measure(device, held, ask, folder, has_images=bool(images))
            _bring(held, folder, ask.out)
    known = {"machine": deployed.machine, "emulator": deployed.emulator}
    record["device"] = {**record["device"], **device_facts(device, known)}
    record["model"] = str(ask.artifact.model)
    if is_emulated(device, known):
        record = say_emulated(record)
    if ask.out is not None:
        _finish(ask.out, record)
    return record


def _finish(out: Path, record: Record) -> None:
    """Write the record as it is handed on; an emulated device's logs for MLPerf would claim what nobody measured."""
    write_json(out / MEASUREMENT, record)
    if record.get(EMULATED):
        for path in out.glob("mlperf_log_*"):
            path.unlink()


def _key(staged: Staged, images: list[str], arguments: list[str]) -> str:
    asked = [__version__, staged.program.sha256, staged.model_sha256, images, arguments]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:32]


def _measure(device: Device, held: Hold, ask: Ask, folder: str, *, has_images: bool) -> Record:
    out = f"{held.lock}/out"
    command = [device.python, f"{out}/board.pyz", "measure", f"{out}/{ARTIFACT_FOLDER}", "--json", "-o", folder]
    command += ["--images", f"{out}/{IMAGE_FOLDER}"] if has_images else []
    lines: list[bytes] = []
    try:
        with board_errors(device):
            lines.extend(job_lines(held, [*command, *ask.arguments()], timeout_s=LONGEST_S))
    except LostError as error:
        raise LostError(f"{error}; finished processes are kept on the device: measure again to go on") from error
    except DeviceError as error:
        if not isinstance(error.__cause__, JobError) or not lines:
            raise  # with lines there is a record, which says what failed
    try:
        record: Record = dict(json.loads(b"".join(lines)))
    except (ValueError, TypeError, RecursionError) as error:
        raise DeviceError(f"{device.name}: the board's program wrote no record: {b''.join(lines)[:100]!r}") from error
    return record


def prepare_run_folder(out: Path, *, force: bool) -> None:
    """Check that a run can be written to the folder *out*.

    Raises:
        InputError: it holds something, and *force* is false or that is no run.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not out.is_dir() or not (out / PROTOCOL).is_file():
        raise InputError(f"{out} holds something that is no run: choose another folder")
    if not force:
        raise InputError(f"{out} already holds a run: choose another folder, or pass --force to replace it")


def _bring(held: Hold, folder: str, out: Path | None) -> None:
    """Copy the run's folder from the device to *out*, and remove it there."""
    if out is not None:
        done = run(held.transport, ["tar", "-c", "-f", "-", "-C", folder, "."], timeout_s=FETCH_S)
        part = out.with_name(f"{out.name}.partial")
        shutil.rmtree(part, ignore_errors=True)
        try:
            with tarfile.open(fileobj=io.BytesIO(done.out), mode="r:") as archive:
                archive.extractall(part, filter="data")
        except (tarfile.TarError, OSError) as error:
            shutil.rmtree(part, ignore_errors=True)
            raise DeviceError(f"{held.transport.name}: the run did not arrive whole: {error}") from error
        if out.exists():
            shutil.rmtree(out)
        part.replace(out)
    run(held.transport, ["rm", "-rf", folder], timeout_s=FETCH_S)
