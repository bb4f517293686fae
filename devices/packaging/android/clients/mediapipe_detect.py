"""MediaPipe Tasks' ObjectDetector on a list of images; run by a Python that has mediapipe, never imported.

Reads `{"model": path, "images": [paths]}` from stdin and writes one line of JSON: `client`, `version`, and for each
image its detections, best first: [label, score, top, left, bottom, right], in pixels.
"""

from __future__ import annotations

import json
import sys
from typing import Any

MOST = 100


def main() -> None:
    """Run the client."""
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    request = json.load(sys.stdin)
    options = vision.ObjectDetectorOptions(
        base_options=BaseOptions(model_asset_path=request["model"]), max_results=MOST
    )
    with vision.ObjectDetector.create_from_options(options) as detector:
        found = [_rows(detector.detect(mediapipe.Image.create_from_file(path))) for path in request["images"]]
    print(json.dumps({"client": "mediapipe", "version": mediapipe.__version__, "images": found}))  # noqa: T201


def _rows(result: Any) -> list[list[Any]]:
    rows = []
    for one in result.detections:
        box, best = one.bounding_box, one.categories[0]
        edges = (box.origin_y, box.origin_x, box.origin_y + box.height, box.origin_x + box.width)
        rows.append([best.category_name, best.score, *edges])
    return rows


if __name__ == "__main__":
    main()
