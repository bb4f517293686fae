"""The images of a data set by number, whether each is a separate file or inside another.

At most one image is in memory at a time; the others have a thumbnail, or only labels.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from detlite.accuracy.dataset import MOST_IMAGES, Dataset, Item, Object
from detlite.calibration.images.image_cache import ImageCache
from detlite.calibration.images.thumbnail import thumbnail, thumbnails
from detlite.runtime.arrays import Pixels
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress, silent

Looks = dict[int, Pixels | InputError]
"""The thumbnail of each image by number, or why it cannot be read."""


class Gallery:
    """The images at *paths*, in the format *dataset*.

    Attributes:
        objects: the labelled objects of each image; empty if the data set has no labels.
    """

    def __init__(self, dataset: Dataset, paths: Sequence[Path], *, progress: Progress = silent) -> None:
        """List the images.

        Raises:
            InputError: there are none, or too many.
        """
        self._dataset, self._where, self._progress = dataset, paths, progress
        self.objects: list[tuple[Object, ...]] = []
        self._paths: list[Path] = []
        for item in dataset.items(paths):
            self.objects.append(item.objects or ())
            if item.path is not None:
                self._paths.append(item.path)
            if len(self.objects) > MOST_IMAGES:
                raise InputError(f"{paths[-1]} has over {MOST_IMAGES} images: give fewer")
            progress("images listed", len(self.objects), 0)

    def __len__(self) -> int:
        return len(self.objects)

    @property
    def is_labelled(self) -> bool:
        """Whether the data set has labels."""
        return any(self.objects)

    def looks(self, numbers: Sequence[int]) -> Looks:
        """Return the thumbnail of each image of *numbers*, in order, or why it cannot be read."""
        if self._paths:
            paths = [self._paths[one] for one in numbers]
            made = thumbnails(paths, upright=self._dataset.upright, progress=self._progress)
            return dict(zip(numbers, made, strict=True))
        found: Looks = {}
        with tempfile.TemporaryDirectory() as folder:
            for number, item in self._items(set(numbers)):
                found[number] = self._look(item, Path(folder) / f"image{item.suffix}")
                self._progress("images looked at", len(found), len(numbers))
        return {number: found[number] for number in numbers}

    def files(self, numbers: Sequence[int], cache: ImageCache) -> list[Path]:
        """Return the file of each image of *numbers*, in order; those without one are written to *cache*."""
        if self._paths:
            return [self._paths[number] for number in numbers]
        found: dict[int, Path] = {}
        for number, item in self._items(set(numbers)):
            assert item.content is not None
            found[number] = cache.put(item.content(), item.suffix)
        return [found[number] for number in numbers]

    def _items(self, numbers: Collection[int]) -> Iterator[tuple[int, Item]]:
        """Yield the images of *numbers* in the data set's order; reading stops after the last of them."""
        left = len(numbers)
        for number, item in enumerate(self._dataset.items(self._where)):
            if not left:
                return
            if number in numbers:
                left -= 1
                yield number, item
        if left:
            raise InputError(f"{self._where[-1]} changed while being read: {left} of its images are gone")

    def _look(self, item: Item, path: Path) -> Pixels | InputError:
        """Return the thumbnail of *item*, read through the file *path*."""
        assert item.content is not None
        try:
            path.write_bytes(item.content())
            return thumbnail(path, upright=self._dataset.upright)
        except InputError as error:
            return InputError(str(error).replace(str(path), item.name))
