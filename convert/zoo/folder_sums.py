"""The sha256 of every file in a folder, by which a later use finds what has changed in it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from detlite.runtime.contents import contents
from detlite.runtime.hashing import sha256_of


def sums_of(folder: Path) -> bytes:
    """Return a line for each file in *folder*, sorted: its sha256 and its path, as `sha256sum` writes them.

    A link has the sha256 of its target's path, and an empty folder a word in its place.
    """
    return b"".join(sorted(b"%s  %s\n" % (_sum(folder / name), os.fsencode(name)) for name in contents(folder)))


def changed_since(sums: Path, folder: Path) -> str:
    """Return what in *folder* differs from the file *sums*, in a few words; nothing if all is as it was."""
    if not sums.is_file():
        return f"{sums.name} is missing"
    differing = set(sums.read_bytes().splitlines()) ^ set(sums_of(folder).splitlines())
    names = sorted({os.fsdecode(line.partition(b"  ")[2]) for line in differing})
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]} differs{more}" if names else ""


def _sum(path: Path) -> bytes:
    if path.is_symlink():
        return b"link to " + hashlib.sha256(os.fsencode(path.readlink())).hexdigest().encode()
    return sha256_of(path).encode() if path.is_file() else b"empty"
