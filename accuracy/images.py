"""Images that represent what a model will see: found in a folder or a list, chosen with a seed, named by a digest."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

from detlite.accuracy.dataset import check_files
from detlite.runtime.artifact import sha256_of
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.image.files import folder_images, is_image
from detlite.runtime.image.read import exif_orientation
from detlite.runtime.limited_file import read_limited

DEFAULT_COUNT = 100
"""Images of a calibration: mAP does not rise with more (spec: 10 to 500 images differ by noise)."""

MOST_LIST_BYTES = 1 << 30


@dataclass(frozen=True)
class Images:
    """Image files in a fixed order, and where they come from.

    Attributes:
        paths: the files.
        origin: in words, for the history.
        skipped: files beside them that are not images.
        upright: whether they are turned by their EXIF orientation; those of labelled sets are read as stored.
    """

    paths: tuple[Path, ...]
    origin: str
    skipped: tuple[Path, ...] = ()
    upright: bool = True

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
            raise InputError(f"{counted(count, 'image is', 'images are')} asked for; at least 1 is needed")
        if count >= len(self.paths):
            return self
        # S311: a seeded choice must be repeatable, and need not be secret
        chosen = random.Random(seed).sample(self.paths, count)  # noqa: S311
        origin = f"{count} of {len(self.paths)} with seed {seed}: {self.origin}"
        return Images(tuple(chosen), origin, upright=self.upright)

    def orientation_facts(self) -> dict[str, object]:
        """Return how the images that have an EXIF orientation are read, and how many have; nothing if none has."""
        count = sum(exif_orientation(path) != 1 for path in self.paths)
        return {"orientation": orientation(self.upright), "oriented_images": count} if count else {}


def orientation(upright: bool) -> str:
    """Return what records call images that are turned upright, or are read as stored."""
    return "upright" if upright else "stored"


def images_in(path: Path) -> Images:
    """Return the images at *path*: in a folder, sorted by path; of a text file that lists them; or one image file.

    Folders are read by `folder_images`, as on a board: sub-folders too, other files skipped.

    Raises:
        InputError: there are none, or one that is listed is missing.
    """
    if path.is_file() and is_image(path):
        return Images((path,), f"image {path.name}")
    if path.is_file():
        return Images(listed(path), f"list {path.name}")
    if not path.is_dir():
        raise InputError(f"{path} is not a folder of images, nor a file that lists them")
    found = folder_images(path)
    return Images(found.paths, f"folder {path.name}", found.skipped)


def listed(path: Path) -> tuple[Path, ...]:
    """Return the image files that the text file *path* lists, one a line, relative to its folder; # begins a comment.

    Raises:
        InputError: it is not a text, lists none, or one that is missing.
    """
    try:
        text = read_limited(path, "a list of images", MOST_LIST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text: give a folder, or a file with one image path a line") from error
    lines = [line.strip() for line in text.splitlines()]
    if any("\0" in line for line in lines):
        raise InputError(f"{path} is no text: give a folder, or a file with one image path a line")
    found = tuple(path.parent / line for line in lines if line and not line.startswith("#"))
    if not found:
        raise InputError(f"{path} lists no image")
    check_files(found, str(path))
    return found
