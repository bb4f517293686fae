"""Pascal VOC's format: an XML file for each image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from detlite.accuracy.dataset import Dataset, DatasetFiles, FurtherOption, Item, LabelReader

if TYPE_CHECKING:
    from detlite.accuracy.labels.annotations import Annotations


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the image of each XML file, by name, or of those of one split, with its objects."""
    annotations, images = _read(*_folder_and_split(paths[0]), scored=False)
    return annotations.items([images / image.file_name for image in annotations.images])


def _folder_and_split(path: Path) -> tuple[Path, str | None]:
    """Return the folder of *path* and, where that is one of the lists in its `ImageSets`, the name of the list."""
    sets = next((parent for parent in path.parents[:2] if parent.name == "ImageSets"), None)
    return (path, None) if sets is None or path.is_dir() else (sets.parent, path.stem)


def _detection(files: DatasetFiles) -> tuple[Annotations, Path]:
    folder, split = _folder_and_split(files.paths[0])
    return _read(folder, files.further.get("split", split))


def _read(folder: Path, split: str | None, *, scored: bool = True) -> tuple[Annotations, Path]:
    from detlite.accuracy.labels.voc import read_voc

    return read_voc(folder, split, scored=scored)


PLUGIN = Dataset(
    title="Pascal VOC: its folder, or a list in its ImageSets.",
    takes=("FOLDER",),
    items=items,
    labels={"detection": LabelReader(_detection, "voc2007")},
    further=(
        FurtherOption("split", "NAME", "the list in ImageSets to read (default: every annotation).", is_path=False),
    ),
)
