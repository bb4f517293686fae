"""Ground truth of semantic segmentation: for each image a PNG whose pixels are the numbers of classes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from detlite.runtime.arrays import Pixels
from detlite.runtime.artifact import sha256_of
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.image.files import folder_images
from detlite.runtime.image.read import DAMAGED, MAX_PIXELS

UNLABELLED = 255
"""What marks pixels that do not count, as in Pascal VOC, Cityscapes and ADE20K's benchmark."""

MODES = ("L", "P")
"""Pillow's names of images with one byte a pixel: grey, and by a palette, whose colours play no part."""


@dataclass(frozen=True)
class LabelledImage:
    """One image: its file's path below the images folder, and the file with the class of each of its pixels."""

    file_name: str
    label_file: Path


@dataclass(frozen=True)
class LabelImages:
    """A ground truth of a class for each pixel.

    Attributes:
        images: by name.
        categories: (number, number as text) of each class that a pixel has.
        sha256: over the label files.
        numbered: True: a pixel's value is the number of the model's class, from 0.
        split, origin: not known of such labels; `label-images`.
    """

    images: tuple[LabelledImage, ...]
    categories: tuple[tuple[int, str], ...]
    sha256: str
    numbered: bool = True
    split: None = None
    origin: str = "label-images"

    def first(self, count: int) -> LabelImages:
        """Return the first *count* images."""
        if count < 1:
            raise InputError(f"a limit of {counted(count, 'image')}: it must be at least 1")
        return replace(self, images=self.images[:count])

    def of_categories(self, kept: frozenset[int]) -> LabelImages:
        """Return the same: pixels of classes that a model does not have cannot be left out."""
        return replace(self, categories=tuple(pair for pair in self.categories if pair[0] in kept))

    def renamed(self, names: Mapping[str, str]) -> LabelImages:
        """Return the same with other *names* for some categories, by their names."""
        return replace(self, categories=tuple((i, names.get(name, name)) for i, name in self.categories))


def read_label_images(images: Path, masks: Path, names: frozenset[str] | None = None) -> LabelImages:
    """Return the labels in the folder *masks*: a PNG for each of the *images* to score, of the same name.

    Args:
        images: the folder of the images.
        masks: the folder of the PNGs.
        names: of the images to score, without a suffix; None for all that have a PNG.

    Raises:
        InputError: there is no PNG, an image for one is missing or ambiguous, or a PNG is not one of classes.
    """
    if not masks.is_dir():
        raise InputError(f"{masks} is not a folder: give one with a PNG of classes for each image")
    files = sorted(masks.glob("*.png"))
    if not files:
        raise InputError(f"{masks} holds no .png: give a PNG of classes for each image")
    if names is not None:
        missing = sorted(names - {file.stem for file in files})
        if missing:
            raise InputError(f"{masks} has no {missing[0]}.png ({len(missing)} of {len(names)} are missing)")
        files = [file for file in files if file.stem in names]
    by_stem: dict[str, list[Path]] = {}
    for path in folder_images(images).paths:
        by_stem.setdefault(path.stem, []).append(path)
    rows, classes, digest = [], np.zeros(256, np.bool_), hashlib.sha256()
    for file in files:
        found = by_stem.get(file.stem, [])
        if len(found) != 1:
            raise InputError(
                f"{images} has {counted(len(found), 'image')} called {file.stem}, for {file.name}; one is needed"
            )
        classes[np.unique(read_label_image(file))] = True
        digest.update(bytes.fromhex(sha256_of(file)))
        rows.append(LabelledImage(found[0].relative_to(images).as_posix(), file))
    classes[UNLABELLED] = False
    if not classes.any():
        raise InputError(f"no pixel in {masks} has a class: there is nothing to score against")
    categories = tuple((number, str(number)) for number in np.flatnonzero(classes).tolist())
    return LabelImages(tuple(rows), categories, digest.hexdigest())


def read_label_image(path: Path) -> Pixels:
    """Return the class of each pixel of the PNG at *path*: uint8, (height, width); `UNLABELLED` if it has none.

    Raises:
        InputError: it is not a PNG of one byte a pixel, or is damaged.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as image:
            if image.mode not in MODES or image.width * image.height > MAX_PIXELS:
                raise InputError(
                    f"{path} is a PNG of mode {image.mode}, {image.width} x {image.height}; give one of 8-bit grey, or "
                    "of a palette, whose pixels are the numbers of classes"
                )
            return np.array(image, np.uint8)
    except (*DAMAGED, Image.DecompressionBombError) as error:
        raise InputError(f"{path} is not a PNG, or is damaged: {' '.join(str(error).split())}") from error
