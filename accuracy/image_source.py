"""What a source of images is; each is one file in `accuracy/datasets/`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from detlite.runtime.errors import InputError

SOURCES = "detlite.accuracy.datasets"

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".npy")
"""Of files that count as images where there are others beside them."""

MOST_IMAGES = 10_000_000
"""Of one source: the largest public ones have 9 million."""

MOST_IMAGE_BYTES = 256 << 20
"""Of one image inside of another file: 90 megapixels as they are, ten times as many in a JPEG."""

MOST_NAME = 200  # characters of a name in a message


@dataclass(frozen=True)
class Object:
    """One labelled object of an image.

    Attributes:
        name: of its class.
        area: of its box, as a share of the image's; None where the source does not say.
    """

    name: str
    area: float | None


@dataclass(frozen=True, eq=False)
class Item:
    """One image of a source, not read yet.

    Attributes:
        name: for messages.
        objects: what is labelled in it; None where the source has no labels.
        path: its file; None where it is inside of another.
        content: gives the bytes of a file with this *suffix*, until the next item is asked for; None where it has a
            file of its own.
        suffix: such as `.jpg`.
    """

    name: str
    objects: tuple[Object, ...] | None = None
    path: Path | None = None
    content: Callable[[], bytes] | None = None
    suffix: str = ""

    def __post_init__(self) -> None:
        assert (self.path is None) is not (self.content is None)


@dataclass(frozen=True)
class ImageSource:
    """One kind of place where images are; its name is its file's name, and that of an option.

    Attributes:
        title: what it is, in one line.
        takes: names of the paths that it wants.
        items: the images there, in a fixed order, the same each time. It raises `InputError` where they cannot be read.
        files: the files that the images are inside of; None where each has a file of its own.
    """

    title: str
    takes: tuple[str, ...]
    items: Callable[[Sequence[Path]], Iterator[Item]]
    files: Callable[[Sequence[Path]], Sequence[Path]] | None = None


@contextmanager
def one_error(damaged: tuple[type[Exception], ...], text: str) -> Iterator[None]:
    """Turn any of *damaged*, which a damaged file makes its reader raise, into an `InputError`: *text*, and why."""
    try:
        yield
    except InputError:
        raise
    except damaged as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{text} ({reason}): get it again") from error


def only_file(paths: Sequence[Path]) -> Sequence[Path]:
    """Return *paths*, which is one file.

    Raises:
        InputError: it is not there, or is no file.
    """
    (path,) = paths
    if not path.is_file():
        raise InputError(f"{path} is not there, or is no file: want one with images inside")
    return paths


def check_files(paths: Sequence[Path], who: str) -> None:
    """Raise `InputError` where not all of *paths*, which *who* names, are files."""
    missing = [path for path in paths if not _is_file(path)]
    if missing:
        raise InputError(
            f"{len(missing)} of the {len(paths)} images that {who} names are not there; the first is "
            f"{str(missing[0])[:MOST_NAME]}"
        )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # no file can have this name: it is too long, or part of another kind of text
        return False
