"""Videos in a sub-folder for each class; needs the extra `video`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detlite.accuracy.dataset import Dataset, DatasetFiles, LabelReader
from detlite.accuracy.datasets.videos import files, items

if TYPE_CHECKING:
    from pathlib import Path

    from detlite.accuracy.labels.image_classes import ImageClasses


def _classification(given: DatasetFiles) -> tuple[ImageClasses, Path]:
    from detlite.accuracy.labels.image_classes import classes_of_folders

    (folder,) = given.paths
    return classes_of_folders(folder, files(given.paths), "video"), folder


PLUGIN = Dataset(
    title="Videos in a sub-folder for each class; needs the extra `video`.",
    takes=("FOLDER",),
    items=items,
    files=files,
    videos=files,
    labels={"classification": LabelReader(_classification, "top-k")},
)
