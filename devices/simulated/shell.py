"""Run by itself: `shell.py SOCKET PROGRAM ARGUMENT ...` runs a program on the simulated device behind SOCKET.

It stands where `adb shell` and `ssh` stand: what it reads and writes goes through the device's sockets, so that the
device can cut it off at any time.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import sys
import threading
from collections.abc import Iterator

LENGTH = struct.Struct("!I")
CHUNK = 1 << 16
LOST = 255  # as of ssh


@contextlib.contextmanager
def short(path: str) -> Iterator[str]:
    """Give a short name of the socket at *path*: the system takes 107 bytes, and folders can have longer names."""
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)  # noqa: PTH120 - pathlib takes 20 ms to import
    try:
        yield f"/proc/self/fd/{folder}/{os.path.basename(path)}"  # noqa: PTH119 - as above
    finally:
        os.close(folder)


def copy(source: int, target: int) -> None:
    """Copy bytes until *source* ends, or *target* takes no more."""
    with contextlib.suppress(OSError):
        while data := os.read(source, CHUNK):
            while data:
                data = data[os.write(target, data) :]


def feed(data: socket.socket) -> None:
    """Copy stdin to the program; its end is the end of the program's stdin."""
    copy(0, data.fileno())
    with contextlib.suppress(OSError):
        data.shutdown(socket.SHUT_WR)


def main(path: str, arguments: list[str]) -> int:
    """Run *arguments* on the device and return their exit status; 255 where the device is not there, or was lost."""
    near, far = socket.socketpair()
    errors, far_errors = socket.socketpair()
    asked = json.dumps(arguments).encode()
    try:
        control = socket.socket(socket.AF_UNIX)
        with short(path) as name:
            control.connect(name)
        socket.send_fds(control, [LENGTH.pack(len(asked))], [far.fileno(), far_errors.fileno()])
        control.sendall(asked)
    except OSError:
        return LOST
    far.close()
    far_errors.close()
    threading.Thread(target=feed, args=(near,), daemon=True).start()
    words = threading.Thread(target=copy, args=(errors.fileno(), 2))
    words.start()
    copy(near.fileno(), 1)
    words.join()
    with contextlib.suppress(OSError):
        if status := control.recv(1):
            return status[0]
    return LOST


if __name__ == "__main__":
    status = main(sys.argv[1], sys.argv[2:])
    os._exit(status)  # a thread may still wait for a stdin that nobody ends
