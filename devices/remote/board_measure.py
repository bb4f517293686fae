"""Measuring on a device by the board's program; the run's folder stays on the device until all of it is here."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import replace
from pathlib import Path

from detlite.devices.deploy.device_lock import Hold, hold
from detlite.devices.inventory import Device
from detlite.devices.remote.board import board_measurement, bring, finish_run, prepare_run_folder
from detlite.devices.remote.facts import with_device
from detlite.devices.remote.request import MeasureRequest
from detlite.devices.remote.staging import ARTIFACT_FOLDER, IMAGE_FOLDER, Staged, put, stage, stage_images
from detlite.devices.survey.affinity import affinity_words
from detlite.devices.survey.measured import sensors_after, standing_before, with_standing
from detlite.devices.survey.watching import watching
from detlite.devices.transport.connect import connect
from detlite.runtime.measure.options import MeasureOptions
from detlite.runtime.measure.results import Measurement
from detlite.runtime.progress import Progress, silent
from detlite.runtime.version import __version__

FLAGS = {
    "scenario": "--scenario",
    "preset": "--preset",
    "backend": "--backend",
    "processes": "--processes",
    "queries": "--queries",
    "min_duration_s": "--min-seconds",
    "streams": "--streams",
    "per_second": "--target-qps",
    "fps": "--fps",
    "find": "--find",
    "end_to_end": "--end-to-end",
    "accuracy": "--accuracy",
    "profile": "--profile",
}
"""The flags of the board's program that pass on one field of `MeasureOptions` each, by the field's name."""


def option_words(options: MeasureOptions) -> list[str]:
    """Return *options* as words for the board's program."""
    words = ["--threads", str(options.threads)]
    for name, flag in FLAGS.items():
        value = getattr(options, name)
        if value is not None and value is not False:
            words += [flag] if value is True else [flag, str(value)]
    words += [word for delegate in options.delegates for word in ("--delegate", delegate)]
    return words if options.xnnpack is None else [*words, "--xnnpack" if options.xnnpack else "--no-xnnpack"]


def measure_by_board(device: Device, request: MeasureRequest, *, progress: Progress = silent) -> Measurement:
    """Measure on *device* by the board's program; `device` also has the inventory's facts.

    Raises:
        InputError: the folder for the run holds something, or the device does not take the model.
        FindingError: the device is not in the power mode that the inventory insists on.
        DeviceError: the device failed or was lost; finished processes are kept there, and the same call goes on.
    """
    if request.out is not None:
        prepare_run_folder(request.out, force=request.force)
    with tempfile.TemporaryDirectory(prefix="detlite-") as scratch:
        staged = stage(request.artifact, Path(scratch))
        images = stage_images(request.images, Path(scratch), upright=False)
        key = _key(staged, [file.sha256 for file in images], [*option_words(request.options), str(request.affinity)])
        with connect(device) as transport, hold(transport, device.folder, "measure") as held:
            before = standing_before(transport, device)
            pinned = affinity_words(request.affinity, before.sensors.clusters)
            deployed = put(held, staged, images, progress=progress)
            folder = f"{held.work}/runs/{key}"
            with watching(transport, before.kind.watch) as lines:
                words = _words(held, request, has_images=bool(images))
                program = [*pinned, device.python, f"{held.lock}/out/board.pyz"]
                found = board_measurement(held, device, program, folder, words)
            after = sensors_after(transport, before)
            bring(held, folder, request.out)
    known = {"machine": deployed.machine, "emulator": deployed.emulator}
    found = replace(found, model=str(request.artifact.model), affinity=pinned[-1] if pinned else None)
    found = with_device(with_standing(found, before, after, lines), device, known)
    if request.out is not None:
        finish_run(request.out, found)
    return found


def _key(staged: Staged, images: list[str], arguments: list[str]) -> str:
    asked = [__version__, staged.program.sha256, staged.model_sha256, images, arguments]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:32]


def _words(held: Hold, request: MeasureRequest, *, has_images: bool) -> list[str]:
    """Return the arguments of the board's program after `measure`."""
    out = f"{held.lock}/out"
    images = ["--images", f"{out}/{IMAGE_FOLDER}"] if has_images else []
    return [f"{out}/{ARTIFACT_FOLDER}", *images, *option_words(request.options)]
