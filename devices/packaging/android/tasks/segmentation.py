"""Segmenters in an app: LiteRT's Interpreter, or MediaPipe's ImageSegmenter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.segmentation import Map, Segmented, segmentation_concordance
from detlite.convert.tflite.app_outputs import with_pixel_scores
from detlite.devices.packaging.android.app_task import AppTask, Record, Size
from detlite.runtime.boxes.scores import SCORES
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.image.resize import nearest
from detlite.runtime.tasks.segmentation import LabelMap, Segmentation

MOST_CLASSES = 256
"""MediaPipe's map of classes has a byte for each pixel, and so has the generated Kotlin."""


def check(contract: Contract, path: Path) -> None:
    """Refuse more classes than a byte has values."""
    if len(contract.labels) > MOST_CLASSES:
        raise InputError(
            f"{path} has {counted(len(contract.labels), 'class')}, and a pixel of a client's map holds {MOST_CLASSES}"
        )


def settings(contract: Contract) -> Record:
    """Return how scores become the classes of an image's pixels."""
    assert isinstance(contract.task, Segmentation)
    return {"resize rule of the map": contract.task.resize, "map": contract.output(SCORES).shape[1:3]}


def cure(contract: Contract, path: Path) -> str:
    """Return the cure for a model of other settings."""
    del contract
    return f"convert {path} as the first model was"


def postprocessing(contract: Contract) -> Record:
    """Return how scores become the classes of an image's pixels."""
    assert isinstance(contract.task, Segmentation)
    return {
        "place": "in the app",
        "map_resize": contract.task.resize,
        "score_converter": contract.task.score_converter,
        "score_converter_place": contract.task.score_converter_place,
        "output": "the score of each label in each pixel; the best is the pixel's class",
    }


def results(images: Sequence[Any], sizes: Sequence[Size], labels: Sequence[str]) -> Segmented:
    """Return a client's maps: its size, and the value and length of each run of equal pixels, row by row, of each.

    A map that is not of the image's size (the Task Library's has the output's) grows to it, each pixel the nearest.

    Raises:
        InputError: a class is not the model's, or the runs do not cover a map.
    """
    maps = [_map_of(image, size, len(labels)) for image, size in zip(images, sizes, strict=True)]
    columns: dict[str, Any] = LabelMap.columns([LabelMap(one, np.ones(len(labels), np.float32)) for one in maps])
    size = np.array(sizes, np.int64)
    return Segmented(**columns, sizes=size, invoke_ns=np.zeros(len(sizes), np.int64))


def _map_of(image: Sequence[Any], size: Size, classes: int) -> Map:
    (height, width), values, lengths = image
    if len(values) != len(lengths) or sum(lengths) != height * width or not values:
        raise InputError(
            f"{counted(len(values), 'run')} of {sum(lengths)} pixels: want those of a map of {height} x {width}"
        )
    if not 0 <= min(values) <= max(values) < classes:
        raise InputError(f"the classes {min(values)} to {max(values)}, and the model has {counted(classes, 'label')}")
    pixels: Map = np.array(values, np.uint16).repeat(lengths).reshape(height, width)
    return pixels[nearest(height, size[0])][:, nearest(width, size[1])]


def compare(theirs: Segmented, ours: Segmented) -> Mapping[str, Any]:
    """Return the share of pixels, in percent, that have the same class, and the mean IoU."""
    same = [float((theirs.class_map(i) == ours.class_map(i)).mean()) for i in range(len(ours.sizes))]
    return {
        "same_pixels": round(100.0 * float(np.mean(same)), 2),
        "same_pixels_least": round(100.0 * min(same), 2),
        "fidelity": round(segmentation_concordance(theirs, ours).fidelity, 2),
    }


def summary(record: Mapping[str, Any]) -> str:
    """Return the record of `compare` in a line."""
    return f"same class in {record['same_pixels']} % of the pixels, mean IoU {record['fidelity']} %"


PLUGIN = AppTask[Segmented](
    noun="image segmentation",
    wrapper="Segmenter",
    check=check,
    prepare=with_pixel_scores,
    settings=settings,
    cure=cure,
    postprocessing=postprocessing,
    results=results,
    compare=compare,
    summary=summary,
    has_image_size=True,
)
