"""Ground truth of classification: one class for each image, from sub-folders, a text list or a JSON file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from detlite.accuracy.dataset import Item, Object
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.image.files import folder_images
from detlite.runtime.limited_file import read_limited
from detlite.runtime.strict_json import parse_json

LARGEST_FILE_BYTES = 1 << 30
NUMBER = re.compile(r"[0-9]{1,9}")
SYNSET = re.compile(r"n[0-9]{8}")
IMAGENET_CLASSES = 1000


@dataclass(frozen=True)
class ClassifiedImage:
    """One image: its file's path below the images folder, and the id of its class."""

    file_name: str
    category_id: int


@dataclass(frozen=True)
class ImageClasses:
    """A ground truth of one class for each image.

    Attributes:
        images: in a fixed order.
        categories: (id, name) of each class that an image has, by id.
        sha256: of the labels' file, or of the paths of the images where their folders are the labels.
        origin: `class-folders`, `class-list`, or `kinetics` and how many of its videos are missing.
        numbered: whether ids are the numbers of the model's classes, from 0; else names decide.
        split: not known of such labels.
    """

    images: tuple[ClassifiedImage, ...]
    categories: tuple[tuple[int, str], ...]
    sha256: str
    origin: str
    numbered: bool = False
    split: None = None

    def first(self, count: int) -> ImageClasses:
        """Return the first *count* images."""
        if count < 1:
            raise InputError(f"a limit of {counted(count, 'image')}: it must be at least 1")
        return replace(self, images=self.images[:count])

    def of_categories(self, kept: frozenset[int]) -> ImageClasses:
        """Return the images of the categories *kept* alone."""
        return replace(
            self,
            images=tuple(image for image in self.images if image.category_id in kept),
            categories=tuple(pair for pair in self.categories if pair[0] in kept),
        )

    def renamed(self, names: Mapping[str, str]) -> ImageClasses:
        """Return the same with other *names* for some categories, by their names."""
        return replace(self, categories=tuple((i, names.get(name, name)) for i, name in self.categories))

    def items(self, folder: Path) -> Iterator[Item]:
        """Yield the images in *folder* for calibration, each with its class as the one object."""
        names = dict(self.categories)
        for image in self.images:
            one = Object(names[image.category_id], None)
            yield Item(image.file_name, path=folder / image.file_name, objects=(one,))


def read_class_folders(folder: Path) -> ImageClasses:
    """Return the classes of the images in *folder*: the first sub-folder of each, sorted, is its class.

    Raises:
        InputError: there is no image, or one lies beside the sub-folders.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: give one with a sub-folder of images for each class")
    return classes_of_folders(folder, folder_images(folder).paths, "image")


def classes_of_folders(folder: Path, files: Sequence[Path], what: str) -> ImageClasses:
    """Return the classes of *files* in *folder* like `read_class_folders`; errors call each of them *what*."""
    paths = [path.relative_to(folder) for path in files]
    loose = next((path for path in paths if len(path.parts) < 2), None)
    if loose is not None:
        raise InputError(f"{folder / loose} is in no sub-folder: put each {what} into the folder of its class")
    names = sorted({path.parts[0] for path in paths})
    numbers = {name: number for number, name in enumerate(names, 1)}
    images = tuple(ClassifiedImage(path.as_posix(), numbers[path.parts[0]]) for path in paths)
    digest = hashlib.sha256("\n".join(image.file_name for image in images).encode()).hexdigest()
    return ImageClasses(images, tuple((number, name) for name, number in numbers.items()), digest, "class-folders")


def read_synset_folders(folder: Path) -> ImageClasses:
    """Return the classes of the images in *folder* like `read_class_folders`; ImageNet's synsets are numbered.

    All 1000 folders `n01440764` to `n15075141` in their order are the classes 0 to 999 of a model, whatever it calls
    them.

    Raises:
        InputError: as `read_class_folders`, or only some of the synsets are there, so that their numbers are not known.
    """
    found = read_class_folders(folder)
    synsets = [name for _identity, name in found.categories if SYNSET.fullmatch(name)]
    if not synsets or len(synsets) < len(found.categories):
        return found
    if len(synsets) != IMAGENET_CLASSES:
        raise InputError(
            f"{folder} has {len(synsets)} of ImageNet's {IMAGENET_CLASSES} synsets, which do not say their numbers: "
            "give a list with `image class` a line, or JSON"
        )
    images = tuple(replace(image, category_id=image.category_id - 1) for image in found.images)
    categories = tuple((identity - 1, name) for identity, name in found.categories)
    return replace(found, images=images, categories=categories, numbered=True)


def read_class_list(path: Path) -> ImageClasses:
    """Return the classes in the file *path*: text with `image class` a line, or JSON with the class by image.

    A class is its number, from 0 and without the background, or its name; all of them one or the other. In JSON it may
    also be a list that begins with the number.

    Raises:
        InputError: the file cannot be read, is damaged, or names no image.
    """
    raw = read_limited(path, "a list of classes", LARGEST_FILE_BYTES)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text: give `image class` a line, or JSON with the class by image") from error
    rows = _json_rows(text, path) if text.lstrip().startswith("{") else _text_rows(text, path)
    if not rows:
        raise InputError(f"{path} names no image: give `image class` a line, or JSON with the class by image")
    for name, _klass in rows:
        _check_name(name, path)
    if len({name for name, _klass in rows}) < len(rows):
        raise InputError(f"{path} names an image twice: name each once")
    return _classes(rows, path, hashlib.sha256(raw).hexdigest())


def _classes(rows: Sequence[tuple[str, int | str]], path: Path, digest: str) -> ImageClasses:
    numbers = [klass for _name, klass in rows if isinstance(klass, int)]
    if numbers and len(numbers) < len(rows):
        raise InputError(f"{path} has classes by number and others by name: use one or the other")
    if numbers:
        images = tuple(ClassifiedImage(name, int(klass)) for name, klass in rows)
        categories = tuple((number, str(number)) for number in sorted(set(numbers)))
        return ImageClasses(images, categories, digest, "class-list", numbered=True)
    ids = {name: identity for identity, name in enumerate(sorted({str(klass) for _name, klass in rows}), 1)}
    images = tuple(ClassifiedImage(name, ids[str(klass)]) for name, klass in rows)
    return ImageClasses(images, tuple((identity, name) for name, identity in ids.items()), digest, "class-list")


def _text_rows(text: str, path: Path) -> list[tuple[str, int | str]]:
    rows: list[tuple[str, int | str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split(maxsplit=1)
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 2:
            raise InputError(f"{path}, line {number}: {line[:40]!r} has no class; give `image class`")
        klass = words[1].strip()
        rows.append((words[0], int(klass) if NUMBER.fullmatch(klass) else klass))
    return rows


def _json_rows(text: str, path: Path) -> list[tuple[str, int | str]]:
    try:
        record = parse_json(text)
    except InputError as error:
        raise InputError(f"{path} is not whole JSON ({error}): give the class by image") from error
    return [(str(name), _json_class(value, str(name), path)) for name, value in record.items()]


def _json_class(value: object, name: str, path: Path) -> int | str:
    klass = value[0] if isinstance(value, list) and value else value
    if isinstance(klass, bool) or not isinstance(klass, int | str) or (isinstance(klass, int) and klass < 0):
        raise InputError(f"{path}: the class of {name[:40]!r} is {str(value)[:40]!r}; give its number, or its name")
    return klass


def _check_name(name: str, path: Path) -> None:
    for kind in (PurePosixPath, PureWindowsPath):
        if "\0" in name or kind(name).is_absolute() or ".." in kind(name).parts:
            raise InputError(f"{path}: the image {name[:40]!r} leads out of the images folder")
