"""The one job of a held device: its output line by line, and its end."""

from __future__ import annotations

import queue
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import IO

from detlite.devices.deploy.device_lock import Hold
from detlite.devices.deploy.scripts import script
from detlite.devices.transport.program import end, start
from detlite.devices.transport.run import GRACE_S, TIMED_OUT, last_line, split_end
from detlite.runtime.errors import DeviceError

LOOK_S = 0.5  # how often to check that the device still answers
KEPT_LINES = 60


class JobError(DeviceError):
    """The program ended with a status other than 0.

    Attributes:
        status: its exit status.
        said: the end of its stderr.
    """

    def __init__(self, name: str, status: int, said: str) -> None:
        super().__init__(f"{name}: the job ended with status {status}: {last_line(said) or 'it printed nothing'}")
        self.status, self.said = status, said


def job_lines(held: Hold, arguments: Sequence[str], *, timeout_s: float) -> Iterator[bytes]:
    """Run *arguments* as the job of the device, and yield each whole line of its stdout as it comes.

    Raises:
        JobError: it ended with a status other than 0; all its lines were yielded before.
        DeviceError: it took longer than *timeout_s*, and was ended on the device.
        LostError: the device was lost; the lines yielded before are complete and correct.
    """
    limit = f"{timeout_s:g}"
    command = ["sh", "-c", script("job"), "job", held.lock, held.token, limit, *arguments]
    process = start(held.transport.command(command))
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.close()
    said: deque[str] = deque(maxlen=KEPT_LINES)
    listener = threading.Thread(target=_keep, args=(process.stderr, said), daemon=True)
    listener.start()
    try:
        yield from _lines(held, process)
        listener.join(GRACE_S)
    finally:
        end(process)
    err, status = split_end("".join(said))
    if status is None:
        raise held.why_lost()
    if status in TIMED_OUT:
        raise DeviceError(f"{held.transport.name}: the job took longer than {limit} s and was stopped there")
    if status != 0:
        raise JobError(held.transport.name, status, err)


def _lines(held: Hold, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    lines: queue.Queue[bytes | None] = queue.Queue()
    assert process.stdout is not None
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=LOOK_S)
        except queue.Empty:
            if held.is_lost:
                raise held.why_lost() from None
            continue
        if line is None:
            return
        if line.endswith(b"\n"):  # an incomplete line is from a job that died
            yield line


def _read(stream: IO[bytes], lines: queue.Queue[bytes | None]) -> None:
    try:
        for line in stream:
            lines.put(line)
    except ValueError:  # closed by `end`
        return
    finally:
        lines.put(None)


def _keep(stream: IO[bytes], said: deque[str]) -> None:
    try:
        for line in stream:
            said.append(line.decode(errors="replace"))
    except ValueError:
        return
