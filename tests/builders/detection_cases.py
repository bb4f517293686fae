"""Small detections and annotations, written by hand."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.detect import Detected
from detlite.accuracy.labels.annotations import AnnotatedImage, Annotations, Truth

XYWH = tuple[float, float, float, float]
TruthRow = tuple[int, int, XYWH]
DetectionRow = tuple[int, int, XYWH, float]

SIDE = 100  # pixels: boxes are written in hundredths of the image


def annotations(
    truths: Sequence[TruthRow], *, images: int = 2, classes: int = 1, crowd: Sequence[int] = ()
) -> Annotations:
    """Annotations of *truths*, each (image, class, (x, y, width, height)) in pixels; ids count from 1."""
    return Annotations(
        images=tuple(AnnotatedImage(i + 1, f"{i}.jpg", SIDE, SIDE) for i in range(images)),
        truths=tuple(
            Truth(i + 1, c + 1, box, box[2] * box[3], number in crowd) for number, (i, c, box) in enumerate(truths)
        ),
        categories=tuple((c + 1, f"class {c}") for c in range(classes)),
        sha256="0" * 64,
    )


def detected(rows: Sequence[DetectionRow], *, images: int = 2) -> Detected:
    """Detections of *rows*, each (image, class, (x, y, width, height) in pixels, score)."""
    return Detected(**columns(rows, images=images))


def columns(rows: Sequence[Sequence[Any]], *, images: int) -> dict[str, Any]:
    """The columns of `Detected` for *rows*, each as `detected` takes it; further values in a row are left out."""
    boxes = [(y, x, y + h, x + w) for x, y, w, h in (row[2] for row in rows)]
    return {
        "boxes": np.array(boxes, np.float32).reshape(-1, 4) / np.float32(SIDE),
        "classes": np.array([row[1] for row in rows], np.int64),
        "scores": np.array([row[3] for row in rows], np.float32),
        "image_index": np.array([row[0] for row in rows], np.int64),
        "sizes": np.full((images, 2), SIDE, np.int64),
        "invoke_ns": np.full(images, 1_000_000, np.int64),
    }


def invented(seed: int, *, images: int = 12, classes: int = 3) -> tuple[Annotations, Detected]:
    """A truth and detections near it, at random: (annotations, detections), without equal scores."""
    random = np.random.default_rng(seed)
    truths, rows = [], []
    scores = iter(random.permutation(2000) / 2001)
    for image in range(images):
        for _ in range(random.integers(0, 6)):
            box = np.concatenate((random.uniform(0, 60, 2), random.uniform(10, 40, 2)))
            truths.append((image, int(random.integers(classes)), tuple(box.tolist())))
            for _ in range(random.integers(0, 3)):
                near = np.clip(box + random.normal(0, 2, 4), (0, 0, 5, 5), SIDE)
                rows.append((image, truths[-1][1], tuple(near.tolist()), float(next(scores))))
        for _ in range(5):
            far = (*random.uniform(0, 60, 2).tolist(), *random.uniform(10, 40, 2).tolist())
            rows.append((image, int(random.integers(classes)), far, float(next(scores))))
    return annotations(truths, images=images, classes=classes, crowd=(0, 4)), detected(rows, images=images)


def write_instances(path: Path, **changes: object) -> Path:
    """Write a COCO file with two images, two objects and two categories, with *changes* of its keys; return it."""
    record = {
        "images": [{"id": i, "file_name": f"{i}.jpg", "height": 480, "width": 640} for i in (1, 2)],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 18, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0} for i in (1, 2)
        ],
        "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}],
    }
    path.write_text(json.dumps({**record, **changes}))
    return path
