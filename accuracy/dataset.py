"""What a data set is, in one format: its images for calibration, and its labels for scoring.

Each format is one file in `accuracy/datasets/`; calibration and scoring read the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from detlite.runtime.counts import agreed, counted
from detlite.runtime.errors import InputError
from detlite.runtime.plugins import load_plugin, load_plugins

DATASETS = "detlite.accuracy.datasets"

MOST_IMAGES = 10_000_000
"""Images of one data set: the largest public ones have 9 million."""

MOST_IMAGE_BYTES = 256 << 20
"""Size of one image inside another file: 90 megapixels uncompressed, ten times as many in a JPEG."""

MOST_NAME = 200  # characters of a name in a message

SelfLabels = TypeVar("SelfLabels", bound="Labels")


@dataclass(frozen=True)
class Object:
    """One labelled object of an image.

    Attributes:
        name: of its class.
        area: of its box, as a share of the image's; None if the data set does not say.
    """

    name: str
    area: float | None


@dataclass(frozen=True, eq=False)
class Item:
    """One image of a data set, not read yet.

    Attributes:
        name: for messages.
        objects: what is labelled in it; None if the data set has no labels.
        path: its file; None if it is inside another file.
        content: returns the bytes of a file with this *suffix*, until the next item is asked for; None if the image
            has a file of its own.
        suffix: such as `.jpg`.
    """

    name: str
    objects: tuple[Object, ...] | None = None
    path: Path | None = None
    content: Callable[[], bytes] | None = None
    suffix: str = ""

    def __post_init__(self) -> None:
        assert (self.path is None) is not (self.content is None)


class NamedFile(Protocol):
    """An image of `Labels`."""

    @property
    def file_name(self) -> str:
        """The path of its file, relative to the folder of the images."""


class Labels(Protocol):
    """The ground truth of a data set for one kind of task: `Annotations`, `ImageClasses` or `LabelImages`."""

    @property
    def images(self) -> tuple[NamedFile, ...]:
        """The images, in a fixed order."""

    @property
    def categories(self) -> tuple[tuple[int, str], ...]:
        """The id and the name of each class."""

    @property
    def sha256(self) -> str:
        """Of the files with the labels, in hex."""

    @property
    def split(self) -> str | None:
        """Such as `val2017`; None if the data set does not say."""

    @property
    def origin(self) -> str:
        """The format: `coco`, `voc`, `open-images`, `class-folders` ..."""

    @property
    def numbered(self) -> bool:
        """Whether a category's id is the number of the model's class, from 0, so that names play no part."""

    def first(self: SelfLabels, count: int) -> SelfLabels:
        """Return the first *count* images with their labels."""

    def of_categories(self: SelfLabels, kept: frozenset[int]) -> SelfLabels:
        """Return the same images with the labels of the categories *kept* alone."""

    def renamed(self: SelfLabels, names: Mapping[str, str]) -> SelfLabels:
        """Return the same with other names for some categories, by their names."""


@dataclass(frozen=True)
class DatasetFiles:
    """A data set on this machine: the name of its format, and where its files are.

    Attributes:
        name: of a file in `accuracy/datasets/`.
        paths: one for each of the format's `takes`.
        further: the values of the format's `FurtherOption`s, by their names; those that were not given are left out.
        limit: how many images are wanted, from the first on; None for all.
    """

    name: str
    paths: tuple[Path, ...]
    further: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None

    def __post_init__(self) -> None:
        dataset = load_dataset(self.name)
        if len(self.paths) != len(dataset.takes):
            raise InputError(
                f"the data set {self.name} takes {' '.join(dataset.takes)}, and "
                f"{counted(len(self.paths), 'path is', 'paths are')} given"
            )
        known = {option.name for option in dataset.further}
        unknown = next((name for name in self.further if name not in known), None)
        if unknown is not None:
            has = ", ".join(sorted(known)) or "none"
            raise InputError(f"the data set {self.name} has no option {unknown!r}; it has: {has}")

    def path(self, name: str) -> Path | None:
        """Return the path that the further option *name* gives; None if it was not given."""
        return Path(self.further[name]) if name in self.further else None


@dataclass(frozen=True)
class FurtherOption:
    """An option of `detlite evaluate` that says more of a data set.

    Attributes:
        name: such as `split`, for `--split`.
        metavar: what it takes.
        help: for the help text.
        is_path: whether it takes the path of a file.
    """

    name: str
    metavar: str
    help: str
    is_path: bool = True


@dataclass(frozen=True)
class LabelReader:
    """How a data set's labels for one kind of task are read.

    Attributes:
        read: returns the labels, and the folder of their images. It raises `InputError` if they cannot be read.
        metric: what they are scored with where no metric is named.
        needs: the further option without which there are no such labels; None if they are always there.
    """

    read: Callable[[DatasetFiles], tuple[Labels, Path]]
    metric: str
    needs: str | None = None


@dataclass(frozen=True)
class Dataset:
    """One format of data sets; its name is its file's name, and that of an option.

    Attributes:
        title: what it is, in one line.
        takes: names of the paths that it needs.
        items: the images, for calibration, in a fixed order. It raises `InputError` if they cannot be read.
        files: the files that the images are inside of; None where each has a file of its own.
        labels: how the labels are read, by the kind of task; empty if it has none to score with.
        further: options of `detlite evaluate` that say more of the labels.
        option: the name of its option; "" for the name of its file.
        upright: whether its images are photographs to turn by their EXIF orientation. The boxes of labelled sets are
            for the stored pixels.
        skipped: returns the files beside the images that are not images; None if there are no others.
        videos: returns the videos that the images are frames of; None where they are no frames.
    """

    title: str
    takes: tuple[str, ...]
    items: Callable[[Sequence[Path]], Iterator[Item]]
    files: Callable[[Sequence[Path]], Sequence[Path]] | None = None
    labels: Mapping[str, LabelReader] = field(default_factory=dict)
    further: tuple[FurtherOption, ...] = ()
    option: str = ""
    upright: bool = False
    skipped: Callable[[Sequence[Path]], Sequence[Path]] | None = None
    videos: Callable[[Sequence[Path]], Sequence[Path]] | None = None


def load_dataset(name: str) -> Dataset:
    """Return the format *name*; `UnknownNameError` if there is none."""
    dataset: Dataset = load_plugin(DATASETS, name)
    return dataset


def datasets_by_option() -> dict[str, tuple[str, Dataset]]:
    """Return the name and the format of each data set by the name of its option, such as `class-folders`."""
    loaded: dict[str, Dataset] = load_plugins(DATASETS)
    return {dataset.option or name.replace("_", "-"): (name, dataset) for name, dataset in loaded.items()}


@contextmanager
def one_error(
    damaged: tuple[type[Exception], ...], text: str, error_class: type[InputError] = InputError
) -> Iterator[None]:
    """Turn any of *damaged*, which a damaged file makes its reader raise, into an *error_class*: *text*, and why."""
    try:
        yield
    except InputError:
        raise
    except damaged as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise error_class(f"{text} ({reason}): get it again") from error


def only_file(paths: Sequence[Path]) -> Sequence[Path]:
    """Return *paths*, which is one file.

    Raises:
        InputError: it does not exist, or is not a file.
    """
    (path,) = paths
    if not path.is_file():
        raise InputError(f"{path} does not exist or is not a file: give a file with images inside")
    return paths


def check_files(paths: Sequence[Path], who: str) -> None:
    """Raise `InputError` where not all of *paths*, which *who* names, are files."""
    missing = [path for path in paths if not _is_file(path)]
    if missing:
        raise InputError(
            f"{len(missing)} of the {counted(len(paths), 'image')} that {who} names "
            f"{agreed(len(missing), 'is', 'are')} not there; the first is {str(missing[0])[:MOST_NAME]}"
        )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # no file can have this name: it is too long, or part of another kind of text
        return False
