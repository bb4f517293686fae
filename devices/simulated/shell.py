"""A program: `shell.py SOCKET PROGRAM ARGUMENT ...` runs a program on the simulated device at SOCKET.

It takes the place of `adb shell` and `ssh`: its input and output go through the device's sockets, so that the
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
LOST = 255  # the same as ssh


@contextlib.contextmanager
def short(path: str) -> Iterator[str]:
    """Give a short path of the socket at *path*: the system accepts 107 bytes, and folders can have longer names."""
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)  # noqa: PTH120 - pathlib takes 20 ms to import
    try:
        yield f"/proc/self/fd/{folder}/{os.path.basename(path)}"  # noqa: PTH119 - as above
    finally:
        os.close(folder)


def copy(source: int, target: int) -> None:
    """Copy bytes until *source* ends or *target* is closed."""
    with contextlib.suppress(OSError):
        while data := os.read(source, CHUNK):
            while data:
                data = data[os.write(target, data) :]


def feed(data: socket.socket) -> None:
    """Copy stdin to the program, and close the program's stdin at its end."""
    copy(0, data.fileno())
    with contextlib.suppress(OSError):
        data.shutdown(socket.SHUT_WR)


def main(path: str, arguments: list[str]) -> int:
    """Run *arguments* on the device and return their exit status; 255 if the device is off or was lost."""
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
    os._exit(status)  # a thread may still wait for stdin
