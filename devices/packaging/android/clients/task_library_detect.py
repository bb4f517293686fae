"""The TFLite Task Library's ObjectDetector on a list of images; run by a Python that has tflite-support.

Never imported. What it reads and writes is what `mediapipe_detect.py` does.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import Any

MOST = 100


def main() -> None:
    """Run the client."""
    from tflite_support.task import core, processor, vision

    request = json.load(sys.stdin)
    options = vision.ObjectDetectorOptions(
        core.BaseOptions(file_name=request["model"]), processor.DetectionOptions(max_results=MOST)
    )
    detector = vision.ObjectDetector.create_from_options(options)
    found = [_rows(detector.detect(vision.TensorImage.create_from_file(path))) for path in request["images"]]
    print(json.dumps({"client": "tflite-support", "version": version("tflite-support"), "images": found}))  # noqa: T201


def _rows(result: Any) -> list[list[Any]]:
    rows = []
    for one in result.detections:
        box, best = one.bounding_box, one.categories[0]
        edges = (box.origin_y, box.origin_x, box.origin_y + box.height, box.origin_x + box.width)
        rows.append([best.category_name, best.score, *edges])
    return rows


if __name__ == "__main__":
    main()
