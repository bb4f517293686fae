"""Run one task in a separate process: back ends conflict with each other, and some crash.

The child (`detlite.runtime.worker`) reads a request, one line of JSON, from its stdin, and writes lines of JSON:
progress, then a result or an error. A crash becomes a `DeviceError` that names the signal; the child never outlives
its parent.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Deque, Dict, Iterator, Optional, Type

from detlite.runtime import errors
from detlite.runtime.errors import DetliteError, DeviceError, InputError
from detlite.runtime.progress import Progress, silent

KEPT_LINES = 40
LIKELY = {
    "SIGSEGV": "a damaged model, or a delegate that does not fit the runtime",
    "SIGABRT": "the runtime gave up on the model",
    "SIGILL": "the runtime was built for another processor",
    "SIGKILL": "out of memory, or someone killed it",
    "SIGBUS": "a model file that was truncated while open",
}

NO_WORDS = re.compile(r"INFO:|\s*@\s+0x|\*\*\* ")
"""Lines of a child that say nothing of its end: information, and the frames of a stack trace."""

MODEL_SIGNALS = ("SIGABRT", "SIGSEGV", "SIGFPE", "SIGBUS", "SIGILL")

SAFE_PATH = ("-P",) if sys.version_info >= (3, 11) else ()
"""The child imports nothing from the current folder: a `random.py` there must not replace Python's."""


BLAS = {"OPENBLAS_NUM_THREADS": "1"}
"""One thread: sums have a fixed order, so files are the same on every machine; small products would not be faster."""


class CrashError(DeviceError):
    """The child died of the signal *name*, such as `SIGABRT`."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name


class ChildError(RuntimeError):
    """The child failed unexpectedly: a bug; the text is the child's traceback."""


@dataclass
class MemoryPeak:
    """The peak resident memory of the largest child process so far, in bytes; None before one ended of itself."""

    size_bytes: Optional[int] = None


_watched: ContextVar[Optional[MemoryPeak]] = ContextVar("watched", default=None)


@contextlib.contextmanager
def watching_memory() -> Iterator[MemoryPeak]:
    """Give the peak of the children that this thread runs in the `with` block, and of their own children."""
    peak = MemoryPeak()
    token = _watched.set(peak)
    try:
        yield peak
    finally:
        _watched.reset(token)


class Child:
    """A process that imports what its task needs, then waits for its one request.

    Use it in a `with` block: the process is ended at its end, and also when its parent dies.
    """

    def __init__(self, task: str) -> None:
        """Start the process for the function *task* (`package.module:function`)."""
        self._scratch = tempfile.mkdtemp(prefix="detlite-")  # libraries leave files where they are killed
        command = [sys.executable, *SAFE_PATH, "-m", "detlite.runtime.worker", task, self._scratch]
        pipe = subprocess.PIPE
        try:
            # a new session: Ctrl-C reaches only the parent, which ends the child and the child's processes
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True, env=_environment(self._scratch)
            )
        except OSError:  # no memory, or too many processes: nobody else would remove the folder
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise
        self._task = task
        self._said: Deque[str] = deque(maxlen=KEPT_LINES)
        self._listener = threading.Thread(target=_listen, args=(self._process.stderr, self._said), daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Return the process's id."""
        return self._process.pid

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.end()

    def answer(
        self, request: Dict[str, Any], *, timeout_s: Optional[float] = None, progress: Progress = silent
    ) -> Dict[str, Any]:
        """Return the task's answer to *request*; see `run_in_child`."""
        child = self._process
        assert child.stdin is not None
        assert child.stdout is not None
        timer = threading.Timer(timeout_s or 0, _end, [child])
        if timeout_s is not None:
            timer.start()
        try:
            _send(child.stdin, request)
            answer = _answer(child.stdout, progress)
            if answer is not None:
                child.stdin.close()
            status = child.wait()
        finally:
            expired = timeout_s is not None and not timer.is_alive()
            timer.cancel()
            self.end()
        if answer is not None:
            return answer
        raise _failure(self._task, status, self._said, timeout_s if expired else None)

    def end(self) -> None:
        """Kill the process and the processes that it started, if it still runs, and remove its temporary files."""
        _end(self._process)
        self._process.wait()
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._listener.join(timeout=1)
        streams = (
            self._process.stdin,
            self._process.stdout,
            None if self._listener.is_alive() else self._process.stderr,
        )
        for stream in streams:
            if stream is not None:
                _close(stream)


def run_in_child(
    task: str, request: Dict[str, Any], *, timeout_s: Optional[float] = None, progress: Progress = silent
) -> Dict[str, Any]:
    """Return the answer of the function *task* (`package.module:function`) to *request*, run in a separate process.

    Raises:
        DetliteError: the task raised it.
        DeviceError: the child died of a signal (`CrashError`), or took longer than *timeout_s*.
        OSError: the task raised it, for example for a full disk.
        ChildError: the task failed in any other way.
    """
    with Child(task) as child:
        return child.answer(request, timeout_s=timeout_s, progress=progress)


@contextlib.contextmanager
def blaming_the_model() -> Iterator[None]:
    """Turn a crash of a child that reads a model into an `InputError`: the model is damaged, or not for this runtime.

    A child that was killed (SIGKILL), as for lack of memory, is not the model's fault.
    """
    try:
        yield
    except CrashError as error:
        if error.name not in MODEL_SIGNALS:
            raise
        raise InputError(f"the model is damaged, or this machine's runtime cannot read it: {error}") from error


def _environment(scratch: str) -> Dict[str, str]:
    """Return the environment of a child with its temporary files in the folder *scratch*.

    If detlite runs from the board's program, the child imports it from there.
    """
    environment = {**BLAS, **os.environ, "TMPDIR": scratch}
    home = Path(__file__).parents[2]
    if not (home / "detlite" / "cli.py").is_file():  # the runtime alone: the modules of a board's program
        others = os.environ.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join([str(home.absolute()), *([others] if others else [])])
    return environment


def _send(stream: IO[bytes], request: Dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # it died at once: its exit status says why
        stream.write(json.dumps(request).encode() + b"\n")
        stream.flush()


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill the child, and the processes that it started, if it still runs."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def _close(stream: IO[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError):
        stream.close()


def _listen(stream: IO[bytes], said: Deque[str]) -> None:
    for line in stream:
        said.append(line.decode(errors="replace").rstrip())


def _answer(stream: IO[bytes], progress: Progress) -> Optional[Dict[str, Any]]:
    """Return the result, or None if the child ended without one; raise the error that it sent."""
    for message in _messages(stream):
        if "progress" in message:
            progress(*message["progress"])
        elif "memory_peak_bytes" in message:
            peak = _watched.get()
            if peak is not None:
                peak.size_bytes = max(peak.size_bytes or 0, message["memory_peak_bytes"])
        elif "result" in message:
            result: Dict[str, Any] = message["result"]
            return result
        elif "os_error" in message:
            raise OSError(*filter(None, message["os_error"]))  # the file name may be missing
        else:
            raise _error(message["error"], message["text"])
    return None


def _messages(stream: IO[bytes]) -> Iterator[Dict[str, Any]]:
    for line in stream:
        if line.endswith(b"\n"):  # a truncated line comes from a child that died
            yield json.loads(line)


def _error(name: str, text: str) -> DetliteError:
    kind = getattr(errors, name, DetliteError)
    error: DetliteError = kind(text)
    return error


def _failure(task: str, status: int, said: Deque[str], timeout_s: Optional[float]) -> Exception:
    work = task.rsplit(":", 1)[-1].replace("_", " ")
    if timeout_s is not None:
        return DeviceError(f"{work} took longer than {timeout_s:g} s and was stopped")
    if status < 0:
        name = signal.Signals(-status).name
        last = next((line for line in reversed(said) if line.strip() and not NO_WORDS.match(line)), "nothing")
        return CrashError(
            f"the process for {work} died of {name} (likely: {LIKELY.get(name, 'unknown')}); its last words: "
            f"{last[:200]}",
            name,
        )
    return ChildError(f"{work} failed:{os.linesep}{os.linesep.join(said)}")
