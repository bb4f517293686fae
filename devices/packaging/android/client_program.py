"""Runs a client's ObjectDetector on images, under a Python that has the client; never imported, and without detlite.

The argument is the client's module, `mediapipe` or `tflite_support`. Reads `{"model": path, "images": [paths]}` from
stdin and writes one line of JSON: `client`, `version`, and for each image its detections, best first: [label, score,
top, left, bottom, right], in pixels.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import Any

MOST = 100


def mediapipe(model: str, images: list[str]) -> dict[str, Any]:
    """Return what MediaPipe Tasks detects."""
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.ObjectDetectorOptions(base_options=BaseOptions(model_asset_path=model), max_results=MOST)
    with vision.ObjectDetector.create_from_options(options) as detector:
        found = [_rows(detector.detect(mediapipe.Image.create_from_file(path))) for path in images]
    return {"client": "mediapipe", "version": mediapipe.__version__, "images": found}


def task_library(model: str, images: list[str]) -> dict[str, Any]:
    """Return what the TFLite Task Library detects."""
    from tflite_support.task import core, processor, vision

    options = vision.ObjectDetectorOptions(
        core.BaseOptions(file_name=model), processor.DetectionOptions(max_results=MOST)
    )
    detector = vision.ObjectDetector.create_from_options(options)
    found = [_rows(detector.detect(vision.TensorImage.create_from_file(path))) for path in images]
    return {"client": "tflite-support", "version": version("tflite-support"), "images": found}


def _rows(result: Any) -> list[list[Any]]:
    rows = []
    for one in result.detections:
        box, best = one.bounding_box, one.categories[0]
        edges = (box.origin_y, box.origin_x, box.origin_y + box.height, box.origin_x + box.width)
        rows.append([best.category_name, best.score, *edges])
    return rows


def main() -> None:
    """Run the client."""
    detect = {"mediapipe": mediapipe, "tflite_support": task_library}[sys.argv[1]]
    print(json.dumps(detect(**json.load(sys.stdin))))  # noqa: T201  # the answer


if __name__ == "__main__":
    main()
