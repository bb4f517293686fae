"""A folder of videos, with the labels of Kinetics or without any; needs the extra `video`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from detlite.accuracy.dataset import Dataset, DatasetFiles, FurtherOption, Item, LabelReader
from detlite.accuracy.datasets import video

if TYPE_CHECKING:
    from detlite.accuracy.labels.image_classes import ImageClasses


def files(paths: Sequence[Path]) -> Sequence[Path]:
    """Return the videos in the folder and in the folders below it, sorted by path; several *paths* are videos.

    Raises:
        InputError: it is no folder, or has none.
    """
    from detlite.accuracy.video import folder_videos

    return folder_videos(paths[0]) if len(paths) == 1 and not paths[0].is_file() else paths


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield every frame of each video, video by video."""
    for path in files(paths):
        yield from video.items((path,))


def _classification(given: DatasetFiles) -> tuple[ImageClasses, Path]:
    from detlite.accuracy.labels.kinetics import read_kinetics

    table = given.path("kinetics")
    assert table is not None  # the reader needs it
    return read_kinetics(table, given.paths[0]), given.paths[0]


PLUGIN = Dataset(
    title="Videos in a folder; needs the extra `video`.",
    takes=("FOLDER",),
    items=items,
    files=files,
    videos=files,
    labels={"classification": LabelReader(_classification, "top-k", needs="kinetics")},
    further=(FurtherOption("kinetics", "CSV", "Kinetics' table of labels: label, youtube_id, time_start, time_end."),),
)
