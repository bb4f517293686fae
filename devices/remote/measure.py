"""Measuring on a device by the board's program; the run's folder stays on the device until all of it is here."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from detlite.devices.deploy.device_lock import Hold, hold
from detlite.devices.inventory import Device
from detlite.devices.remote.board import board_measurement, bring, finish_run, prepare_run_folder
from detlite.devices.remote.facts import with_device
from detlite.devices.remote.staging import ARTIFACT_FOLDER, IMAGE_FOLDER, Staged, put, stage, stage_images
from detlite.devices.survey.affinity import affinity_words
from detlite.devices.survey.measured import sensors_after, standing_before, with_standing
from detlite.devices.survey.watching import watching
from detlite.devices.transport.connect import connect
from detlite.runtime.artifact import Artifact
from detlite.runtime.measure.results import Measurement
from detlite.runtime.progress import Progress, silent
from detlite.runtime.version import __version__

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

FLAGS = {"end_to_end": "--end-to-end", "accuracy": "--accuracy", "profile": "--profile", "find": "--find"}
"""The same of those without a value."""


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

    @property
    def affinity(self) -> str | None:
        """The cores to keep to; None for any."""
        return self.values.get("affinity")

    def arguments(self) -> list[str]:
        """Return the options for the board's program."""
        given = {flag: self.values.get(name) for name, flag in OPTIONS.items()}
        found = [part for flag, value in given.items() if value is not None for part in (flag, str(value))]
        found += [part for delegate in self.values.get("delegates") or () for part in ("--delegate", delegate)]
        found += [flag for name, flag in FLAGS.items() if self.values.get(name)]
        xnnpack = self.values.get("xnnpack")
        return found if xnnpack is None else [*found, "--xnnpack" if xnnpack else "--no-xnnpack"]


def measure_on(device: Device, ask: Ask, *, progress: Progress = silent) -> Measurement:
    """Measure on *device* by the board's program; `device` also has the inventory's facts.

    Raises:
        InputError: the folder for the run holds something, or the device does not take the model.
        FindingError: the device is not in the power mode that the inventory insists on.
        DeviceError: the device failed or was lost; finished processes are kept there, and the same call goes on.
    """
    if ask.out is not None:
        prepare_run_folder(ask.out, force=bool(ask.values.get("force")))
    with tempfile.TemporaryDirectory(prefix="detlite-") as scratch:
        staged = stage(ask.artifact, Path(scratch))
        images = stage_images(ask.images, Path(scratch))
        key = _key(staged, [file.sha256 for file in images], [*ask.arguments(), str(ask.affinity)])
        with connect(device) as transport, hold(transport, device.folder, "measure") as held:
            before = standing_before(transport, device)
            pinned = affinity_words(ask.affinity, before.sensors.clusters)
            deployed = put(held, staged, images, progress=progress)
            folder = f"{held.work}/runs/{key}"
            with watching(transport, before.kind.watch) as lines:
                words = _words(held, ask, has_images=bool(images))
                program = [*pinned, device.python, f"{held.lock}/out/board.pyz"]
                found = board_measurement(held, device, program, folder, words)
            after = sensors_after(transport, before)
            bring(held, folder, ask.out)
    known = {"machine": deployed.machine, "emulator": deployed.emulator}
    found = replace(found, model=str(ask.artifact.model), affinity=pinned[-1] if pinned else None)
    found = with_device(with_standing(found, before, after, lines), device, known)
    if ask.out is not None:
        finish_run(ask.out, found)
    return found


def _key(staged: Staged, images: list[str], arguments: list[str]) -> str:
    asked = [__version__, staged.program.sha256, staged.model_sha256, images, arguments]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:32]


def _words(held: Hold, ask: Ask, *, has_images: bool) -> list[str]:
    """Return what the board's program is asked, behind `measure`."""
    out = f"{held.lock}/out"
    images = ["--images", f"{out}/{IMAGE_FOLDER}"] if has_images else []
    return [f"{out}/{ARTIFACT_FOLDER}", *images, *ask.arguments()]
