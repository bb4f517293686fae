"""SSDs in frozen TensorFlow graphs with NCHW maps, like MLPerf's ssd-resnet34: a small one with random weights."""

import numpy as np
import pytest

from detlite.convert.channels_first import channels_first_detector, is_channels_first
from detlite.convert.graph.runner import import_graph
from detlite.convert.options import DetectorOptions, StatedFacts
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.tasks.detection import detection_of

pytest.importorskip("tf2onnx")
pytestmark = pytest.mark.slow

SIDE, CELLS, KINDS, COLUMNS = 32, (8, 4), 2, 3
MEAN = StatedFacts(mean=(123.68, 116.78, 103.94), std=(1.0, 1.0, 1.0))


def anchors():
    """(y centre, x centre, height, width), in the order map, row, column, kind."""
    rows = []
    for cells in CELLS:
        grid = (np.arange(cells) + 0.5) / cells
        places = np.stack(np.meshgrid(grid, grid, indexing="ij"), -1).reshape(-1, 1, 2).repeat(KINDS, 1)
        sizes = np.broadcast_to(np.array([(0.3, 0.2), (0.25, 0.5)]), places.shape)
        rows.append(np.concatenate([places, sizes], -1).reshape(-1, 4))
    return np.concatenate(rows).astype(np.float32)


class Ssd:
    """The layers of a small SSD, in either layout."""

    def __init__(self, layout):
        self.layout, self.chance, self.tf = layout, np.random.default_rng(5), load_tensorflow()

    def conv(self, x, channels, stride=1):
        depth = int(x.shape[1 if self.layout == "NCHW" else 3])
        weights = self.chance.normal(0, 1 / np.sqrt(9 * depth), (3, 3, depth, channels)).astype(np.float32)
        strides = [1, 1, stride, stride] if self.layout == "NCHW" else [1, stride, stride, 1]
        x = self.tf.compat.v1.nn.conv2d(x, weights, strides, "SAME", data_format=self.layout)
        bias = self.chance.normal(0, 0.1, channels).astype(np.float32)
        return self.tf.nn.bias_add(x, bias, data_format=self.layout)

    def heads(self, image):
        """Add the network, and return the encodings (y, x, h, w) and the logits, each [1, N, columns]."""
        tf = self.tf
        x = tf.nn.relu(self.conv(image, 8, 2))
        size = [1, 1, 3, 3] if self.layout == "NCHW" else [1, 3, 3, 1]
        step = [1, 1, 2, 2] if self.layout == "NCHW" else [1, 2, 2, 1]
        x = tf.nn.max_pool(x, size, step, "SAME", data_format=self.layout)
        parts = {4: [], COLUMNS: []}
        for maps in (x, tf.nn.relu(self.conv(x, 8, 2))):
            for columns, found in parts.items():
                head = self.conv(maps, columns * KINDS)
                head = tf.transpose(head, [0, 2, 3, 1]) if self.layout == "NCHW" else head
                found.append(tf.reshape(head, [1, -1, columns]))
        return tf.concat(parts[4], 1), tf.concat(parts[COLUMNS], 1)


def corners(tf, encodings):
    """Add a decoder with scales of 0.1 and 0.2."""
    ty, tx, th, tw = tf.unstack(encodings, axis=-1)
    y, x, h, w = anchors().T
    cy, cx = ty * 0.1 * h + y, tx * 0.1 * w + x
    hh, ww = tf.exp(th * 0.2) * h, tf.exp(tw * 0.2) * w
    return tf.stack([cy - hh / 2, cx - ww / 2, cy + hh / 2, cx + ww / 2], axis=-1)


def graph_of(layout):
    """The graph of the SSD with its decoder and its NMS."""
    tf = load_tensorflow()
    shape = [None, 3, SIDE, SIDE] if layout == "NCHW" else [1, SIDE, SIDE, 3]
    with tf.Graph().as_default() as graph:
        encodings, logits = Ssd(layout).heads(tf.compat.v1.placeholder(tf.float32, shape, "image"))
        boxes, scores = corners(tf, encodings), tf.nn.softmax(logits)
        tf.identity(encodings, "raw_boxes")
        tf.identity(scores, "raw_scores")
        if layout == "NCHW":
            kept = tf.image.non_max_suppression(boxes[0], scores[0, :, 1], 10, 0.5)
            tf.gather(boxes[0], kept, name="detection_bboxes")
    return graph.as_graph_def()


def run(graph_def, image, fetches, feed):
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph:
        import_graph(graph_def)
        with tf.compat.v1.Session(graph=graph) as session:
            return session.run(fetches, {feed: image})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return channels_first_detector(
        graph_of("NCHW"), tmp_path_factory.mktemp("graph") / "ssd.pb", DetectorOptions(stated=MEAN)
    )


def test_its_heads_are_those_of_the_same_network_in_nhwc(made):
    image = np.random.default_rng(1).normal(0, 50, (1, SIDE, SIDE, 3)).astype(np.float32)
    want = run(graph_of("NHWC"), image, ["raw_boxes:0", "raw_scores:0"], "image:0")
    got = run(made.graph_def, image, [f"{head}:0" for head in made.heads], "detlite_image:0")
    for one, other in zip(got, want, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    assert not is_channels_first(made.graph_def)
    assert "Transpose" not in {node.op for node in made.graph_def.node}


def test_its_anchors_and_box_coder_are_measured(made):
    task = detection_of(made.contract)
    np.testing.assert_allclose(task.anchors, anchors(), atol=1e-5)
    coder = task.box_coder
    assert [round(scale, 3) for scale in (coder.y, coder.x, coder.height, coder.width)] == [10, 10, 5, 5]
    assert (task.score_converter, task.label_offset, len(made.contract.labels)) == ("SOFTMAX", 1, COLUMNS - 1)
    assert made.contract.image.mean == MEAN.mean
    assert made.contract.origin["weights"] == "the constants of ssd.pb, an NCHW graph, by way of tf2onnx"


def test_a_graph_in_nhwc_is_told_apart():
    assert is_channels_first(graph_of("NCHW"))
    assert not is_channels_first(graph_of("NHWC"))
