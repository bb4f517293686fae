"""`board.pyz detect --draw`: pictures of what the model finds."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Sequence

from detlite.runtime.arrays import Pixels
from detlite.runtime.errors import InputError, MissingToolError
from detlite.runtime.image.draw import PICTURE_SUFFIXES, picture_of
from detlite.runtime.task import Found, Result


def picture_files(images: Sequence[Path], folder: Path, *, force: bool) -> List[Path]:
    """Return the file in *folder*, which is made, of the picture of each of the *images*.

    Raises:
        InputError: two have one name, or a file exists and *force* is not set, or would replace the image itself.
        MissingToolError: Pillow is not installed.
    """
    try:
        import PIL  # noqa: F401  # asked before any work
    except ImportError as error:
        raise MissingToolError("--draw needs Pillow: install it with `pip install pillow`") from error
    files = [folder / _picture_name(path) for path in images]
    owners: Dict[Path, Path] = {}
    for image, file in zip(images, files):
        if file in owners:
            raise InputError(f"{owners[file]} and {image} would both be drawn to {file}: draw one after the other")
        if file.exists() and file.samefile(image):
            raise InputError(f"{file} is the image itself: draw to another folder")
        if file.exists() and not force:
            raise InputError(f"{file} exists already; choose another folder, or pass --force to replace it")
        owners[file] = image
    folder.mkdir(parents=True, exist_ok=True)
    return files


def _picture_name(image: Path) -> str:
    return image.name if image.suffix.lower() in PICTURE_SUFFIXES else image.with_suffix(".png").name


def write_picture(file: Path, image: Pixels, shown: Sequence[Found], result: Result) -> None:
    """Write *image*, uint8 (height, width, 3), with what is *shown* of *result*, to *file*, whole or not at all."""
    from PIL import Image

    part = file.with_name(f".{file.stem}.partial{file.suffix}")
    try:
        Image.fromarray(picture_of(image, shown, result)).save(part, quality=92)
        part.replace(file)
    finally:
        if part.exists():
            part.unlink()
