"""Google's edgetpu_compiler, as a program that the user has installed: found, asked its version, run.

It is proprietary: detlite neither ships nor downloads nor imitates it. It runs on x86-64 Linux only; elsewhere a
wrapper command (a container, ssh) stands for it, which is given the same arguments in the same folder.
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
VERSION_TIMEOUT_S = 60.0  # a container has to start
KEPT_BYTES = 1 << 21  # of what it prints
LISTEN_S = 2.0  # for the last of it, when it has ended
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
        command: what starts it, before its own arguments; `{folder}` stands for the folder that it works in.
        version: as it states it.
    """

    command: tuple[str, ...]
    version: str

    @property
    def caution(self) -> str | None:
        """What to know of an older version; None of the last one."""
        if self.version == NEWEST:
            return None
        return f"edgetpu_compiler {self.version}: predictions are of {NEWEST}, and may differ"

    @property
    def major(self) -> int:
        """The first part of the version."""
        return int(self.version.split(".")[0])


@dataclass(frozen=True)
class Ran:
    """What a program did: its exit status (under 0: the signal), what it printed, and whether its time ran out."""

    status: int
    text: str
    timed_out: bool


def find_compiler(given: str | None) -> Compiler:
    """Return the compiler: *given*, else that of the environment's `EDGETPU_COMPILER`, else that on the path.

    Raises:
        MissingToolError: there is none, or it does not state a version as Google's does.
    """
    named = given or os.environ.get(VARIABLE) or PROGRAM
    try:
        command = tuple(shlex.split(named))
    except ValueError as error:
        raise MissingToolError(f"{named!r} is no command: {error}; {INSTALL}") from error
    if not command or shutil.which(command[0]) is None:
        raise MissingToolError(f"the Edge TPU compiler {named!r} is not there: {INSTALL}")
    ran = run_program((*command, "--version"), Path.cwd(), timeout_s=VERSION_TIMEOUT_S)
    found = VERSION.search(ran.text)
    if ran.timed_out or ran.status != 0 or found is None or not COMMAND.match(found[1]):
        said = "nothing in a minute" if ran.timed_out else repr(_first_line(ran.text)) + f", exit status {ran.status}"
        raise MissingToolError(f"{named!r} --version answers {said}: that is not Google's compiler; {INSTALL}")
    return Compiler(command, found[1])


def run_program(command: Sequence[str], folder: Path, *, timeout_s: float) -> Ran:
    """Run *command* in *folder* with nothing to read, and return what it did; whatever it started ends with it.

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
            os.killpg(child.pid, signal.SIGKILL)  # also what it left running when it ended well
        child.wait()
        listener.join(LISTEN_S)
        if not listener.is_alive():
            child.stdout.close()
    return Ran(child.returncode, bytes(printed).decode(errors="replace"), timed_out)


def _listen(stream: IO[bytes], printed: bytearray) -> None:
    """Keep the last `KEPT_BYTES` of *stream*: some programs print without an end."""
    while chunk := stream.read1(1 << 16):  # type: ignore[attr-defined]  # a pipe is a BufferedReader
        printed += chunk
        del printed[:-KEPT_BYTES]


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "nothing")[:200]
