"""A folder of images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from detlite.accuracy.image_source import ImageSource, Item
from detlite.accuracy.images import images_in


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the images in the folder and those below it, by name, or those that a file lists."""
    for path in images_in(paths[0]).paths:
        yield Item(path.name, path=path)


PLUGIN = ImageSource(title="Folder of images, or a file that lists them.", takes=("FOLDER",), items=items)
