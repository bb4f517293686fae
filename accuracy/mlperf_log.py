"""The results that LoadGen logged of a program that it drove, such as MLPerf's vision app, read to be scored.

The file has an entry for each image: the image's place in the data set (`qsl_idx`), and float32 rows in hex (`data`):
place, y1, x1, y2, x2, score, class, as MLPerf's accuracy-coco.py reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.hosts import SavedResults
from detlite.accuracy.predictions import Predictions, predictions_in
from detlite.runtime.arrays import Floats
from detlite.runtime.artifact import Artifact
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.limited_file import read_limited
from detlite.runtime.measure.loadgen_log import ACCURACY
from detlite.runtime.strict_json import parse_json

DETECTION = "detection"
COLUMNS = 7
MOST_BYTES = 1 << 31
MOST_CLASSES = 1 << 24  # float32 has all whole numbers up to here

Record = dict[str, Any]


class LoadGenResults(SavedResults):
    """What a program that LoadGen drove found in the images of a data set, in the data set's order."""

    def __init__(self, folder: Path) -> None:
        """Take the log in *folder*."""
        self._log = folder / ACCURACY

    def results_for(self, artifact: Artifact, paths: Sequence[Path]) -> Predictions:
        """Return the results for the image files *paths*, the first images of the data set.

        Raises:
            InputError: the log cannot be read, lacks an image, or the model is no detector.
        """
        kind = artifact.contract.task.kind
        if kind != DETECTION:
            raise InputError(f"{self._log} holds detections, and the model's task is {kind}")
        found = read_accuracy_log(self._log)
        missing = [place for place in range(len(paths)) if place not in found]
        if missing:
            raise InputError(
                f"{self._log} has no results for {len(missing)} of {counted(len(paths), 'image')}; the first is number "
                f"{missing[0]}, {paths[missing[0]].name}: run the app with --accuracy on all of them, or give --limit"
            )
        return predictions_in(kind, [_record(path, found[place]) for place, path in enumerate(paths)], 0.0, "LoadGen")

    def facts(self) -> Record:
        """Return what the log says of the device: nothing."""
        return {}


def read_accuracy_log(path: Path) -> Mapping[int, Floats]:
    """Return the rows of each image by its place in the data set: float32 (n, 7), as the module describes them.

    Raises:
        InputError: it is no such log.
    """
    raw = read_limited(path, "an accuracy log of LoadGen", MOST_BYTES)
    try:
        entries = parse_json(raw)
    except InputError as error:
        raise InputError(f"{path} cannot be read as an accuracy log of LoadGen: {error}") from error
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{path} has no results: run the app with --accuracy")
    return dict(_rows(path, entry) for entry in entries)


def _rows(path: Path, entry: Any) -> tuple[int, Floats]:
    place = entry.get("qsl_idx") if isinstance(entry, dict) else None
    data = entry.get("data") if isinstance(entry, dict) else None
    if isinstance(place, bool) or not isinstance(place, int) or not isinstance(data, str):
        raise InputError(f"{path}: want entries with qsl_idx and data, found {entry!r:.80}")
    try:
        values = np.frombuffer(bytes.fromhex(data), "<f4")
    except ValueError as error:
        raise InputError(f"{path}: the data of image {place} are no float32 in hex: {error}") from error
    if len(values) % COLUMNS or not np.isfinite(values).all():
        raise InputError(f"{path}: the data of image {place} are not rows of {COLUMNS} numbers")
    rows = values.reshape(-1, COLUMNS).astype(np.float32)
    classes = rows[:, 6]
    if (classes != np.rint(classes)).any() or not ((classes >= 0) & (classes <= MOST_CLASSES)).all():
        raise InputError(f"{path}: image {place} has a class that is no whole number from 0 to {MOST_CLASSES}")
    if (rows[:, 0] != place).any():
        raise InputError(f"{path}: image {place} has results of image {rows[:, 0].min():g}")
    return place, rows


def _record(path: Path, rows: Floats) -> Record:
    """Return the line of an image; the best detection first, as scoring reads them."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            width, height = image.size
    except OSError as error:
        raise InputError(f"{path} cannot be read as an image: {error}") from error
    ordered = rows[np.argsort(-rows[:, 5], kind="stable")]
    return {
        "size": [height, width],
        "invoke_ns": 0,
        "boxes": ordered[:, 1:5].tolist(),
        "classes": ordered[:, 6].astype(np.int64).tolist(),
        "scores": ordered[:, 5].tolist(),
    }
