"""A run of a scenario: its processes one after the other, then the verdict."""

from __future__ import annotations

import errno
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional, Tuple

from detlite.runtime.artifact import sha256_of
from detlite.runtime.child import run_in_child
from detlite.runtime.errors import DetliteError, DeviceError, InputError, MissingToolError
from detlite.runtime.measure.import_samples import import_process
from detlite.runtime.measure.loadgen_log import write_logs
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.measure.results import Failure, Measurement, with_failure
from detlite.runtime.measure.run_folder import (
    ENDED,
    MEASUREMENT,
    OPENED,
    PROTOCOL,
    SAMPLES,
    STATE,
    process_folder,
    read_json,
    read_rows,
    refuse_strangers,
    set_aside,
    write_json,
)
from detlite.runtime.measure.run_summary import failure_of, series_of, summarize
from detlite.runtime.measure.state import StateLog, read_sittings
from detlite.runtime.plugins import load_plugin
from detlite.runtime.progress import Progress, silent
from detlite.runtime.records import from_record, to_record
from detlite.runtime.runners.backend import BACKENDS, Backend
from detlite.runtime.runners.profile import OperatorTime
from detlite.runtime.version import __version__

PROFILE_TIMEOUT_S = 600.0
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class _Profiled:
    """Key of the profile in a measurement's record, of any version."""

    profile: Optional[Tuple[OperatorTime, ...]] = None


def measure_model(
    setup: Setup, *, run: Optional[Path] = None, force: bool = False, progress: Progress = silent
) -> Measurement:
    """Measure as *setup* says; with *run*, keep everything in that folder.

    An interrupted run is resumed: finished processes are kept. `failure` says what stopped a run; what was
    finished before is in the measurement.

    Raises:
        InputError: *run* is another run's folder, or *setup* is impossible; nothing is written.
        DetliteError: nothing could be measured.
    """
    if run is None:
        with tempfile.TemporaryDirectory(prefix="detlite-") as folder:
            return _measure(setup, Path(folder), progress)
    made = prepare_run(run, setup, force=force)
    try:
        return _measure(setup, run, progress)
    except DetliteError:
        if made and not any(len(read_rows(path)) for path in run.glob(f"process-*/{SAMPLES}")):
            shutil.rmtree(run)
        raise


def profile_of(run: Path) -> Tuple[OperatorTime, ...]:
    """Return the profile of the run in the folder *run*.

    Raises:
        InputError: it is not a run, or was measured without --profile.
    """
    record = read_json(run / MEASUREMENT) or {}
    try:
        profile = from_record(_Profiled, record).profile
    except InputError:
        profile = None
    if profile is None:
        raise InputError(f"{run} has no profile: give the folder of a run that was measured with --profile")
    return profile


def prepare_run(run: Path, setup: Setup, *, force: bool) -> bool:
    """Create the folder *run*, or accept one that was started with the same protocol; return whether it is new."""
    images = [path.name for path in setup.images]
    protocol = to_record(setup.protocol())
    asked = {**protocol, "images": images, "model_sha256": sha256_of(setup.model), "detlite": __version__}
    if run.is_dir() and any(run.iterdir()):
        begun = read_json(run / PROTOCOL)
        if begun is None:
            raise InputError(f"{run} contains files that are not a run: choose another folder")
        if begun == asked and not _is_whole(run):
            return False
        if not force:
            raise InputError(f"{run} already contains a run: choose another folder, or pass --force to replace it")
        refuse_strangers(run)
        for item in run.iterdir():
            shutil.rmtree(item) if item.is_dir() else item.unlink()
    elif run.exists() and not run.is_dir():
        raise InputError(f"{run} is a file; give a folder to write")
    try:
        run.mkdir(parents=True, exist_ok=True)
        write_json(run / PROTOCOL, asked)
    except OSError as error:
        raise _cannot_write(run, error) from error
    return True


def _is_whole(run: Path) -> bool:
    """Return whether the run finished; a failed run is resumed."""
    record = read_json(run / MEASUREMENT)
    return record is not None and record.get("failure") is None


def _cannot_write(run: Path, error: OSError) -> DetliteError:
    kind = MissingToolError if error.errno in NO_ROOM else InputError
    return kind(f"{run} cannot be written: {error.strerror}; choose another folder")


def _measure(setup: Setup, run: Path, progress: Progress) -> Measurement:
    earlier = read_sittings(run / STATE)
    with StateLog(run / STATE, sitting=len(earlier) + 1) as log:
        failure = _processes(setup, run, progress)
    found = summarize(setup, run, [*earlier, log.states], failure)
    if setup.profile and failure is None:
        found = _profiled(found, setup, run)
    if setup.accuracy and failure is None:
        found = with_failure(found, _accuracy(setup, run, progress))
    try:
        write_logs(run, setup, found, series_of(setup, run)[0])
        write_json(run / MEASUREMENT, found.to_record())
    except OSError as error:
        found = with_failure(found, failure_of(error))
    return found


def _processes(setup: Setup, run: Path, progress: Progress) -> Optional[Failure]:
    """Run the remaining processes, and return what stopped them."""
    for number in range(1, setup.preset.processes + 1):
        failure = _process(setup, run, number, progress)
        if failure is not None:
            return failure
    return None


def _process(setup: Setup, run: Path, number: int, progress: Progress) -> Optional[Failure]:
    """Run process *number* unless it is finished already; return what stopped it."""
    folder = process_folder(run, number)
    if (folder / ENDED).is_file():
        return None
    try:
        folder.mkdir(exist_ok=True)
        set_aside(folder)
        backend: Backend = load_plugin(BACKENDS, setup.backend)
        if backend.measure is not None:
            import_process(backend.measure, setup.model, setup.load(), folder)
            return None
        run_in_child("detlite.runtime.measure.process:measure_process", setup.request(folder), progress=progress)
    except (DetliteError, OSError) as error:
        if not isinstance(error, (DeviceError, OSError)) and not (folder / OPENED).is_file() and number == 1:
            raise
        return failure_of(error, number)
    return None


def _accuracy(setup: Setup, run: Path, progress: Progress) -> Optional[Failure]:
    """Run every image, and return what stopped that."""
    try:
        run_in_child("detlite.runtime.measure.accuracy_run:accuracy_process", setup.request(run), progress=progress)
    except (DetliteError, OSError) as error:
        return failure_of(error)
    return None


def _profiled(found: Measurement, setup: Setup, run: Path) -> Measurement:
    """Return *found* with the profile, or with the reason why there is none: the samples are valid without it."""
    try:
        answer = run_in_child(
            "detlite.runtime.runners.profile:profile_process", setup.request(run), timeout_s=PROFILE_TIMEOUT_S
        )
    except (DetliteError, OSError) as error:
        return replace(found, profile_failure=failure_of(error).text)
    return replace(found, profile=tuple(from_record(OperatorTime, one) for one in answer["operators"]))
