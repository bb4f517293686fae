"""A cache of images from inside other files, of choices and of thumbnails, keyed by their inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.convert.files.cache_folder import default_cache_folder
from detlite.convert.files.write_file import write_file
from detlite.runtime.artifact import sha256_of


def default_image_cache() -> ImageCache:
    """Return the image cache in detlite's cache folder; see `default_cache_folder`."""
    return ImageCache(default_cache_folder() / "calibration")


def key_of(*facts: Any) -> str:
    """Return the digest of *facts*, plain data: the key of a cached result that depends on them."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def digests(paths: Sequence[Path]) -> list[str]:
    """Return the sha256 of each of the files *paths*, in hex."""
    return [sha256_of(path) for path in paths]


@dataclass(frozen=True)
class ImageCache:
    """Files by their content, and results by their inputs' key, in *folder*.

    ::

        images/<sha256>.<suffix>    images that were inside other files
        made/<key>.<suffix>         results
    """

    folder: Path

    def put(self, content: bytes, suffix: str) -> Path:
        """Store *content*, and return its file."""
        path = self.folder / "images" / f"{hashlib.sha256(content).hexdigest()}{suffix}"
        if not self.is_whole(path):
            _write(path, content)
        return path

    def is_whole(self, path: Path) -> bool:
        """Return whether the file *path* of `images` exists and has the content of its name."""
        return path.is_file() and sha256_of(path) == path.stem

    def image(self, name: str) -> Path:
        """Return the path of the image stored as *name*."""
        return self.folder / "images" / name

    def made(self, key: str, suffix: str) -> bytes | None:
        """Return the result stored under *key*; None if there is none."""
        path = self._made(key, suffix)
        return path.read_bytes() if path.is_file() else None

    def store(self, key: str, suffix: str, content: bytes) -> None:
        """Store *content* under *key*."""
        _write(self._made(key, suffix), content)

    def _made(self, key: str, suffix: str) -> Path:
        return self.folder / "made" / f"{key}{suffix}"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, content)
