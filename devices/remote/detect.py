"""What an artifact finds in images, computed on a device; cut short, the next call goes on after the last image."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detlite.accuracy.predictions import Predictions, predictions_in
from detlite.devices.deploy.device_lock import Hold, hold
from detlite.devices.deploy.files import DeviceFile
from detlite.devices.deploy.job import job_lines
from detlite.devices.inventory import Device
from detlite.devices.remote.board_errors import board_errors
from detlite.devices.remote.facts import device_facts
from detlite.devices.remote.journal import Journal, journal
from detlite.devices.remote.staging import ARTIFACT_FOLDER, BANK, IMAGE_LIST, Staged, forget, put, stage, stage_images
from detlite.devices.transport.connect import connect
from detlite.runtime.artifact import Artifact
from detlite.runtime.counts import agreed, counted
from detlite.runtime.errors import DeviceError, InputError
from detlite.runtime.progress import Progress, silent
from detlite.runtime.result_lines import LINE_FIELDS
from detlite.runtime.strict_json import parse_json
from detlite.runtime.task import task_kind
from detlite.runtime.version import __version__

BATCH = 256  # images that are on the device at once: some 230 MB of photographs of COCO's size
START_S = 300.0
SLOWEST_IMAGE_S = 120.0  # a float model of a large image on a slow board, or an emulated one

Record = dict[str, Any]


@dataclass(frozen=True, eq=False)
class RemoteJob:
    """One job of detecting: where, with what, and what is known already.

    Attributes:
        device: the device.
        staged: the program and the artifact.
        threads: of the interpreter.
        upright: whether the images are turned by their EXIF orientation.
        fields: what a line holds of a result of the artifact's task.
        journal: where each line goes at once.
        found: the lines by the digests of the images' pixels.
        runtime: what the device runs models with; one item, or none before the first line.
        known: what is seen of the device: `machine`, `emulator`.
    """

    device: Device
    staged: Staged
    threads: int
    upright: bool
    fields: tuple[str, ...]
    journal: Journal
    found: dict[str, Record]
    runtime: list[str]
    known: dict[str, str]


@dataclass(frozen=True)
class RemoteDetector:
    """Detects on *device*; `known` has what is seen of it on the way."""

    device: Device
    known: dict[str, str] = field(default_factory=dict)

    def ready(self) -> nullcontext[None]:
        """Do nothing: a device is reached when it is known what is wanted."""
        return nullcontext()

    def detect(
        self,
        artifact: Artifact,
        paths: Sequence[Path],
        *,
        threads: int = 1,
        upright: bool = True,
        progress: Progress = silent,
    ) -> Predictions:
        """Return what *artifact* finds in the image files *paths*, turned *upright* or as stored; see `detect_on`."""
        return detect_on(
            self.device, artifact, paths, threads=threads, upright=upright, known=self.known, progress=progress
        )

    def facts(self) -> Record:
        """Return what a record says of the device."""
        return device_facts(self.device, self.known)


def detect_on(
    device: Device,
    artifact: Artifact,
    paths: Sequence[Path],
    *,
    threads: int = 1,
    upright: bool = True,
    known: dict[str, str] | None = None,
    progress: Progress = silent,
) -> Predictions:
    """Return what *artifact* finds in the image files *paths*, on *device*; what is seen of that goes to *known*.

    The images are turned *upright* by their EXIF orientation, or read as stored.

    Raises:
        InputError: there are no images, or one cannot be read.
        DeviceError: the device failed or was lost; what it had found is kept, and the same call goes on from there.
    """
    if not paths:
        raise InputError("no images to detect in")
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="detlite-") as scratch:
        staged = stage(artifact, Path(scratch))
        asked = {"model": staged.model_sha256, "contract": artifact.contract.to_json(), "threads": threads}
        if staged.bank is not None:
            asked["bank"] = staged.bank.sha256
        kept = journal(device.name, {**asked, "detlite": __version__})
        fields = task_kind(artifact.contract.task.kind).result.fields
        job = RemoteJob(device, staged, threads, upright, fields, kept, {}, [], {} if known is None else known)
        _remember(job)
        try:
            order = _detect_all(job, paths, Path(scratch), progress)
        except DeviceError as error:
            raise DeviceError(
                f"{error}; {len(job.found)} of {counted(len(paths), 'image')} {agreed(len(job.found), 'is', 'are')} "
                "kept: run again to go on"
            ) from error
    kept.remove()
    kind = artifact.contract.task.kind
    return predictions_in(kind, [job.found[sha256] for sha256 in order], time.perf_counter() - begin, job.runtime[0])


def _remember(job: RemoteJob) -> None:
    for record in job.journal.read():
        _take(job, record)


def _take(job: RemoteJob, record: Record) -> None:
    """Take one line in: what the device says of the model, or what it found in an image."""
    if "runtime" in record:
        if record.get("model_sha256") != job.staged.model_sha256:
            raise DeviceError(f"{job.device.name} runs another model than was put there: {record.get('model_sha256')}")
        if job.runtime and job.runtime[0] != record["runtime"]:
            raise InputError(
                f"{job.device.name} now has {record['runtime']}; what was kept of this job was found with "
                f"{job.runtime[0]}: remove {job.journal.path} to begin anew"
            )
        job.runtime[:] = [str(record["runtime"])]
    elif not job.runtime or not {*LINE_FIELDS, *job.fields} <= record.keys():
        raise DeviceError(f"{job.device.name} wrote a line that is none of the board's program: {str(record)[:100]}")
    else:
        job.found[Path(record["image"]).stem] = record


def _detect_all(job: RemoteJob, paths: Sequence[Path], scratch: Path, progress: Progress) -> list[str]:
    """Detect in all images, and return the digests of their pixels in order."""
    order: list[str] = []
    with connect(job.device) as transport, hold(transport, job.device.folder, "detect") as held:
        for start in range(0, len(paths), BATCH):
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                files = stage_images(paths[start : start + BATCH], Path(folder), upright=job.upright)
                order += [file.sha256 for file in files]
                wanted = {file.sha256: file for file in files if file.sha256 not in job.found}
                if not wanted:
                    continue
                _detect_batch(job, held, list(wanted.values()), len(paths), progress)
                if len(paths) > BATCH:
                    forget(held, list(wanted.values()))
    return order


def _detect_batch(job: RemoteJob, held: Hold, images: list[DeviceFile], total: int, progress: Progress) -> None:
    deployed = put(held, job.staged, images, progress=progress)
    job.known.update(machine=deployed.machine, emulator=deployed.emulator)
    out = f"{held.lock}/out"
    command = [job.device.python, f"{out}/board.pyz", "detect", f"{out}/{ARTIFACT_FOLDER}", "--lines"]
    command += ["--list", f"{out}/{IMAGE_LIST}", "--threads", str(job.threads)]
    command += [] if job.staged.bank is None else ["--bank", f"{out}/{BANK}"]
    with board_errors(job.device):
        for line in job_lines(held, command, timeout_s=START_S + SLOWEST_IMAGE_S * len(images)):
            record = _parsed(job, line)
            _take(job, record)
            job.journal.append(line)
            progress(f"{job.device.name}: images", len(job.found), total)
    missing = [file for file in images if file.sha256 not in job.found]
    if missing:
        raise DeviceError(f"{job.device.name} ended without an error, and left {counted(len(missing), 'image')} out")


def _parsed(job: RemoteJob, line: bytes) -> Record:
    try:
        return dict(parse_json(line))
    except (InputError, ValueError, TypeError) as error:
        raise DeviceError(
            f"{job.device.name} wrote a line that is none of the board's program: {line[:100]!r}"
        ) from error
