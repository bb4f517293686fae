"""Runs a client's task on images, under a Python that has the client; never imported, and without detlite.

The argument is the client's module, `mediapipe` or `tflite_support`. Reads `{"model": path, "images": [paths], "task":
kind}` from stdin and writes one line of JSON: `client`, `version`, and for each image what the client says: of
`detection` rows [label, score, top, left, bottom, right], best first, in pixels; of `classification` rows [number,
label, score], best first, as two classes may have one label; of `segmentation` a map of classes: its [height, width],
and [values, lengths] of runs, row by row.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import Any

MOST = 100


def mediapipe(model: str, images: list[str], kind: str) -> dict[str, Any]:
    """Return what MediaPipe Tasks says."""
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    base = BaseOptions(model_asset_path=model)
    if kind == "detection":
        client = vision.ObjectDetector
        options = vision.ObjectDetectorOptions(base_options=base, max_results=MOST)
        run, read = "detect", _boxes
    elif kind == "classification":
        client, options = vision.ImageClassifier, vision.ImageClassifierOptions(base_options=base)
        run, read = "classify", _classes
    else:
        client = vision.ImageSegmenter
        outputs = {"output_category_mask": True, "output_confidence_masks": False}
        options = vision.ImageSegmenterOptions(base_options=base, **outputs)
        run, read = "segment", _map_of_mediapipe
    with client.create_from_options(options) as opened:
        found = [read(getattr(opened, run)(mediapipe.Image.create_from_file(path))) for path in images]
    return {"client": "mediapipe", "version": mediapipe.__version__, "images": found}


def task_library(model: str, images: list[str], kind: str) -> dict[str, Any]:
    """Return what the TFLite Task Library says."""
    from tflite_support.task import core, processor, vision

    base = core.BaseOptions(file_name=model)
    if kind == "detection":
        client = vision.ObjectDetector
        options = vision.ObjectDetectorOptions(base, processor.DetectionOptions(max_results=MOST))
        run, read = "detect", _boxes
    elif kind == "classification":
        client = vision.ImageClassifier
        options = vision.ImageClassifierOptions(base, processor.ClassificationOptions())
        run, read = "classify", _classes
    else:
        client = vision.ImageSegmenter
        output = processor.OutputType.CATEGORY_MASK
        options = vision.ImageSegmenterOptions(base, processor.SegmentationOptions(output_type=output))
        run, read = "segment", _map_of_task_library
    opened = client.create_from_options(options)
    found = [read(getattr(opened, run)(vision.TensorImage.create_from_file(path))) for path in images]
    return {"client": "tflite-support", "version": version("tflite-support"), "images": found}


def _boxes(result: Any) -> list[list[Any]]:
    rows = []
    for one in result.detections:
        box, best = one.bounding_box, one.categories[0]
        edges = (box.origin_y, box.origin_x, box.origin_y + box.height, box.origin_x + box.width)
        rows.append([best.category_name, best.score, *edges])
    return rows


def _classes(result: Any) -> list[list[Any]]:
    return [[one.index, one.category_name, one.score] for one in result.classifications[0].categories]


def _map_of_mediapipe(result: Any) -> list[Any]:
    mask = result.category_mask
    return _map(mask.numpy_view(), mask.height, mask.width)


def _map_of_task_library(result: Any) -> list[Any]:
    found = result.segmentations[0]
    return _map(found.category_mask, found.height, found.width)


def _map(pixels: Any, height: int, width: int) -> list[Any]:
    import numpy as np

    flat = np.asarray(pixels).ravel()
    begins = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
    return [[height, width], flat[begins].tolist(), np.diff(np.append(begins, flat.size)).tolist()]


def main() -> None:
    """Run the client."""
    asked = json.load(sys.stdin)
    run = {"mediapipe": mediapipe, "tflite_support": task_library}[sys.argv[1]]
    print(json.dumps(run(asked["model"], asked["images"], asked["task"])))  # noqa: T201  # the answer


if __name__ == "__main__":
    main()
