"""Pascal VOC's folders: an XML file for each image, images beside them, and lists that say which belong to a split."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from detlite.accuracy.image_source import SUFFIXES
from detlite.runtime.errors import InputError

LARGEST_FILE_BYTES = 4 << 20  # the largest official one has 12 kB
IMAGE_FOLDERS = ("JPEGImages", "images")


def annotation_files(folder: Path, split: str | None = None) -> Sequence[Path]:
    """Return the XML files in *folder*, or in its `Annotations`: those of *split*, or all, by name.

    Raises:
        InputError: there is none, or no such split.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: want one with Annotations and JPEGImages, as Pascal VOC's")
    annotations = folder / "Annotations" if (folder / "Annotations").is_dir() else folder
    return _all(annotations) if split is None else _of_split(annotations, folder, split)


def image_of(folder: Path, annotation: Path) -> Path:
    """Return the image that belongs to the file *annotation* of *folder*.

    Raises:
        InputError: there is none.
    """
    images = next((folder / name for name in IMAGE_FOLDERS if (folder / name).is_dir()), folder)
    found = (images / f"{annotation.stem}{suffix}" for suffix in (*SUFFIXES, *map(str.upper, SUFFIXES)))
    path = next((path for path in found if path.is_file()), None)
    if path is None:
        raise InputError(
            f"{images} holds no image called {annotation.stem} ({', '.join(SUFFIXES)}), as {annotation.name} wants"
        )
    return path


def read_annotation(path: Path) -> bytes:
    """Return the bytes of the XML file at *path*.

    Raises:
        InputError: it cannot be read, or is absurdly large.
    """
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path} has over {LARGEST_FILE_BYTES} bytes: it is no VOC annotation of one image")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read as a VOC annotation: {error.strerror}") from error


def parse_annotation(raw: bytes, path: Path) -> Any:
    """Return the root element of the annotation *raw*, which is of the file at *path*.

    Raises:
        InputError: it is no XML, not a safe one (entities, a DTD), or no VOC annotation.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(raw, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        reason = type(error).__name__ if isinstance(error, DefusedXmlException) else error
        raise InputError(f"{path} is no whole XML, or not a safe one ({reason}): get it again") from error
    if root.tag != "annotation":
        raise InputError(f"{path} is no VOC annotation: it begins with <{root.tag[:40]}>, want <annotation>")
    return root


def _all(annotations: Path) -> Sequence[Path]:
    found = sorted(annotations.glob("*.xml"))
    if not found:
        raise InputError(f"{annotations} holds no .xml file: want Pascal VOC annotations, one for each image")
    return found


def _of_split(annotations: Path, folder: Path, split: str) -> Sequence[Path]:
    lists = (folder / "ImageSets" / "Main" / f"{split}.txt", folder / "ImageSets" / f"{split}.txt")
    path = next((one for one in lists if one.is_file()), None)
    if path is None or Path(split).name != split:
        known = sorted({one.stem for one in (folder / "ImageSets").rglob("*.txt")})[:12]
        raise InputError(f"{folder} has no split {split!r}; there are: {', '.join(known) or 'none'}")
    try:
        names = [words[0] for words in map(str.split, path.read_text(encoding="utf-8").splitlines()) if words]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a list of images: {error}") from error
    wrong = next((name for name in names if Path(name).name != name), None)
    if wrong is not None or not names or len(set(names)) < len(names):
        what = f"{wrong!r} is none" if wrong else f"{len(names)} lines with {len(set(names))} names"
        raise InputError(f"{path}: want the name of one image a line, each once; it has {what}")
    found = [annotations / f"{name}.xml" for name in names]
    missing = [one for one in found if not one.is_file()]
    if missing:
        raise InputError(f"{len(missing)} of the {len(found)} annotations of {path} are missing; first {missing[0]}")
    return found
