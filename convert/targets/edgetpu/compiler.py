"""Google's edgetpu_compiler, installed by the user: finding it, checking its version, running it.

It is proprietary: detlite does not ship, download or imitate it. It runs on x86-64 Linux only; elsewhere a
wrapper command (a container, ssh) takes its place, with the same arguments in the same folder.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from detlite.convert.targets.edgetpu.log import VERSION
from detlite.runtime.errors import DeviceError, MissingToolError

PROGRAM = "edgetpu_compiler"
VARIABLE = "EDGETPU_COMPILER"
FOLDER = "{folder}"
VERSION_TIMEOUT_S = 60.0  # a container may have to start
KEPT_BYTES = 1 << 21  # of its output
LISTEN_S = 2.0  # for the rest of the output, after it has ended
NEWEST = "16.0.384591198"
INSTALL = (
    f"install Google's {PROGRAM} (x86-64 Linux, last version {NEWEST}; see Coral's documentation), or name it, "
    f"or a wrapper such as 'docker run --rm -v {FOLDER}:/w -w /w IMAGE {PROGRAM}', by --compiler or {VARIABLE}"
)
COMMAND = re.compile(r"^\d+(\.\d+)*$")


@dataclass(frozen=True)
class Compiler:
    """A compiler that answered.

    Attributes:
        command: the command before its arguments; `{folder}` is replaced by its working folder.
        version: as it reports it.
    """

    command: tuple[str, ...]
    version: str

    @property
    def caution(self) -> str | None:
        """A caution about an older version; None for the latest."""
        if self.version == NEWEST:
            return None
        return f"edgetpu_compiler {self.version}: predictions are for {NEWEST}, and may differ"

    @property
    def major(self) -> int:
        """The first part of the version."""
        return int(self.version.split(".")[0])


@dataclass(frozen=True)
class CompilerRun:
    """The result of a program: exit status (negative: a signal), output, and whether it timed out."""

    status: int
    text: str
    timed_out: bool


def find_compiler(given: str | None) -> Compiler:
    """Return the compiler: *given*, else that of the environment's `EDGETPU_COMPILER`, else that on the path.

    Raises:
        MissingToolError: there is none, or it does not report a version as Google's does.
    """
    named = given or os.environ.get(VARIABLE) or PROGRAM
    try:
        command = tuple(shlex.split(named))
    except ValueError as error:
        raise MissingToolError(f"{named!r} is not a command: {error}; {INSTALL}") from error
    if not command or shutil.which(command[0]) is None:
        raise MissingToolError(f"the Edge TPU compiler {named!r} was not found: {INSTALL}")
    ran = run_program((*command, "--version"), Path.cwd(), timeout_s=VERSION_TIMEOUT_S)
    found = VERSION.search(ran.text)
    if ran.timed_out or ran.status != 0 or found is None or not COMMAND.match(found[1]):
        said = "nothing in a minute" if ran.timed_out else repr(_first_line(ran.text)) + f", exit status {ran.status}"
        raise MissingToolError(f"{named!r} --version printed {said}: that is not Google's compiler; {INSTALL}")
    return Compiler(command, found[1])


def run_program(command: Sequence[str], folder: Path, *, timeout_s: float) -> CompilerRun:
    """Run *command* in *folder* without stdin and return the result; its children end with it.

    Raises:
        DeviceError: it cannot be started.
    """
    whole = [part.replace(FOLDER, str(folder)) for part in command]
    try:
        child = subprocess.Popen(
            whole,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise DeviceError(f"{whole[0]} cannot be started: {error.strerror}") from error
    assert child.stdout is not None
    printed = bytearray()
    listener = threading.Thread(target=_listen, args=(child.stdout, printed), daemon=True)
    listener.start()
    timed_out = False
    try:
        child.wait(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)  # also children that it left running
        child.wait()
        listener.join(LISTEN_S)
        if not listener.is_alive():
            child.stdout.close()
    return CompilerRun(child.returncode, bytes(printed).decode(errors="replace"), timed_out)


def _listen(stream: IO[bytes], printed: bytearray) -> None:
    """Keep the last `KEPT_BYTES` of *stream*: some programs print endlessly."""
    while chunk := stream.read1(1 << 16):  # type: ignore[attr-defined]  # a pipe is a BufferedReader
        printed += chunk
        del printed[:-KEPT_BYTES]


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "nothing")[:200]
