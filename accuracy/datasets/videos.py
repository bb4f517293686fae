"""The frames of all videos in a folder and in the folders below it."""
"""A folder of videos, with the labels of Kinetics or without any; needs the extra `video`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from detlite.accuracy.dataset import Dataset, Item
from detlite.accuracy.datasets import video
from detlite.runtime.errors import InputError


def files(paths: Sequence[Path]) -> Sequence[Path]:
    """Return the videos in the folder, sorted by path.

    Raises:
        InputError: it is no folder, or has none.
    """
    from detlite.accuracy.video import VIDEO_SUFFIXES

    (folder,) = paths
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: give a folder of videos, or one video with --video")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file())
    if not found:
        raise InputError(f"{folder} has no video: give a folder with {', '.join(VIDEO_SUFFIXES)} files")
    return found


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield every frame of each video, video by video."""
    for path in files(paths):
        yield from video.items((path,))


PLUGIN = Dataset(
    title="Frames of the videos in a folder; needs the extra `video`.",
    takes=("FOLDER",),
    items=items,
    files=files,
    videos=files,
from typing import TYPE_CHECKING

from detlite.accuracy.dataset import Dataset, DatasetFiles, FurtherOption, Item, LabelReader
from detlite.accuracy.datasets.video import items as frames_of

if TYPE_CHECKING:
    from detlite.accuracy.labels.image_classes import ImageClasses


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield every frame of every video, by path."""
    for path in files(paths):
        yield from frames_of([path])


def files(paths: Sequence[Path]) -> Sequence[Path]:
    """Return the videos in the folder."""
    from detlite.accuracy.video import folder_videos

    return folder_videos(paths[0])


def _classification(files: DatasetFiles) -> tuple[ImageClasses, Path]:
    from detlite.accuracy.labels.kinetics import read_kinetics

    table = files.path("kinetics")
    assert table is not None  # the reader needs it
    return read_kinetics(table, files.paths[0]), files.paths[0]


PLUGIN = Dataset(
    title="Videos in a folder; needs the extra `video`.",
    takes=("FOLDER",),
    items=items,
    files=files,
    labels={"classification": LabelReader(_classification, "top-k", needs="kinetics")},
    further=(FurtherOption("kinetics", "CSV", "Kinetics' table of labels: label, youtube_id, time_start, time_end."),),
)
