"""Which files of a folder are its images: one rule for the workstation and the board."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import List, NoReturn, Optional, Tuple

from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".jp2", ".avif", ".npy", ".rgb")
"""File names that mark an image, in either case; of an animation the first frame counts."""

HEIC_SUFFIXES = (".heic", ".heif", ".hif")
FROM_HEIC = "convert to JPEG, for example with heif-convert, or `sips -s format jpeg` on a Mac"
"""What to do with photographs of phones, whose format Pillow does not decode."""

NAMED = 3
"""Skipped files that a notice names."""


@dataclass(frozen=True)
class FolderImages:
    """The files of a folder.

    Attributes:
        paths: the images, sorted by path.
        skipped: the other files, sorted by path.
    """

    paths: Tuple[Path, ...]
    skipped: Tuple[Path, ...]


def is_image(path: Path) -> bool:
    """Return whether the name of *path* marks an image; a hidden file is none."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def is_heic(path: Path) -> bool:
    """Return whether the name of *path* marks a HEIC photograph; a hidden file is none."""
    return path.suffix.lower() in HEIC_SUFFIXES and not path.name.startswith(".")


def folder_images(folder: Path) -> FolderImages:
    """Return `folder_files` of a folder that has images; `InputError` if it has none."""
    found = folder_files(folder)
    if not found.paths:
        count = sum(map(is_heic, found.skipped))
        if count:
            raise InputError(
                f"{folder} holds no image but {counted(count, 'HEIC photograph')}, which are not read: {FROM_HEIC}"
            )
        raise InputError(f"{folder} holds no image; give files that end in {', '.join(SUFFIXES)}")
    return found


def folder_files(folder: Path) -> FolderImages:
    """Return the images in *folder* and in the folders below it, and the files that are not images.

    Hidden folders are not entered, and links to folders are not followed.

    Raises:
        InputError: a folder cannot be read.
    """

    def fail(error: OSError) -> NoReturn:
        raise InputError(f"{error.filename} cannot be read as a folder of images: {error.strerror}") from error

    found: List[Path] = []
    skipped: List[Path] = []
    for place, folders, names in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(place, name) for name in names):
            (found if is_image(path) and path.is_file() else skipped).append(path)
    return FolderImages(tuple(sorted(found)), tuple(sorted(skipped)))


def skipped_notice(folder: Path, skipped: Tuple[Path, ...]) -> Optional[str]:
    """Return how many files of *folder* are *skipped*, with the first few names; None if none is."""
    heic = [path for path in skipped if is_heic(path)]
    others = [path for path in skipped if not is_heic(path)]
    said = []
    if others:
        count = (
            "1 file is not an image and was"
            if len(others) == 1
            else f"{counted(len(others), 'file is', 'files are')} not images and were"
        )
        said.append(f"{count} skipped: {_names(others)}")
    if heic:
        count = (
            "1 HEIC photograph was"
            if len(heic) == 1
            else counted(len(heic), "HEIC photograph was", "HEIC photographs were")
        )
        said.append(f"{count} skipped: {_names(heic)}; {FROM_HEIC}")
    return f"{folder}: {'; '.join(said)}" if said else None


def _names(paths: List[Path]) -> str:
    return ", ".join(path.name for path in paths[:NAMED]) + (", ..." if len(paths) > NAMED else "")
