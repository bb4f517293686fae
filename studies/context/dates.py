"""When images were taken: from their EXIF, or from a list."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.image.read import DAMAGED, DAMAGED_EXIF, FORMATS
from detlite.runtime.limited_file import read_limited
from detlite.runtime.strict_json import parse_json

EXIF_PART, TAKEN, CHANGED = 0x8769, 36867, 306
"""The tags of EXIF's own part, of `DateTimeOriginal` in it, and of `DateTime` beside it (EXIF 2.32)."""

EXIF_FORM, LIST_FORM = "%Y:%m:%d %H:%M:%S", "%Y-%m-%d %H:%M:%S"
LARGEST_LIST = 1 << 28
WITHOUT_EXIF = (".npy", ".rgb")
"""The endings of images that are pixels alone."""


def exif_date(path: Path) -> datetime | None:
    """Return when the image at *path* was taken, by its EXIF; None if it does not say.

    Raises:
        InputError: it is no image.
    """
    from PIL import Image

    if path.suffix.lower() in WITHOUT_EXIF:
        return None
    try:
        with Image.open(path, formats=FORMATS) as image:
            said = _said(image)
    except (*DAMAGED, Image.DecompressionBombError) as error:
        raise InputError(f"{path} is no image, or is damaged: {' '.join(str(error).split())}") from error
    try:
        return datetime.strptime(str(said).strip("\0 "), EXIF_FORM)
    except ValueError:
        return None


def _said(image: Any) -> Any:
    try:
        exif = image.getexif()
        return exif.get_ifd(EXIF_PART).get(TAKEN) or exif.get(CHANGED)
    except DAMAGED_EXIF:
        return None


def listed_dates(path: Path, images: Sequence[Path]) -> Mapping[Path, datetime]:
    """Return when each of *images* was taken, as far as the file at *path* says.

    It is a .csv of file names and dates, `2021-07-30 05:12:44`, or a .json in the form of COCO Camera Traps, with
    `file_name` and `date_captured` of each of its `images`. A name is an image's path, or the end of it.

    Raises:
        InputError: it cannot be read, has another form, or two dates for an image.
    """
    try:
        text = read_limited(path, "a list of dates", LARGEST_LIST).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text: want a .csv or a .json with dates of images") from error
    by_name: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for name, text_of_date in _of_json(path, text) if path.suffix.lower() == ".json" else _of_csv(path, text):
        parts = Path(name).parts
        if parts:
            by_name.setdefault(parts[-1], []).append((parts, text_of_date))
    return {image: date for image in images if (date := _date_of(image, by_name, path)) is not None}


def _date_of(image: Path, by_name: Mapping[str, Sequence[tuple[tuple[str, ...], str]]], path: Path) -> datetime | None:
    whole = image.absolute().parts
    found = {date for parts, date in by_name.get(image.name, ()) if whole[-len(parts) :] == parts}
    if len(found) > 1:
        raise InputError(f"{path} has {counted(len(found), 'date')} for {image}: give more of its path in the list")
    return None if not found else _parsed(found.pop(), image, path)


def _parsed(text: str, image: Path, path: Path) -> datetime:
    try:
        return datetime.strptime(text, LIST_FORM)
    except ValueError as error:
        raise InputError(f"{path}: {text[:40]!r} of {image.name} is no date such as 2021-07-30 05:12:44") from error


def _of_csv(path: Path, text: str) -> Iterator[tuple[str, str]]:
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text), strict=True), 1):
            cells = [cell.strip() for cell in row]
            if not any(cells) or (number == 1 and "date" in cells[-1].lower()):
                continue
            if len(cells) != 2:
                raise InputError(f"{path}, line {number}: {counted(len(cells), 'cell')}; want a file name and a date")
            yield cells[0], cells[1]
    except csv.Error as error:
        raise InputError(f"{path} is damaged: {error}") from error


def _of_json(path: Path, text: str) -> Iterator[tuple[str, str]]:
    try:
        images = parse_json(text)["images"]
        for image in images:
            name, date = image["file_name"], image.get("date_captured")
            if isinstance(name, str) and isinstance(date, str):
                yield name, date
    except (InputError, LookupError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is no file of COCO Camera Traps with images and their date_captured: {error}"
        ) from error
