"""A text file with the path of one image a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from detlite.accuracy.dataset import Dataset, Item
from detlite.accuracy.images import listed


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the images that the file lists, in its order."""
    for path in listed(paths[0]):
        yield Item(path.name, path=path)


PLUGIN = Dataset(title="Text file with one image path a line.", takes=("FILE",), items=items, upright=True)
