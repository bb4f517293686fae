"""A folder of images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from detlite.accuracy.dataset import Dataset, Item
from detlite.accuracy.images import images_in


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the images in the folder and those below it, by path, or those that a file lists."""
    for path in images_in(paths[0]).paths:
        yield Item(path.name, path=path)


def skipped(paths: Sequence[Path]) -> Sequence[Path]:
    """Return the files of the folder that are not images."""
    return images_in(paths[0]).skipped


PLUGIN = Dataset(
    title="Folder of images, sub-folders included, or a file that lists them.",
    takes=("FOLDER",),
    items=items,
    skipped=skipped,
)
