"""Small SSDs as .onnx files, in the way PyTorch exports them and in the way tf2onnx writes TensorFlow's."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIDE, CELLS, KINDS, COLUMNS = 16, (4, 2), 2, 3
ANCHORS = sum(cells * cells * KINDS for cells in CELLS)


class Written:
    """An ONNX graph that is written node by node."""

    def __init__(self, opset: int = 11) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.opset = opset
        self._random = np.random.default_rng(7)

    def op(self, kind: str, *inputs: str, outputs: Sequence[str] = (), **given: Any) -> str:
        """Add a node and return the name of its first output."""
        names = list(outputs) or [f"{kind}_{len(self.nodes)}"]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **given))
        return names[0]

    def constant(self, value: Any, name: str = "") -> str:
        """Add a constant and return its name."""
        name = name or f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def conv(self, x: str, shape: Sequence[int], **given: Any) -> str:
        """Add a convolution with random weights of *shape* and a bias."""
        weights = self._random.standard_normal(tuple(shape)).astype(np.float32) / np.sqrt(np.prod(shape[1:]))
        bias = self._random.standard_normal(shape[0]).astype(np.float32)
        return self.op("Conv", x, self.constant(weights.astype(np.float32)), self.constant(bias), **given)

    def norm(self, x: str, channels: int) -> str:
        """Add a batch norm with random statistics."""
        parts = [self._random.uniform(0.5, 1.5, channels).astype(np.float32) for _part in range(4)]
        return self.op("BatchNormalization", x, *map(self.constant, parts), epsilon=1e-3)

    def save(self, path: Path, image: tuple[str, int, Sequence[Any]], outputs: Mapping[str, int], **given: Any) -> Path:
        """Write the model with the input *image* (name, element type, shape) and *outputs*, each of a rank."""
        inputs = [helper.make_tensor_value_info(*image)]
        if given.pop("constants_as_inputs", False):  # as PyTorch did before opset 9
            inputs += [helper.make_tensor_value_info(one.name, one.data_type, one.dims) for one in self.constants]
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["?"] * rank) for name, rank in outputs.items()]
        graph = helper.make_graph(self.nodes, "ssd", inputs, ends, self.constants)
        imports = [helper.make_opsetid("", self.opset), *given.pop("domains", ())]
        onnx.save_model(helper.make_model(graph, ir_version=6, opset_imports=imports), str(path), **given)
        return path


def centres(cells: int) -> NDArray[np.float32]:
    """The centres of *cells* x *cells* cells, (N, 2): y, x."""
    grid = (np.arange(cells) + 0.5) / cells
    return np.stack(np.meshgrid(grid, grid, indexing="ij"), -1).reshape(-1, 2).astype(np.float32)


def anchors() -> NDArray[np.float32]:
    """The anchors, (N, 4): (y centre, x centre, height, width), in the order map, kind, row, column."""
    rows = []
    for cells in CELLS:
        for height, width in ((0.3, 0.2), (0.25, 0.5)):
            sizes = np.full((cells * cells, 2), (height, width), np.float32)
            rows.append(np.concatenate([centres(cells), sizes], axis=1))
    return np.concatenate(rows)


def _maps(graph: Written, x: str) -> list[str]:
    """Add a network of two maps: a stem with explicit padding, a depthwise layer, a residual and a pool."""
    x = graph.op("Relu", graph.norm(graph.conv(x, (8, 3, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1]), 8))
    x = graph.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    y = graph.conv(x, (8, 1, 3, 3), group=8, pads=[1, 1, 1, 1])
    y = graph.op("Clip", y, graph.constant(np.float32(0)), graph.constant(np.float32(6)))
    first = graph.op("Add", x, graph.conv(y, (8, 8, 1, 1)))
    second = graph.op("Sigmoid", graph.conv(first, (8, 8, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1]))
    return [first, second]


def pytorch_ssd(path: Path, *, decoded: bool = True, size: Any = SIDE, batch: Any = 1, **given: Any) -> Path:
    """Write an SSD as PyTorch exports MLPerf's: [1, 4, N] heads (x, y, w, h), decoded to corners."""
    graph = Written(given.pop("opset", 11))
    loc: list[str] = []
    conf: list[str] = []
    for features in _maps(graph, "image"):
        for parts, columns in ((loc, 4), (conf, COLUMNS)):
            head = graph.conv(features, (columns * KINDS, 8, 3, 3), pads=[1, 1, 1, 1])
            parts.append(graph.op("Reshape", head, graph.constant(np.array([1, columns, -1]))))
    boxes = graph.op("Transpose", graph.op("Concat", *loc, axis=2), outputs=["encodings"], perm=[0, 2, 1])
    logits = graph.op("Transpose", graph.op("Concat", *conf, axis=2), outputs=["logits"], perm=[0, 2, 1])
    scores = graph.op("Softmax", logits, outputs=["scores"], axis=2)
    outputs = {"encodings": 3, "scores": 3}
    if decoded:
        outputs = {_corners(graph, boxes): 3, scores: 3}
    return graph.save(path, ("image", TensorProto.FLOAT, [batch, 3, size, size]), outputs, **given)


def _corners(graph: Written, boxes: str) -> str:
    """Add the decoder of PyTorch's SSD, with scales of 0.1 and 0.2."""
    y, x, height, width = anchors().T
    centre, size = np.stack([x, y], 1)[None], np.stack([width, height], 1)[None]
    cut = [graph.constant(np.array(value)) for value in ([0], [2], [4], [2])]
    shift = graph.op("Slice", boxes, cut[0], cut[1], cut[3])
    grown = graph.op("Slice", boxes, cut[1], cut[2], cut[3])
    shift = graph.op("Mul", graph.op("Mul", shift, graph.constant(np.float32(0.1))), graph.constant(size))
    shift = graph.op("Add", shift, graph.constant(centre))
    grown = graph.op("Exp", graph.op("Mul", grown, graph.constant(np.float32(0.2))))
    half = graph.op("Mul", graph.op("Mul", grown, graph.constant(size)), graph.constant(np.float32(0.5)))
    low, high = graph.op("Sub", shift, half), graph.op("Add", shift, half)
    return graph.op("Concat", low, high, outputs=["boxes"], axis=2)


def tensorflow_ssd(path: Path, **given: Any) -> Path:
    """Write an SSD as tf2onnx writes TensorFlow's: uint8 images, heads (y, x, h, w) in NHWC order, sigmoid scores."""
    graph = Written(given.pop("opset", 11))
    x = graph.op("Cast", "image_tensor:0", to=TensorProto.FLOAT)
    x = graph.op("Sub", graph.op("Mul", x, graph.constant(np.float32(2 / 255))), graph.constant(np.float32(1)))
    x = graph.op("Transpose", x, perm=[0, 3, 1, 2])
    loc: list[str] = []
    conf: list[str] = []
    for features in _maps(graph, x):
        for parts, columns in ((loc, 4), (conf, COLUMNS)):
            head = graph.op("Transpose", graph.conv(features, (columns * KINDS, 8, 1, 1)), perm=[0, 2, 3, 1])
            parts.append(graph.op("Reshape", head, graph.constant(np.array([1, -1, columns]))))
    boxes = graph.op("Concat", *loc, outputs=["raw_boxes"], axis=1)
    scores = graph.op("Sigmoid", graph.op("Concat", *conf, axis=1), outputs=["scores"])
    decoded = _corners_of_tensorflow(graph, boxes)
    return graph.save(path, ("image_tensor:0", TensorProto.UINT8, [1, SIDE, SIDE, 3]), {decoded: 2, scores: 3}, **given)


def tensorflow_anchors() -> NDArray[np.float32]:
    """The anchors of `tensorflow_ssd`, in the order map, row, column, kind."""
    rows = []
    for cells in CELLS:
        places = np.repeat(centres(cells), KINDS, axis=0)
        sizes = np.tile(np.array([(0.3, 0.2), (0.25, 0.5)], np.float32), (cells * cells, 1))
        rows.append(np.concatenate([places, sizes], axis=1))
    return np.concatenate(rows)


def _corners_of_tensorflow(graph: Written, boxes: str) -> str:
    """Add the decoder of the OD API, with scales of 10 and 5, to corners (y1, x1, y2, x2)."""
    columns = [graph.constant(column) for column in tensorflow_anchors().T]
    flat = graph.op("Transpose", graph.op("Squeeze", boxes, axes=[0]), perm=[1, 0])
    parts = [f"t{name}" for name in ("y", "x", "h", "w")]
    graph.op("Split", flat, outputs=parts, axis=0)
    ty, tx, th, tw = (graph.op("Squeeze", part, axes=[0]) for part in parts)
    tens, fives = graph.constant(np.float32(10)), graph.constant(np.float32(5))
    ends: Mapping[str, list[str]] = {"low": [], "high": []}
    for shift, grown, centre, size in ((ty, th, columns[0], columns[2]), (tx, tw, columns[1], columns[3])):
        middle = graph.op("Add", graph.op("Mul", graph.op("Div", shift, tens), size), centre)
        whole = graph.op("Mul", graph.op("Exp", graph.op("Div", grown, fives)), size)
        half = graph.op("Div", whole, graph.constant(np.float32(2)))
        for name, made in (("low", graph.op("Sub", middle, half)), ("high", graph.op("Add", middle, half))):
            ends[name].append(graph.op("Unsqueeze", made, axes=[0]))
    stacked = graph.op("Concat", *ends["low"], *ends["high"], axis=0)
    return graph.op("Transpose", stacked, outputs=["boxes"], perm=[1, 0])
