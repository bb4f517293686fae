"""The room of this machine: while one measures its speed there, nobody else works in it.

Two files on the local disk are locked with flock(2). Whoever enters takes the door, then the room, shared for work and
exclusive for a measurement, and lets go of the door. So a measurement waits for the work that has begun, and work
that comes later waits for the measurement. The kernel frees the locks of a process that is killed.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from detlite.runtime.progress import Notice, mute

ENVIRONMENT = "DETLITE_ROOM"


def room_folder() -> Path:
    """Return the folder of the two files: $DETLITE_ROOM, or one in the folder for temporary files, for each user."""
    own = os.environ.get(ENVIRONMENT)
    return Path(own) if own else Path(tempfile.gettempdir()) / f"detlite-room-{os.getuid()}"


@contextmanager
def in_room(*, alone: bool, notice: Notice = mute) -> Iterator[None]:
    """Wait until this thread may work on this machine, *alone* or beside others, and keep the place until the end.

    Args:
        alone: for a measurement.
        notice: called with one line if it has to wait.
    """
    folder = room_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(folder / "door", notice=notice):
        room = os.open(folder / "room", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH, notice)
        except BaseException:
            os.close(room)
            raise
    try:
        yield
    finally:
        os.close(room)


@contextmanager
def locked(path: Path, *, notice: Notice = mute) -> Iterator[None]:
    """Wait until the file at *path* is locked by this thread alone, and keep it so until the end."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(file, fcntl.LOCK_EX, notice)
        yield
    finally:
        os.close(file)


def _lock(file: int, kind: int, notice: Notice) -> None:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        notice("waiting for other work of detlite on this machine to end: a measurement is made alone")
        fcntl.flock(file, kind)
