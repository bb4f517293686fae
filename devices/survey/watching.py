"""A program that samples the device during a run."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from detlite.devices.kind import Watch
from detlite.devices.transport.program import end, start
from detlite.devices.transport.run import shell_script
from detlite.devices.transport.transport import Transport

LONGEST_S = 6 * 3600
END_S = 5.0
MOST_LINES = 1 << 17

SCRIPT = Path(__file__).with_name("watch.sh")


@contextlib.contextmanager
def watching(transport: Transport, watch: Watch | None) -> Iterator[list[tuple[float, str]]]:
    """Give the lines that the program prints on the device, with the seconds of their arrival, as they come.

    There are none if *watch* is None or the device lacks the program. The program ends with the `with`.
    """
    lines: list[tuple[float, str]] = []
    if watch is None:
        yield lines
        return
    command = ["sh", "-c", shell_script(SCRIPT), "watch", str(LONGEST_S), *watch.arguments]
    process = start(transport.command(command))
    assert process.stdout is not None
    assert process.stdin is not None
    reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
    try:
        yield lines
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()
        reader.join(END_S)
        end(process)


def _read(stream: IO[bytes], lines: list[tuple[float, str]]) -> None:
    with contextlib.suppress(ValueError):  # closed by `end`
        for line in stream:
            if len(lines) < MOST_LINES:
                lines.append((time.monotonic(), line.decode(errors="replace").rstrip()))
