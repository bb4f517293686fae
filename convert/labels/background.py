"""The labels of classifiers and segmenters, with and without the background."""

from __future__ import annotations

from pathlib import Path

from detlite.convert.labels.files import BACKGROUND, LABEL_FILES, numbered_labels, read_labels
from detlite.convert.labels.numbered import GAP
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

IMAGENET_COLUMNS = 1001
"""The background, and ImageNet's 1000 classes."""

BACKGROUNDS = (GAP, BACKGROUND)


def without_background(
    labels: tuple[str, ...] | None, title: str, columns: int, origin: dict[str, str]
) -> tuple[tuple[str, ...], int]:
    """Return one label for each class of a classifier of *columns* outputs, and how many of these are the background.

    Labels for all columns but one leave out the background; labels for all of them have it if the first is called so.
    Without labels, 1001 columns are ImageNet's with the background, and any other number has none.

    Args:
        labels: what a label file says; None if there is none.
        title: where the labels are from, for errors and for *origin*.
        columns: the number of outputs.
        origin: where the labels and the background come from is added here.

    Raises:
        InputError: the labels fit neither with nor without the background.
    """
    if labels is None:
        offset = int(columns == IMAGENET_COLUMNS)
        origin["labels"] = "numbers: no label file was given or found; --labels gives one"
        origin["label_offset"] = "1001 outputs: ImageNet with a background" if offset else "the number of outputs"
        return numbered_labels(columns - offset), offset
    origin["labels"] = title
    if len(labels) == columns and labels[0].lower() in BACKGROUNDS:
        origin["label_offset"] = "the labels begin with the background"
        return labels[1:], 1
    _check(labels, columns, title)
    origin["label_offset"] = f"{counted(len(labels), 'label')} for {columns} outputs"
    return labels, columns - len(labels)


def with_background(
    labels: tuple[str, ...] | None, title: str, columns: int, origin: dict[str, str]
) -> tuple[str, ...]:
    """Return one label for each of the *columns* classes of a segmenter, the background first.

    The arguments are those of `without_background`.

    Raises:
        InputError: there are other labels than one for each class, with or without the background.
    """
    if labels is None:
        origin["labels"] = "numbers: no label file was given or found; --labels gives one"
        return (BACKGROUND, *numbered_labels(columns - 1))
    _check(labels, columns, title)
    origin["labels"] = title
    return labels if len(labels) == columns else (BACKGROUND, *labels)


def _check(labels: tuple[str, ...], columns: int, title: str) -> None:
    if len(labels) not in (columns, columns - 1):
        raise InputError(
            f"{title} has {counted(len(labels), 'label')} and the model {columns} outputs: give one for each, or one "
            "less without the background"
        )


def labels_of(given: Path | None, folder: Path | None) -> tuple[tuple[str, ...] | None, str]:
    """Return the labels in the file *given*, or in the first label file of *folder*, and their name; None without one.

    Raises:
        InputError: the file cannot be read.
    """
    if given is not None:
        return read_labels(given), str(given)
    found = (path for pattern in LABEL_FILES for path in sorted(folder.glob(pattern))) if folder is not None else ()
    file = next(iter(found), None)
    return (None, "") if file is None else (read_labels(file), f"{file.name} beside the model")
