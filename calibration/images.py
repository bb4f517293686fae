"""Which images represent what a detector will see: found, chosen with a seed, and named by a digest."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from pathlib import Path

from detlite.runtime.artifact import sha256_of
from detlite.runtime.errors import InputError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".npy")
DEFAULT_COUNT = 100
"""Images of a calibration: mAP does not rise with more (spec: 10 to 500 images lie within the noise)."""


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
        return _listed(path)
    if not path.is_dir():
        raise InputError(f"{path} is no folder of images and no file that lists them")
    found = tuple(sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file()))
    if not found:
        raise InputError(f"{path} holds no image; want files that end in {', '.join(SUFFIXES)}")
    return Images(found, f"folder {path.name}")


def _listed(path: Path) -> Images:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text: want a folder, or a file with one image path a line") from error
    found = tuple(path.parent / line for line in lines if line and not line.startswith("#"))
    if not found:
        raise InputError(f"{path} lists no image")
    missing = [image for image in found if not image.is_file()]
    if missing:
        raise InputError(f"{path} lists {len(missing)} images that are not there; the first is {missing[0]}")
    return Images(found, f"list {path.name}")


def images_of_coco(folder: Path, annotations: Path) -> Images:
    """Return the images that the COCO file *annotations* names, in its order, from *folder*.

    Raises:
        InputError: the file is no COCO annotation file, or images are missing.
    """
    try:
        names = [str(image["file_name"]) for image in json.loads(annotations.read_text(encoding="utf-8"))["images"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{annotations} is no COCO annotation file: {type(error).__name__}: {error}") from error
    if not names:
        raise InputError(f"{annotations} names no image")
    paths = tuple(folder / name for name in names)
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise InputError(
            f"{len(missing)} of the {len(paths)} images that {annotations} names are not in {folder}; the first is "
            f"{missing[0].name}"
        )
    return Images(paths, f"COCO file {annotations.name}")
