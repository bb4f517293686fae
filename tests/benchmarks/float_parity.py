"""By hand: mAP and detections of a float TFLite artifact against the untouched frozen graph, on a COCO set.

python tests/benchmarks/float_parity.py GRAPH.pb ARTIFACT IMAGES ANNOTATIONS
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.classes import class_map
from detlite.accuracy.coco import coco_metrics
from detlite.accuracy.detect import Detected, detect
from detlite.accuracy.labels.annotations import check_image_files
from detlite.accuracy.labels.coco import read_annotations
from detlite.calibration.audit import reference_heads
from detlite.convert.readers import frozen_graph
from detlite.runtime.artifact import read_artifact
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.image.read import read_image
from detlite.runtime.session import postprocess
from detlite.runtime.stream import StreamResult, columns


def main(graph: Path, folder: Path, images: Path, annotations_file: Path) -> None:
    """Print both mAPs and how far matched detections are apart."""
    artifact, annotations = read_artifact(folder), read_annotations(annotations_file)
    paths = check_image_files(annotations, images)
    pictures = [read_image(path) for path in paths]
    tensors = [preprocess(picture, artifact.contract.image) for picture in pictures]
    heads = reference_heads(frozen_graph.read(graph), tensors)
    seen = [
        StreamResult(
            postprocess({role: head[place] for role, head in heads.items()}, artifact.contract), p.shape[:2], 1
        )
        for place, p in enumerate(pictures)
    ]
    arrays: dict[str, Any] = columns(seen)
    want, got = Detected(**arrays, runtime="graph"), detect(artifact, paths)
    classes = class_map(artifact.contract.labels, annotations.categories)
    for name, one in (("graph", want), ("tflite", got)):
        print(name, "mAP", coco_metrics(one, annotations, classes)["map"], "detections", len(one.scores))
    same = [_pairs(want, got, image) for image in range(len(paths))]
    boxes, score = (np.concatenate([pair[part] for pair in same]) for part in (0, 1))
    print(
        f"{len(boxes)} of {(want.scores >= 0.05).sum()} detections of 0.05 and more are found again in the same class;"
    )
    print(f"their boxes differ by at most {boxes.max():.2g} (of the image), their scores by {score.max():.2g}")


def _pairs(want: Detected, got: Detected, image: int) -> tuple[np.ndarray, np.ndarray]:
    boxes, classes, scores = want.of_image(image)
    others = got.of_image(image)
    near, apart = [], []
    for box, klass, score in zip(boxes, classes, scores, strict=True):
        alike = np.flatnonzero(others[1] == klass)
        if score < 0.05 or not len(alike):
            continue
        distance = np.abs(others[0][alike] - box).max(axis=1) + np.abs(others[2][alike] - score)
        best = alike[distance.argmin()]
        if distance.min() < 1e-2:
            near.append(np.abs(others[0][best] - box).max())
            apart.append(abs(others[2][best] - score))
    return np.array(near), np.array(apart)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
