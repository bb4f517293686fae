"""`board.pyz detect --draw`: pictures of what the model finds."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Sequence

from detlite.runtime.arrays import Pixels
from detlite.runtime.errors import InputError, MissingToolError
from detlite.runtime.image.draw import picture_name, picture_of
from detlite.runtime.task import Found, Result


def picture_files(images: Sequence[Path], folder: Path, *, force: bool) -> List[Path]:
    """Return the file in *folder*, which is made, of the picture of each of the *images*.

    Raises:
        InputError: two have one name, a file exists and *force* is not set, a file would replace the image itself or
            a folder, or *folder* cannot be one.
        MissingToolError: Pillow is not installed.
    """
    try:
        import PIL  # noqa: F401  # asked before any work
    except ImportError as error:
        raise MissingToolError("--draw needs Pillow: install it with `pip install pillow`") from error
    files = [folder / picture_name(path).name for path in images]
    owners: Dict[Path, Path] = {}
    for image, file in zip(images, files):
        if file in owners:
            raise InputError(f"{owners[file]} and {image} would both be drawn to {file}: draw one after the other")
        if file.exists() and image.exists() and file.samefile(image):
            raise InputError(f"{file} is the image itself: draw to another folder")
        if file.is_dir():
            raise InputError(f"{file} is a folder, which no picture replaces: draw to another folder")
        if file.exists() and not force:
            raise InputError(f"{file} exists already; choose another folder, or pass --force to replace it")
        owners[file] = image
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"--draw needs a folder, and {folder} is a file or in one: choose another") from error
    return files


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
