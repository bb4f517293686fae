"""A tiny float detector with raw heads, and images for it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from builders.float_models import RELU6, FloatNet
from detlite.convert.model import Model
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.heads import name_heads
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract
from detlite.runtime.inputs import ImageInput
from detlite.runtime.tasks.detection import Detection
from detlite.runtime.tensors import Output

SIDE, CLASSES, ANCHORS = 16, 3, 64


def detector(seed: int = 0, width: int = 12, columns: Sequence[float] = (1, 1, 1, 1)) -> Model:
    """Image 16 x 16, a depthwise convolution of differences, *width* channels, one head each for 64 anchors.

    The *columns* of box codes are multiples of what they are by default.
    """
    net = FloatNet((1, SIDE, SIDE, 3))
    net.chance = np.random.default_rng(seed)
    first = net.conv(net.image, 8, activation=RELU6, bias=np.full(8, 2.0), name="first")
    taps = net.chance.normal(0, 1.0, (1, 3, 3, 8))
    taps -= taps.mean(axis=(1, 2), keepdims=True)
    features = net.depthwise(first, stride=2, weights=taps, activation=RELU6, name="differences")
    features = net.conv(features, width, name="features")
    weights = net.chance.normal(0, 0.3, (4, 1, 1, width)) * np.array(columns)[:, None, None, None]
    boxes = net.reshape(net.conv(features, 4, window=1, weights=weights, name="boxes"), (1, ANCHORS, 4))
    logits = net.reshape(net.conv(features, CLASSES + 1, window=1, name="classes"), (1, ANCHORS, CLASSES + 1))
    scores = net.add("LOGISTIC", [logits], [(1, ANCHORS, CLASSES + 1)], name="scores")[0]
    model = load(net.finish(boxes, scores), "made in a test")
    name_heads(model, {"box_encodings": boxes, "class_scores": scores})
    return Model(dump(model), "tflite", contract(), ({"step": "made in a test"},))


def contract() -> Contract:
    """The contract of `detector`: 64 square anchors in a grid, sigmoid scores with a background column."""
    rows = (np.arange(8, dtype=np.float32) + 0.5) / 8
    centres = np.stack(np.meshgrid(rows, rows, indexing="ij"), axis=-1).reshape(-1, 2)
    anchors = np.concatenate([centres, np.full((ANCHORS, 2), 0.25, np.float32)], axis=1).astype(np.float32)
    return Contract(
        inputs=(ImageInput("image", SIDE, SIDE, "RGB", "float32", (127.5,) * 3, (127.5,) * 3, "tf1_bilinear"),),
        outputs=(
            Output("box_encodings", "box_encodings", 0, (1, ANCHORS, 4), "float32"),
            Output("class_scores", "class_scores", 1, (1, ANCHORS, CLASSES + 1), "float32"),
        ),
        labels=tuple(f"thing {i}" for i in range(CLASSES)),
        task=Detection(
            anchors=anchors,
            box_coder=BoxCoder(),
            score_converter="SIGMOID",
            score_converter_place="model",
            label_offset=1,
            nms=Nms(),
        ),
    )


def write_images(folder: Path, count: int = 12, seed: int = 1) -> tuple[Path, ...]:
    """Write *count* images of blocks to *folder* and return their paths."""
    chance, paths = np.random.default_rng(seed), list[Path]()
    for number in range(count):
        blocks = chance.integers(0, 256, (4, 4, 3), np.uint8)
        paths.append(folder / f"{number:02d}.npy")
        np.save(paths[-1], blocks.repeat(8, axis=0).repeat(8, axis=1))
    return tuple(paths)
