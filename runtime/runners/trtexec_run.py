"""Running TensorRT's `trtexec` on an engine, and reading its times: it warms up and times each query."""

from __future__ import annotations

import math
import shutil
import subprocess
from pathlib import Path
from typing import List

from detlite.runtime.errors import DeviceError, InputError, MissingToolError
from detlite.runtime.load import Load
from detlite.runtime.runners.imported import Imported
from detlite.runtime.runners.tensorrt_versions import known_row, measuring_options, version_in
from detlite.runtime.runners.trtexec import read_times

HOME = Path("/usr/src/tensorrt/bin/trtexec")
"""Where JetPack installs it, which is not on the path."""

LOG, TIMES = "trtexec.log", "trtexec_times.json"
WARM_UP_MS = 500
START_S = 300.0  # loading a large engine takes a minute on a Nano
HELP_S = 60.0


def run_trtexec(engine: Path, load: Load, folder: Path) -> Imported:
    """Return the times that trtexec measures for *engine* under *load*; its log and times stay in *folder*.

    Raises:
        MissingToolError: trtexec is not installed.
        InputError: it cannot load the engine.
        DeviceError: it fails otherwise, or takes far too long.
    """
    program = shutil.which("trtexec") or (str(HOME) if HOME.is_file() else None)
    if program is None:
        raise MissingToolError("trtexec is not on the path: it comes with TensorRT; or give the file that it exported")
    seconds = math.ceil(load.min_duration_ns / 1e9)
    command = [program, f"--loadEngine={engine}", f"--exportTimes={folder / TIMES}", f"--warmUp={WARM_UP_MS}"]
    options = _options(program)
    command += [f"--duration={seconds}", f"--iterations={load.queries}", *options]
    with (folder / LOG).open("w", encoding="utf-8") as log:
        try:
            status = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=START_S + load.max_duration_ns / 1e9,
            ).returncode
        except subprocess.TimeoutExpired as error:
            raise DeviceError(
                f"trtexec took longer than {error.timeout:g} s and was stopped; see {folder / LOG}"
            ) from error
    said = (folder / LOG).read_text(encoding="utf-8", errors="replace")
    if status or "&&&& PASSED" not in said:  # older versions exit with status 0 after a failure
        raise _failed(said, status, folder / LOG)
    told = f" {' '.join(options)}" if options else ""
    return Imported(f"TensorRT {_version(said)}, by trtexec{told}", read_times(folder / TIMES))


def _options(program: str) -> List[str]:
    """Return the options with which this *program* measures as every version does; its help begins with its version."""
    try:
        said = subprocess.run(
            [program, "--help"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=HELP_S,
            check=False,
        ).stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as error:
        raise DeviceError(f"trtexec --help took longer than {error.timeout:g} s and was stopped") from error
    return list(measuring_options(known_row(version_in(said))))


def _failed(said: str, status: int, log: Path) -> DeviceError | InputError:
    errors = [line for line in said.splitlines() if "[E]" in line]
    reason = " ".join(errors[0].split())[:200] if errors else f"it ended with status {status}"
    kind = InputError if "deserialize" in said.lower() else DeviceError
    return kind(f"trtexec failed: {reason}; see {log}; an engine runs only with the version and GPU it was built for")


def _version(said: str) -> str:
    version = version_in(said)
    return "of unknown version" if version is None else ".".join(map(str, version))
