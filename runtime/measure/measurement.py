"""A measurement, from what was asked to what may be quoted: processes one after the other, then the verdict."""

from __future__ import annotations

import errno
import shutil
import tempfile
from pathlib import Path
from typing import Any, Dict, Optional

from detlite.runtime.artifact import sha256_of
from detlite.runtime.child import run_in_child
from detlite.runtime.errors import DetliteError, DeviceError, InputError, MissingToolError
from detlite.runtime.measure.import_samples import import_process
from detlite.runtime.measure.loadgen_log import write_logs
from detlite.runtime.measure.protocol import Setup
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
    set_aside,
    write_json,
)
from detlite.runtime.measure.run_record import failure_of, series_of, summarize, with_failure
from detlite.runtime.measure.state import StateLog, read_sittings
from detlite.runtime.plugins import load_plugin
from detlite.runtime.progress import Progress, silent
from detlite.runtime.runners.backend import BACKENDS, Backend
from detlite.runtime.version import __version__

PROFILE_TIMEOUT_S = 600.0
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Record = Dict[str, Any]


def measure_model(
    setup: Setup, *, run: Optional[Path] = None, force: bool = False, progress: Progress = silent
) -> Record:
    """Measure as *setup* says and return the record; with *run*, everything is kept in that folder.

    A run that was cut short is gone on with: finished processes are kept. The record's `failure` says what stopped a
    run; what was finished before is in it.

    Raises:
        InputError: *run* holds another run, or something of *setup* is not right; nothing is left behind.
        DetliteError: nothing could be measured at all.
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


def prepare_run(run: Path, setup: Setup, *, force: bool) -> bool:
    """Make the folder *run*, or accept one that was begun with the same protocol; return whether it is new."""
    images = [path.name for path in setup.images]
    asked = {**setup.protocol(), "images": images, "model_sha256": sha256_of(setup.model), "detlite": __version__}
    if run.is_dir() and any(run.iterdir()):
        begun = read_json(run / PROTOCOL)
        if begun is None:
            raise InputError(f"{run} holds something that is no run: choose another folder")
        if begun == asked and not _is_whole(run):
            return False
        if not force:
            raise InputError(f"{run} already holds a run: choose another folder, or pass --force to replace it")
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
    """Return whether nothing stopped the run: one that failed is gone on with."""
    record = read_json(run / MEASUREMENT)
    return record is not None and record.get("failure") is None


def _cannot_write(run: Path, error: OSError) -> DetliteError:
    kind = MissingToolError if error.errno in NO_ROOM else InputError
    return kind(f"{run} cannot be written: {error.strerror}; choose another folder")


def _measure(setup: Setup, run: Path, progress: Progress) -> Record:
    earlier = read_sittings(run / STATE)
    with StateLog(run / STATE, sitting=len(earlier) + 1) as log:
        failure = _processes(setup, run, progress)
    record = summarize(setup, run, [*earlier, log.states], failure)
    if setup.profile and failure is None:
        record |= _profiled(setup, run)
    if setup.accuracy and failure is None:
        record = with_failure(record, _accuracy(setup, run, progress))
    try:
        write_logs(run, setup, record, series_of(setup, run)[0])
        write_json(run / MEASUREMENT, record)
    except OSError as error:
        record = with_failure(record, failure_of(error))
    return record


def _processes(setup: Setup, run: Path, progress: Progress) -> Optional[Record]:
    """Run what is left of the processes, and return what stopped them."""
    for number in range(1, setup.preset.processes + 1):
        failure = _process(setup, run, number, progress)
        if failure is not None:
            return failure
    return None


def _process(setup: Setup, run: Path, number: int, progress: Progress) -> Optional[Record]:
    """Run process *number*, unless an earlier run finished it; return what stopped it."""
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
        run_in_child("detlite.runtime.measure.measuring:measure_process", setup.request(folder), progress=progress)
    except (DetliteError, OSError) as error:
        if not isinstance(error, (DeviceError, OSError)) and not (folder / OPENED).is_file() and number == 1:
            raise
        return {**failure_of(error), "process": number}
    return None


def _accuracy(setup: Setup, run: Path, progress: Progress) -> Optional[Record]:
    """Detect in every image, and return what stopped that."""
    try:
        run_in_child("detlite.runtime.measure.accuracy_run:accuracy_process", setup.request(run), progress=progress)
    except (DetliteError, OSError) as error:
        return failure_of(error)
    return None


def _profiled(setup: Setup, run: Path) -> Record:
    """Return the `profile`, or in `profile_failure` why there is none: the samples are as good without it."""
    try:
        answer = run_in_child(
            "detlite.runtime.runners.profile:profile_process", setup.request(run), timeout_s=PROFILE_TIMEOUT_S
        )
    except (DetliteError, OSError) as error:
        return {"profile": None, "profile_failure": failure_of(error)["text"]}
    return {"profile": answer["operators"]}
