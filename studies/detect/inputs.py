"""What to detect in: images, folders, lists and videos; and where the picture of each is written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from detlite.accuracy.images import images_in
from detlite.accuracy.video import is_video
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.image.draw import PICTURE_SUFFIXES, picture_name
from detlite.runtime.image.files import folder_files, folder_images

LIST_SUFFIX = ".txt"


@dataclass(frozen=True)
class Input:
    """One image or video file.

    Attributes:
        path: the file.
        name: its path below the folder that was given, or its file name: what its picture is called.
        picture: where the drawn picture or video is written; None where nothing is drawn.
        upright: whether an image is turned by its EXIF orientation; boxes are for the pixels that are read.
    """

    path: Path
    name: Path
    picture: Path | None = None
    upright: bool = True

    @property
    def is_video(self) -> bool:
        """Whether the file is a video, by its suffix."""
        return is_video(self.path)

    @property
    def unfinished(self) -> Path | None:
        """Where a video is drawn until it is finished; None where no video is drawn."""
        if self.picture is None or not self.is_video:
            return None
        return self.picture.with_name(f".{self.picture.stem}.partial{self.picture.suffix}")


def inputs_in(paths: Sequence[Path], *, upright: bool = True) -> tuple[Input, ...]:
    """Return the images and videos that *paths* name, in their order; folders are searched with their sub-folders.

    Args:
        paths: image files, video files, folders of them, or .txt files with one image path a line.
        upright: whether images are turned by their EXIF orientation.

    Raises:
        InputError: a path does not exist, or a folder or a list has no image and no video.
    """
    found = tuple(replace(one, upright=upright) for path in paths for one in _inputs_of(path))
    if not found:
        raise InputError("no image to detect in: give image files, folders or videos")
    return found


def _inputs_of(path: Path) -> Iterator[Input]:
    if path.is_dir():
        files = folder_files(path)
        videos = [file for file in files.skipped if is_video(file)]
        images = files.paths if videos else folder_images(path).paths
        for file in sorted([*images, *videos]):
            yield Input(file, file.relative_to(path))
    elif not path.exists():
        raise InputError(f"{path} does not exist: give an image, a folder of images, or a video")
    elif path.suffix.lower() == LIST_SUFFIX:
        for file in images_in(path).paths:
            yield Input(file, Path(file.name))
    else:
        yield Input(path, Path(path.name))


def skipped_in(paths: Sequence[Path]) -> Iterator[tuple[Path, tuple[Path, ...]]]:
    """Yield each folder of *paths* with its files that are neither images nor videos; errors as `inputs_in`."""
    for path in paths:
        if path.is_dir():
            files = folder_files(path).skipped
            yield path, tuple(file for file in files if not is_video(file))


def with_pictures(inputs: Sequence[Input], draw: Path, *, force: bool) -> tuple[Input, ...]:
    """Return *inputs* with the place of each picture, which is made ready before any work.

    Args:
        inputs: what is drawn.
        draw: a folder; or, for one input, the file to write.
        force: replace pictures that exist.

    Raises:
        InputError: a picture exists, two have the same name, or the place cannot be written to.
    """
    if draw.suffix and not draw.is_dir():
        if len(inputs) > 1:
            raise InputError(f"{draw} is one file, and there are {counted(len(inputs), 'input')}: give a folder")
        _check_suffix(draw, inputs[0])
        placed = [replace(inputs[0], picture=draw)]
    else:
        placed = [replace(one, picture=draw / _picture_name(one)) for one in inputs]
    _refuse_twins(placed)
    _prepare(placed, force=force)
    return tuple(placed)


def _picture_name(one: Input) -> Path:
    if one.is_video:
        return one.name.with_suffix(".mp4")
    return picture_name(one.name)


def _check_suffix(draw: Path, one: Input) -> None:
    known = (".mp4",) if one.is_video else PICTURE_SUFFIXES
    if draw.suffix.lower() not in known:
        raise InputError(f"{draw} has the suffix {draw.suffix!r}; give a folder, or a file with {', '.join(known)}")


def _refuse_twins(placed: Sequence[Input]) -> None:
    owners: dict[Path | None, Path] = {}
    for one in placed:
        if one.picture in owners:
            raise InputError(
                f"{owners[one.picture]} and {one.path} would both be drawn to {one.picture}: rename one, or detect in "
                "one folder after the other"
            )
        owners[one.picture] = one.path


def _prepare(placed: Sequence[Input], *, force: bool) -> None:
    for one in placed:
        assert one.picture is not None
        if one.picture.exists() and one.picture.samefile(one.path):
            raise InputError(f"{one.picture} is the image itself: draw to another folder")
        if one.picture.exists() and not force:
            raise InputError(f"{one.picture} exists already; choose another folder, or pass --force to replace it")
    for folder in dict.fromkeys(one.picture.parent for one in placed if one.picture is not None):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise InputError(f"{folder} cannot be written: {error.strerror}; choose another folder") from error
