"""What the functions of the library take: models, images and paths in several forms."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from detlite.accuracy.images import DEFAULT_COUNT, Images, images_in
from detlite.accuracy.video import folder_videos, is_video
from detlite.calibration.images.gather import ImageRequest
from detlite.convert.artifact import open_artifact
from detlite.convert.model import Model
from detlite.runtime.artifact import Artifact
from detlite.runtime.image.files import folder_files

AnyPath = str | Path
AnyModel = Model | Artifact | AnyPath
"""A model in memory, an artifact, or the path of a folder that detlite wrote or of a .tflite with its op."""

AnyImages = Images | AnyPath | Sequence[AnyPath]


def paths_of(images: Images | AnyPath | None) -> tuple[Path, ...]:
    """Return the files of *images*, a folder or a list; none for None."""
    return () if images is None else images_of(images).paths


def images_of(images: Images | AnyPath) -> Images:
    """Return *images*, a folder or a list, as `Images`."""
    return images if isinstance(images, Images) else images_in(Path(images))


def images_or_videos(given: Images | AnyPath) -> Images:
    """Return *given* as `images_of` does; a video, or a folder that has videos and no image, as these videos."""
    path = Path() if isinstance(given, Images) else Path(given)
    if not isinstance(given, Images) and is_video(path):
        return Images((path,), f"video {path.name}")
    if not isinstance(given, Images) and path.is_dir() and not folder_files(path).paths:
        return Images(folder_videos(path), f"videos in {path.name}")
    return images_of(given)


def videos_of(given: Images | AnyPath) -> ImageRequest | None:
    """Return the request for *given* to calibrate with if it is a video, or a folder that has videos and no image."""
    if isinstance(given, Images):
        return None
    path = Path(given).absolute()
    if path.is_dir():
        found = folder_files(path)
        are_videos = not found.paths and any(map(is_video, found.skipped))
        return ImageRequest("videos", (path,), DEFAULT_COUNT) if are_videos else None
    return ImageRequest("video", (path,), DEFAULT_COUNT) if is_video(path) else None


@contextmanager
def path_of(model: AnyModel) -> Iterator[Path]:
    """Give the path of *model*; one in memory is in a temporary folder until the `with` ends."""
    if isinstance(model, Model | Artifact):
        with on_disk(model) as artifact:
            yield source_of(artifact)
    else:
        yield Path(model)


@contextmanager
def on_disk(model: AnyModel) -> Iterator[Artifact]:
    """Give *model* as an artifact; one in memory is in a temporary folder until the `with` ends."""
    if isinstance(model, Artifact):
        yield model
    elif isinstance(model, Model):
        with tempfile.TemporaryDirectory() as scratch:
            yield model.save(Path(scratch) / "model")
    else:
        yield open_artifact(Path(model))


def source_of(artifact: Artifact) -> Path:
    """Return the path that opens *artifact*: its folder, or a bare model file."""
    file = artifact.model.absolute()
    return file.parent if artifact.history else file
