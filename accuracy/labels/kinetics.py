"""Kinetics' labels: a table with the label, the YouTube id and the seconds of each clip, and the files of the clips."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from detlite.accuracy.labels.image_classes import LARGEST_FILE_BYTES, ClassifiedImage, ImageClasses
from detlite.accuracy.video import folder_videos
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.limited_file import read_limited

COLUMNS = ("label", "youtube_id", "time_start", "time_end")
ORIGIN = "kinetics"


def read_kinetics(table: Path, folder: Path) -> ImageClasses:
    """Return the class of each video in *folder* that the CSV *table* names; labels in their order are the categories.

    A clip's file is called by its id and its seconds, as `abc_000010_000020.mp4`, or by its id alone, in *folder* or
    below it. Videos that are gone from YouTube are missing from most copies: those that are not there are left out, and
    `origin` says how many.

    Raises:
        InputError: the table cannot be read or lacks a column, two files have one name, or none of the clips is there.
    """
    raw = read_limited(table, "a table of clips", LARGEST_FILE_BYTES)
    known = _by_stem(folder)
    rows = list(_rows(raw.decode("utf-8-sig", errors="replace"), table))
    names = sorted({row["label"] for row in rows})
    numbers = {name: number for number, name in enumerate(names, 1)}
    images = []
    for row in rows:
        found = known.get(_stem(row, table)) or known.get(row["youtube_id"])
        if found is not None:
            images.append(ClassifiedImage(found.as_posix(), numbers[row["label"]]))
    if not images:
        raise InputError(
            f"{folder} holds none of the {counted(len(rows), 'clip')} of {table.name}: their files are called by id "
            f"and seconds, as {_stem(rows[0], table)}.mp4, or by id alone"
        )
    missing = len(rows) - len(images)
    origin = f"{ORIGIN}, {missing} of {counted(len(rows), 'video')} missing" if missing else ORIGIN
    categories = tuple((number, name) for name, number in numbers.items())
    return ImageClasses(tuple(images), categories, hashlib.sha256(raw).hexdigest(), origin)


def _by_stem(folder: Path) -> Mapping[str, Path]:
    found: dict[str, Path] = {}
    for path in folder_videos(folder):
        if path.stem in found:
            raise InputError(f"{folder} has {found[path.stem]} and {path.relative_to(folder)}: one name, one clip")
        found[path.stem] = path.relative_to(folder)
    return found


def _rows(text: str, table: Path) -> Iterator[Mapping[str, str]]:
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    try:
        lacking = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if lacking:
            raise InputError(f"{table} has no column {lacking[0]!r}; want {', '.join(COLUMNS)}, as Kinetics has them")
        count = 0
        for row in reader:
            if any(not row[name] for name in COLUMNS):
                raise InputError(f"{table}, line {reader.line_num}: want a value in {', '.join(COLUMNS)}")
            count += 1
            yield row
    except csv.Error as error:
        raise InputError(f"{table} is no CSV file: {error}") from error
    if not count:
        raise InputError(f"{table} names no clip")


def _stem(row: Mapping[str, str], table: Path) -> str:
    """Return the name of a clip's file: its id, and its seconds with six digits."""
    try:
        begin, end = (int(float(row[name])) for name in ("time_start", "time_end"))
    except (ValueError, OverflowError) as error:
        raise InputError(f"{table}: the clip {row['youtube_id'][:40]!r} has no seconds: {error}") from error
    return f"{row['youtube_id']}_{begin:06d}_{end:06d}"
