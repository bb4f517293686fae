"""What is in the cache folder, part by part, and its removal: only names that detlite gives there are ever removed."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from detlite.runtime.errors import unknown_name

DIGEST = r"[0-9a-f]{64}"


@dataclass(frozen=True)
class CachePart:
    """A part of the cache.

    Attributes:
        name: what a user calls it.
        title: what it is, in a few words.
        folder: where it is below the cache folder.
        pattern: a regular expression for the whole name of each file and folder that detlite writes there.
        is_work: whether it is unfinished work, which cannot be made again from elsewhere.
    """

    name: str
    title: str
    folder: str
    pattern: str
    is_work: bool = False


PARTS = (
    CachePart("files", "downloaded models, as published", "files", DIGEST),
    CachePart("unpacked", "the content of archives", "unpacked", rf"{DIGEST}|\.{DIGEST}\..*partial"),
    CachePart("downloads", "partial downloads", "downloads", r"[0-9a-f]{16}-.+\.part(\.(?!lock$).*)?", is_work=True),
    CachePart("images", "calibration images from inside other files", "calibration/images", rf"{DIGEST}\.\w+"),
    CachePart("choices", "choices and thumbnails of calibration images", "calibration/made", rf"{DIGEST}\.\w+"),
    CachePart("devices", "what devices found in jobs that are not finished", "devices", r".+\.jsonl", is_work=True),
)


@dataclass(frozen=True)
class CacheContents:
    """The files and folders of one *part* of the cache, and their size."""

    part: CachePart
    paths: tuple[Path, ...]
    size_bytes: int


def cache_contents(cache: Path) -> tuple[CacheContents, ...]:
    """Return what is in each part of the folder *cache*; links are not followed."""
    return tuple(_contents(cache, part) for part in PARTS)


def cache_part(name: str) -> CachePart:
    """Return the part called *name*; `UnknownNameError` if there is none."""
    found = next((part for part in PARTS if part.name == name), None)
    if found is None:
        raise unknown_name("part of the cache", name, [part.name for part in PARTS])
    return found


def remove(contents: CacheContents) -> None:
    """Remove the files and folders of *contents*."""
    for path in contents.paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _contents(cache: Path, part: CachePart) -> CacheContents:
    folder = cache / part.folder
    if folder.is_symlink() or folder.parent.is_symlink() or not folder.is_dir():
        return CacheContents(part, (), 0)
    paths = tuple(sorted(path for path in folder.iterdir() if re.fullmatch(part.pattern, path.name)))
    return CacheContents(part, paths, sum(map(_size_bytes, paths)))


def _size_bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() and not path.is_symlink() else (path,)
    return sum(file.lstat().st_size for file in files if not file.is_dir() or file.is_symlink())
