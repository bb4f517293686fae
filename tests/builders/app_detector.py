"""A detector of the size that MLPerf's vision app resizes images to, a data set for it, and the app's stand-in."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from builders import vision_app
from builders.float_detector import CLASSES, contract
from builders.float_models import RELU6, FloatNet
from detlite.cli import main
from detlite.convert.model import Model, session_of
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.heads import name_heads
from detlite.runtime.tasks.detection import detection_of
from detlite.runtime.tensors import Output

CELLS, IMAGES = 6, 3
COUNT = CELLS * CELLS


def large_detector(side: int = 300) -> Model:
    """A detector of *side* x *side* pixels with 36 anchors."""
    net = FloatNet((1, side, side, 3))
    features = net.conv(net.image, 4, stride=side // CELLS, activation=RELU6, bias=np.full(4, 2.0))
    boxes = net.reshape(net.conv(features, 4, window=1), (1, COUNT, 4))
    logits = net.reshape(net.conv(features, CLASSES + 1, window=1), (1, COUNT, CLASSES + 1))
    scores = net.add("LOGISTIC", [logits], [(1, COUNT, CLASSES + 1)])[0]
    model = load(net.finish(boxes, scores), "made in a test")
    name_heads(model, {"box_encodings": boxes, "class_scores": scores})
    rows = (np.arange(CELLS, dtype=np.float32) + 0.5) / CELLS
    centres = np.stack(np.meshgrid(rows, rows, indexing="ij"), axis=-1).reshape(-1, 2)
    anchors = np.concatenate([centres, np.full((COUNT, 2), 0.2, np.float32)], axis=1).astype(np.float32)
    roles = {"box_encodings": 4, "class_scores": CLASSES + 1}
    outputs = tuple(Output(role, role, i, (1, COUNT, n), "float32") for i, (role, n) in enumerate(roles.items()))
    small = contract()
    image = replace(small.image, height=side, width=side)
    known = replace(small, inputs=(image,), outputs=outputs, task=replace(detection_of(small), anchors=anchors))
    return Model(dump(model), "tflite", known, ({"step": "made in a test"},))


def annotations(model: Model, files: Sequence[Path]) -> dict[str, Any]:
    """What *model* finds in *files*, as labels in COCO's format."""
    side = model.contract.image.height
    session, rows = session_of(model), list[dict[str, Any]]()
    for number, file in enumerate(files):
        for found in session.run(np.asarray(Image.open(file))).above(0.6):
            assert found.box is not None
            y1, x1, y2, x2 = (float(value) * side for value in found.box)
            box = [x1, y1, x2 - x1, y2 - y1]
            name = model.contract.labels.index(found.label) + 1
            rows.append({"image_id": number, "category_id": name, "bbox": box, "area": box[2] * box[3], "iscrowd": 0})
    return {
        "images": [{"id": i, "file_name": f.name, "height": side, "width": side} for i, f in enumerate(files)],
        "categories": [{"id": i + 1, "name": name} for i, name in enumerate(model.contract.labels)],
        "annotations": [{"id": i + 1, **row} for i, row in enumerate(rows)],
    }


def packed_app(folder: Path, side: int) -> Path:
    """Fill *folder*: `float`, its `package`, `data` as the app wants it, and `inference` with the stand-in."""
    model = large_detector(side)
    model.save(folder / "float")
    app = folder / "inference/vision/classification_and_detection/python"
    for place in (app, folder / "data/val2017", folder / "data/annotations"):
        place.mkdir(parents=True)
    (app / "main.py").write_text(Path(vision_app.__file__).read_text())
    files = [folder / f"data/val2017/{name}.png" for name in ("c", "a", "b")]  # the labels' order is no order of names
    for number, file in enumerate(files):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 6, 3), np.uint8)
        Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC).save(file)
    (folder / "data/annotations/instances_val2017.json").write_text(json.dumps(annotations(model, files)))
    assert main(["package", str(folder / "float"), "--mlperf", "-o", str(folder / "package")]) == 0
    return folder
