"""Running TensorRT's `trtexec` on an engine, and reading its times: it warms up and times each query."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from detlite.runtime.errors import DeviceError, InputError, MissingToolError
from detlite.runtime.load import Load
from detlite.runtime.runners.backend import Settings, Timed
from detlite.runtime.runners.engine_file import builder_of
from detlite.runtime.runners.engine_layers import read_layers, read_profile, text_in, timed_layers
from detlite.runtime.runners.imported import Imported
from detlite.runtime.runners.profile import RUNS
from detlite.runtime.runners.tensorrt_versions import known_row, measuring_options, version_in
from detlite.runtime.runners.trtexec import read_times

HOME = Path("/usr/src/tensorrt/bin/trtexec")
"""Where JetPack installs it, which is not on the path."""

LOG, TIMES, PROFILE, LAYERS = "trtexec.log", "trtexec_times.json", "trtexec_profile.json", "trtexec_layers.json"
WARM_UP_MS = 500
START_S = 300.0  # loading a large engine takes a minute on a Nano
HELP_S = 60.0
OTHER_GPU = re.compile(r"expecting compute (\d+\.\d+) got compute (\d+\.\d+)")
OTHER_VERSION = re.compile(r"expecting library version (\d[\d.]*\d) got (\d[\d.]*\d)")
REBUILD = "build it again from its .onnx on this device (detlite compile --target tensorrt --device NAME)"


def run_trtexec(engine: Path, load: Load, folder: Path) -> Imported:
    """Return the times that trtexec measures for *engine* under *load*; its log and times stay in *folder*.

    Raises:
        MissingToolError: trtexec is not installed.
        InputError: it cannot load the engine.
        DeviceError: it fails otherwise, or takes far too long.
    """
    program = _program()
    seconds = math.ceil(load.min_duration_ns / 1e9)
    options = measuring_options(known_row(_version_of(program)))
    words = [f"--exportTimes={folder / TIMES}", f"--warmUp={WARM_UP_MS}", f"--duration={seconds}"]
    words += [f"--iterations={load.queries}", *options]
    said = _run(program, engine, words, folder / LOG, START_S + load.max_duration_ns / 1e9)
    version, told = version_in(said), f" {' '.join(options)}" if options else ""
    title = "of unknown version" if version is None else _dotted(version)
    return Imported(f"TensorRT {title}, by trtexec{told}", read_times(folder / TIMES))


def profile_engine(engine: Path, settings: Settings) -> Sequence[Timed]:
    """Return the time of each layer of *engine* over `RUNS` runs, and what it computes in if TensorRT tells.

    Raises:
        DetliteError: as `run_trtexec`.
    """
    del settings  # trtexec has its own
    program = _program()
    row = known_row(_version_of(program))
    with tempfile.TemporaryDirectory(prefix="detlite-") as scratch:
        folder = Path(scratch)
        words = [
            f"--exportProfile={folder / PROFILE}",
            f"--warmUp={WARM_UP_MS}",
            "--duration=0",
            f"--iterations={RUNS}",
        ]
        tells = row is not None and row.has_layer_info
        words += [*measuring_options(row), *([f"--exportLayerInfo={folder / LAYERS}"] if tells else [])]
        _run(program, engine, words, folder / LOG, START_S)
        layers = read_layers(text_in(folder / LAYERS)) if tells else ()
        return timed_layers(read_profile(text_in(folder / PROFILE)), layers)


def _program() -> str:
    program = shutil.which("trtexec") or (str(HOME) if HOME.is_file() else None)
    if program is None:
        raise MissingToolError("trtexec is not on the path: it comes with TensorRT; or give the file that it exported")
    return program


def _run(program: str, engine: Path, words: List[str], log: Path, timeout_s: float) -> str:
    """Run *program* on *engine* and return what it says, which stays in the file *log*; errors as `run_trtexec`."""
    with log.open("w", encoding="utf-8") as file:
        try:
            status = subprocess.run(
                [program, f"--loadEngine={engine}", *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
            ).returncode
        except subprocess.TimeoutExpired as error:
            raise DeviceError(f"trtexec took longer than {error.timeout:g} s and was stopped; see {log}") from error
    said = log.read_text(encoding="utf-8", errors="replace")
    if status or "&&&& PASSED" not in said:  # older versions exit with status 0 after a failure
        raise _failed(said, status, engine, log)
    return said


def _version_of(program: str) -> Optional[Tuple[int, int, int]]:
    """Return the version of *program*, with which its help begins."""
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
    return version_in(said)


def _failed(said: str, status: int, engine: Path, log: Path) -> DeviceError | InputError:
    other = _other(said, engine)
    if other is not None:
        return InputError(f"{engine} {other}: {REBUILD}")
    errors = [line for line in said.splitlines() if "[E]" in line]
    reason = " ".join(errors[0].split())[:200] if errors else f"it ended with status {status}"
    kind = InputError if "deserialize" in said.lower() else DeviceError
    return kind(f"trtexec failed: {reason}; see {log}; an engine runs only with the version and GPU it was built for")


def _other(said: str, engine: Path) -> Optional[str]:
    """Return for which other version or GPU *engine* was built; None if it fails for another reason."""
    match = OTHER_GPU.search(said)
    if match is not None:
        return f"was built for a GPU of compute capability {match[2]}, and this one has {match[1]}"
    match = OTHER_VERSION.search(said)
    if match is not None:
        return f"was built by TensorRT {match[2]}, and this is {match[1]}"
    built, here = builder_of(engine), version_in(said)
    if built is not None and here is not None and built.version[:3] != here:
        return f"was built by {built}, and this is {_dotted(here)}"
    return None


def _dotted(version: Sequence[int]) -> str:
    return ".".join(map(str, version))
