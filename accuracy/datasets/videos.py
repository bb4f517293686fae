"""The frames of all videos in a folder and in the folders below it."""

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
)
