"""Which images represent what a detector will see: found, chosen with a seed, and named by a digest."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

from detlite.accuracy.image_source import SUFFIXES, check_files
from detlite.runtime.artifact import sha256_of
from detlite.runtime.errors import InputError

DEFAULT_COUNT = 100
"""Images of a calibration: mAP does not rise with more (spec: 10 to 500 images lie within the noise)."""

MOST_LIST_BYTES = 1 << 30


@dataclass(frozen=True)
class Images:
    """Image files in a fixed order, and where they come from.

    Attributes:
        paths: the files.
        origin: in words, for the history.
    """

    paths: tuple[Path, ...]
    origin: str

    def digest(self) -> str:
        """Return the sha256 over the files' contents, in their order; names play no part."""
        whole = hashlib.sha256()
        for path in self.paths:
            whole.update(bytes.fromhex(sha256_of(path)))
        return whole.hexdigest()

    def choose(self, count: int, seed: int) -> Images:
        """Return *count* of the images, chosen with *seed*; all of them, in their order, where there are no more.

        Raises:
            InputError: *count* is less than 1.
        """
        if count < 1:
            raise InputError(f"{count} images are asked for; at least 1 is needed")
        if count >= len(self.paths):
            return self
        # S311: a seeded choice must be repeatable, and need not be secret
        chosen = random.Random(seed).sample(self.paths, count)  # noqa: S311
        return Images(tuple(chosen), f"{count} of {len(self.paths)} with seed {seed}: {self.origin}")


def images_in(path: Path) -> Images:
    """Return the images in the folder *path*, sorted by name, or those that the text file *path* lists line by line.

    Raises:
        InputError: there are none, or one that is listed is missing.
    """
    if path.is_file():
        return Images(listed(path), f"list {path.name}")
    if not path.is_dir():
        raise InputError(f"{path} is no folder of images and no file that lists them")
    found = tuple(sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file()))
    if not found:
        raise InputError(f"{path} holds no image; want files that end in {', '.join(SUFFIXES)}")
    return Images(found, f"folder {path.name}")


def listed(path: Path) -> tuple[Path, ...]:
    """Return the image files that the text file *path* lists, one a line, relative to its folder; # begins a comment.

    Raises:
        InputError: it is no text, lists none, or one that is missing.
    """
    try:
        if path.stat().st_size > MOST_LIST_BYTES:
            raise InputError(f"{path} has over {MOST_LIST_BYTES} bytes: it is no list of images")
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text: want a folder, or a file with one image path a line") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read as a list of images: {error.strerror}") from error
    if any("\0" in line for line in lines):
        raise InputError(f"{path} is no text: want a folder, or a file with one image path a line")
    found = tuple(path.parent / line for line in lines if line and not line.startswith("#"))
    if not found:
        raise InputError(f"{path} lists no image")
    check_files(found, str(path))
    return found
