"""Trials: changed input is read in a process of its own, within limits of time and memory.

A trial is repeatable: its change depends on the target's name and the trial's number alone.
"""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzz.registry import targets
from fuzz.target import Target

from detlite.runtime.errors import DetliteError

TESTS = Path(__file__).resolve().parents[1]
MEMORY = Path("/dev/shm")  # a disk would take most of the time
LIMIT_S = 20  # of processor time, of one trial
WAIT_S = 300  # of real time: it waits for something
MOST_BYTES = 4 << 30  # of address space, beside what the process has when it starts
HEAVY_BYTES = 16 << 30  # TensorFlow's threads reserve more than they use
SHOWN_FRAMES = 4
READ, REFUSED, ABORTED, TRACEBACK, HANG, CRASH = "read", "refused", "aborted", "traceback", "hang", "crash"
OUTCOMES = (READ, REFUSED, ABORTED, TRACEBACK, HANG, CRASH)
GOOD = (READ, REFUSED, ABORTED)


@dataclass(frozen=True)
class Ended:
    """How trial *number* of *target* ended; *text* says where, if it did not end well."""

    target: str
    number: int
    outcome: str
    text: str = ""


class Hang(BaseException):
    """A trial took too long; not an `Exception`, so that no reader catches it."""


def trials(chosen: Sequence[Target], numbers: range) -> Iterator[Ended]:
    """Yield how each trial of the *chosen* targets with these *numbers* ended.

    They run in a child process; if a trial ends it, another one goes on with the next trial.

    Raises:
        RuntimeError: a target's unchanged input is refused.
    """
    left = [(target, number) for target in chosen for number in numbers]
    while left:
        count = 0
        with tempfile.TemporaryFile() as said, _child(left, said) as child:
            assert child.stdout is not None
            for line in child.stdout:
                yield Ended(*json.loads(line))
                count += 1
            status = child.wait()
            said.seek(0)
            text = said.read().decode(errors="replace")
        if status != 0:
            target, number = left[count]
            if text.rpartition("\n")[2] or f"ready: {target.name}\n" not in text:
                raise RuntimeError(f"{target.name}: {text[-2000:]}")
            aborted = target.may_abort and status < 0  # of a signal: anything else is the trials' own fault
            yield Ended(target.name, number, ABORTED if aborted else CRASH, f"status {status}")
            count += 1
        left = left[count:]


def _child(left: Sequence[tuple[Target, int]], said: Any) -> subprocess.Popen[bytes]:
    """Start a process that runs the trials that are *left*: the targets' names, with a range of numbers each."""
    spans: dict[str, list[int]] = {}
    for target, number in left:
        spans.setdefault(target.name, [number, number])[1] = number + 1
    command = [sys.executable, "-m", "fuzz.trial", json.dumps(spans)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=environment)


def in_process(target: Target, numbers: range, folder: Path) -> Iterator[Ended]:
    """Yield how each trial ended; *folder* is a new one. stderr is told when the unchanged input was read."""
    files = _seeded(target, folder)
    sys.stderr.write(f"ready: {target.name}\n")
    sys.stderr.flush()
    for number in numbers:
        path, data = _changed(target, number, files)
        path.write_bytes(data)
        outcome, text = _outcome(target, folder)
        yield Ended(target.name, number, outcome, text if outcome not in GOOD else "")
        _restore(folder, files, path)


def _seeded(target: Target, folder: Path) -> dict[Path, bytes]:
    target.seed(folder)
    files = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    target.read(folder)
    for path in files:
        _restore(folder, files, path)
    return files


def _changed(target: Target, number: int, files: Mapping[Path, bytes]) -> tuple[Path, bytes]:
    return target.mutated(random.Random(f"{target.name} {number}"), files)


def again(target: Target, number: int) -> None:
    """Read the input of one trial of *target* in this process, and print what comes of it; the input is kept."""
    folder = Path(tempfile.mkdtemp(prefix="fuzzed-"))
    files = _seeded(target, folder)
    path, data = _changed(target, number, files)
    path.write_bytes(data)
    print(f"{target.name} {number}: {path}, {len(files[path])} bytes before, {len(data)} after")
    print(target.read(folder))


def _outcome(target: Target, folder: Path) -> tuple[str, str]:
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
    signal.setitimer(signal.ITIMER_REAL, WAIT_S)
    try:
        target.read(folder)
    except DetliteError as error:
        return (REFUSED, "") if str(error).strip() else (TRACEBACK, f"an error without a text {_place(error)}")
    except Hang as error:
        return HANG, _place(error)
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is a finding
        return TRACEBACK, f"{type(error).__name__}: {str(error)[:160]!r} {_place(error)}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    return READ, ""


def _expire(_number: int, _frame: Any) -> None:
    raise Hang


def _place(error: BaseException) -> str:
    """Return the innermost functions that *error* came through, the last one first."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/fuzz/" not in frame.filename]
    return " < ".join(f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in frames[: -SHOWN_FRAMES - 1 : -1])


def _restore(folder: Path, files: Mapping[Path, bytes], changed: Path) -> None:
    """Put the *changed* file back, and remove what the reader has added."""
    changed.write_bytes(files[changed])
    for place, _folders, names in os.walk(folder):
        for name in names:
            if (path := Path(place, name)) not in files:
                path.unlink()


def _limit_memory(*, heavy: bool) -> None:
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    most = used + (HEAVY_BYTES if heavy else MOST_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> int:
    """Run the trials that the command line names, and write each outcome as a line of JSON."""
    spans = json.loads(sys.argv[1])
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGPROF, _expire)
    signal.signal(signal.SIGALRM, _expire)
    known = targets()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as scratch:
        _limit_memory(heavy=any(known[name].heavy for name in spans))
        tempfile.tempdir = scratch
        for name, (start, stop) in spans.items():
            folder = Path(tempfile.mkdtemp())
            for ended in in_process(known[name], range(start, stop), folder):
                out.write(json.dumps([ended.target, ended.number, ended.outcome, ended.text]).encode() + b"\n")
    os._exit(0)  # skips the interpreters' destructors, which may crash


if __name__ == "__main__":
    sys.exit(main())
