"""What a library call works on: images and data sets."""

from __future__ import annotations

from pathlib import Path

from detlite.accuracy.dataset import DatasetFiles
from detlite.accuracy.images import Images, images_in
from detlite.library.arguments import AnyPath


def images(path: AnyPath, *, count: int | None = None, seed: int = 0) -> Images:
    """Return the images in a folder and its sub-folders, sorted by path, or those that a text file lists.

    Args:
        path: the folder, or a file with one path a line.
        count: how many to choose; None for all.
        seed: of the choice.

    Raises:
        InputError: there are none, or a listed one is missing.

    Example:
        >>> few = detlite.images("photos/", count=100)
        >>> len(few.paths)
        100
    """
    found = images_in(Path(path))
    return found if count is None else found.choose(count, seed)


def dataset(name: str, *paths: AnyPath, limit: int | None = None, **further: AnyPath) -> DatasetFiles:
    """Return a data set on this machine, to score models with; its labels are read when they are used.

    Args:
        name: its format: `coco`, `voc`, `open_images` ..., a file's name in `accuracy/datasets/`.
        paths: what the format takes, in order: for `coco` the folder of the images and the annotations.
        limit: how many images are used, the first ones; None for all.
        further: more options of the format, as in `detlite evaluate --help` with _ for -: `split="val"` for `voc`.

    Raises:
        UnknownNameError: there is no such format.
        InputError: other paths or options are given than the format takes.

    Example:
        >>> detlite.dataset("coco", "val2017/", "instances_val2017.json", limit=500).name
        'coco'
    """
    options = {key.replace("_", "-"): str(value) for key, value in further.items()}
    return DatasetFiles(name, tuple(map(Path, paths)), options, limit)
