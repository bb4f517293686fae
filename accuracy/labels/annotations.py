"""Ground truth of detection and instance segmentation: images, and the objects in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from detlite.accuracy.dataset import Item, Labels, Object
from detlite.runtime.counts import agreed, counted
from detlite.runtime.errors import InputError
from detlite.runtime.image.read import DAMAGED, FORMATS

LARGEST_SIDE = 1 << 20
"""Pixels of a side: more than any picture format in use holds."""

Polygons = tuple[tuple[float, ...], ...]
"""Outlines of one object, each (x, y, x, y, ...) in pixels."""


@dataclass(frozen=True)
class RunLengths:
    """A mask as COCO encodes it: the lengths of the runs of 0 and 1 in turn, down the columns.

    Attributes:
        size: (height, width) of the image, in pixels.
        counts: the lengths.
    """

    size: tuple[int, int]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class AnnotatedImage:
    """One image: its id, its file's name in the images folder, its size in pixels; 0 x 0 where that is not known."""

    id: int
    file_name: str
    height: int
    width: int


@dataclass(frozen=True)
class Truth:
    """One annotated object: *box* is COCO's (x, y, width, height) in pixels, *area* in square pixels.

    A *crowd* is a region with more objects than were counted: what is found in it is neither right nor wrong. Pascal
    VOC's difficult objects are crowds here. *group_of* is Open Images' box around more than five objects that touch.
    *mask* is its outline; None where only the box is annotated, or where masks were not asked for. *keypoints* are
    (x, y, mark) in pixels, one after the other, where they were asked for; a mark of 0 means not labelled.
    """

    image_id: int
    category_id: int
    box: tuple[float, float, float, float]
    area: float
    crowd: bool
    group_of: bool = False
    mask: Polygons | RunLengths | None = None
    keypoints: tuple[float, ...] = ()


@dataclass(frozen=True)
class Annotations:
    """A ground truth of objects.

    Attributes:
        images: in the order of the file.
        truths: the objects, in the order of the file.
        categories: (id, name), in the order of the file.
        sha256: of the whole file, in hex.
        split: such as `val2017`, where the file's `coco_url`s agree on one; else None.
        origin: the format that it was read from: `coco`, `voc`, `open-images` or `kitti`.
        verified: (image id, category id) that people said is there, or is not there; Open Images only.
        keypoint_names: of the keypoints of a category, by its id, where they were asked for.
    """

    images: tuple[AnnotatedImage, ...]
    truths: tuple[Truth, ...]
    categories: tuple[tuple[int, str], ...]
    sha256: str
    split: str | None = None
    origin: str = "coco"
    verified: frozenset[tuple[int, int]] = frozenset()
    keypoint_names: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def numbered(self) -> bool:
        """False: classes are matched by name."""
        return False

    def first(self, count: int) -> Annotations:
        """Return the first *count* images with their objects; the categories stay."""
        if count < 1:
            raise InputError(f"a limit of {counted(count, 'image')}: it must be at least 1")
        images = self.images[:count]
        kept = {image.id for image in images}
        return replace(
            self,
            images=images,
            truths=tuple(t for t in self.truths if t.image_id in kept),
            verified=frozenset(pair for pair in self.verified if pair[0] in kept),
        )

    def of_categories(self, kept: frozenset[int]) -> Annotations:
        """Return the same images with the objects of the categories *kept* alone."""
        return replace(
            self,
            truths=tuple(t for t in self.truths if t.category_id in kept),
            categories=tuple(pair for pair in self.categories if pair[0] in kept),
            verified=frozenset(pair for pair in self.verified if pair[1] in kept),
        )

    def renamed(self, names: Mapping[str, str]) -> Annotations:
        """Return the same with other *names* for some categories, by their names."""
        return replace(self, categories=tuple((i, names.get(name, name)) for i, name in self.categories))

    def items(self, paths: Sequence[Path]) -> Iterator[Item]:
        """Yield the images for calibration, whose files are *paths*; without objects where none is annotated at all."""
        names = dict(self.categories)
        pixels = {image.id: image.height * image.width for image in self.images}
        found: Mapping[int, list[Object]] = defaultdict(list)
        for truth in self.truths:
            whole = pixels[truth.image_id]
            area = truth.box[2] * truth.box[3] / whole if whole else None
            found[truth.image_id].append(Object(names[truth.category_id], area))
        for image, path in zip(self.images, paths, strict=True):
            yield Item(image.file_name, path=path, objects=tuple(found[image.id]) if self.truths else None)


def image_of_file(number: int, path: Path) -> AnnotatedImage:
    """Return the image at *path* with the size that its header has; `InputError` if it is missing or damaged."""
    from PIL import Image

    try:
        with Image.open(path, formats=FORMATS) as image:
            return AnnotatedImage(number, path.name, image.height, image.width)
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: give the folder with the annotated images, or --limit") from error
    except (*DAMAGED, Image.DecompressionBombError) as error:
        raise InputError(f"{path} is no image, or is damaged: {' '.join(str(error).split())}") from error


def check_image_files(labels: Labels, folder: Path) -> tuple[Path, ...]:
    """Return the path of each labelled image in *folder*; `InputError` says how many are missing, and the first."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: give the one with the images that the annotations list")
    paths = tuple(folder / image.file_name for image in labels.images)
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise InputError(
            f"{len(missing)} of {counted(len(paths), 'image')} that the annotations list "
            f"{agreed(len(missing), 'is', 'are')} missing in {folder}; the first is {missing[0].name}: give the folder "
            "that belongs to the annotations, or --limit"
        )
    return paths
