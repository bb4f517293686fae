"""A tiny float model for each task, and its contract of version 3; the detector is `float_detector`'s."""

import numpy as np

from builders.float_detector import ANCHORS, CLASSES, SIDE, detector
from builders.float_models import RELU6, FloatNet
from detlite.convert.model import Model
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.heads import name_heads
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.keypoints import Snapping
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract
from detlite.runtime.inputs import ImageInput
from detlite.runtime.letterbox import Letterbox
from detlite.runtime.task import Task
from detlite.runtime.tasks.classification import Classification
from detlite.runtime.tasks.detection import Detection, detection_of
from detlite.runtime.tasks.instances import Instances
from detlite.runtime.tasks.keypoints import HEAT, OFFSETS, REGRESSION, Keypoints, Skeleton
from detlite.runtime.tasks.segmentation import Segmentation
from detlite.runtime.tensors import Output

MASK_SIDE = 4
POINTS = ("nose", "left_eye")


def tiny_task(kind: str, *, letterbox: Letterbox | None = None) -> Model:
    """The tiny model whose task is *kind*."""
    made = {
        "classification": classifier,
        "detection": detector,
        "instances": instance_segmenter,
        "keypoints": keypoint_detector,
        "segmentation": segmenter,
    }[kind]()
    if letterbox is None:
        return made
    image = ImageInput(**{**vars(made.contract.image), "letterbox": letterbox})
    return Model(made.data, made.format, made.contract.with_image(image), made.history)


def _features(seed: int) -> tuple[FloatNet, int]:
    net = FloatNet((1, SIDE, SIDE, 3))
    net.chance = np.random.default_rng(seed)
    return net, net.conv(net.image, 8, stride=2, activation=RELU6, name="features")


def _model(net: FloatNet, heads: dict[str, int], task: Task) -> Model:
    model = load(net.finish(*heads.values()), "made in a test")
    name_heads(model, heads)
    image = ImageInput("image", SIDE, SIDE, "RGB", "float32", (127.5,) * 3, (127.5,) * 3, "half_pixel_bilinear")
    outputs = tuple(Output(role, role, i, net.shape(index), "float32") for i, (role, index) in enumerate(heads.items()))
    contract = Contract((image,), outputs, tuple(f"thing {i}" for i in range(CLASSES)), task)
    return Model(dump(model), "tflite", contract, ({"step": "made in a test"},))


def classifier() -> Model:
    """Logits of a background and three classes."""
    net, features = _features(1)
    wide = net.conv(features, CLASSES + 1, window=1, name="cells")
    means = net.add("MEAN", [wide, net.constant(np.array([1, 2]))], [(1, CLASSES + 1)], "ReducerOptions", name="mean")
    return _model(net, {"class_scores": means[0]}, Classification("SOFTMAX", "host", 1))


def segmenter() -> Model:
    """Logits of three classes, at half the input's resolution."""
    net, features = _features(2)
    logits = net.conv(features, CLASSES, window=1, name="logits")
    return _model(net, {"class_scores": logits}, Segmentation())


def instance_segmenter() -> Model:
    """Raw heads of a detector, and a mask of 4 x 4 cells for each of its 64 anchors."""
    net, features = _features(3)
    cells = MASK_SIDE * MASK_SIDE
    boxes = net.reshape(net.conv(features, 4, window=1), (1, ANCHORS, 4))
    logits = net.reshape(net.conv(features, CLASSES + 1, window=1), (1, ANCHORS, CLASSES + 1))
    grid = net.conv(features, cells, window=1)
    scores, masks = (
        net.add("LOGISTIC", [index], [shape], name=name)[0]
        for index, shape, name in (
            (logits, (1, ANCHORS, CLASSES + 1), "scores"),
            (net.reshape(grid, (1, ANCHORS, MASK_SIDE, MASK_SIDE)), (1, ANCHORS, MASK_SIDE, MASK_SIDE), "masks"),
        )
    )
    settings = Instances(detection_of(detector().contract), (MASK_SIDE, MASK_SIDE))
    return _model(net, {"box_encodings": boxes, "class_scores": scores, "masks": masks}, settings)


def keypoint_detector() -> Model:
    """Raw heads of a CenterNet of 8 x 8 cells, and two keypoints of its class 0."""
    net, features = _features(4)
    rows = columns = int(ANCHORS**0.5)

    def head(channels: int) -> int:
        return net.reshape(net.conv(features, channels, window=1), (1, ANCHORS, channels))

    def scores(channels: int, name: str) -> int:
        return int(net.add("LOGISTIC", [head(channels)], [(1, ANCHORS, channels)], name=name)[0])

    anchors = np.empty((rows, columns, 4), np.float32)
    anchors[..., 0], anchors[..., 1] = (np.arange(rows) / rows)[:, None], np.arange(columns) / columns
    anchors[..., 2:] = 1 / rows, 1 / columns
    nms = Nms(kind="peaks", cells=(rows, columns), max_detections=10)
    coder = BoxCoder(1.0, 1.0, 1.0, 1.0, coding="center_offset")
    detection = Detection(anchors.reshape(-1, 4), coder, "SIGMOID", "model", 0, nms)
    heads = {
        "box_encodings": head(4),
        "class_scores": scores(CLASSES, "scores"),
        OFFSETS: head(2 * len(POINTS)),
        REGRESSION: head(2 * len(POINTS)),
        HEAT: scores(len(POINTS), "heat"),
    }
    return _model(net, heads, Keypoints(detection, Skeleton(0, POINTS, ((0, 1),)), Snapping(box_scale=3.0)))
