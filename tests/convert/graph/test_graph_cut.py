"""Cutting a graph at its heads, and measuring its pre- and post-processing."""

import numpy as np
import pytest
from builders.tiny_ssd import ANCHORS, CLASSES, SIDE, Tiny, tiny_anchors, tiny_graph_def

from detlite.convert.detector import build_detector
from detlite.convert.float_graph import FloatGraph
from detlite.convert.graph.cut import cut_graph
from detlite.convert.graph.index import GraphIndex
from detlite.convert.graph.runner import running
from detlite.convert.options import DetectorOptions
from detlite.convert.reader import FrozenGraph
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.errors import InputError


def detector_of(tmp_path, tiny: Tiny = Tiny(), **options) -> FloatGraph:  # noqa: B008
    (tmp_path / "labels.txt").write_text("cat\ndog\nkite\n")
    return build_detector(FrozenGraph(tiny_graph_def(tiny), tmp_path), DetectorOptions(**options))


def heads_of_graph(graph_def, tensors, feeds):
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.compat.v1.import_graph_def(graph_def, name="")
        return session.run(tensors, feeds)


def test_the_network_input_is_what_leaves_the_preprocessor():
    assert cut_graph(GraphIndex(tiny_graph_def())).network_input == "Preprocessor/sub:0"


def test_a_graph_that_normalizes_before_it_resizes_is_cut_after_the_resize():
    cut = cut_graph(GraphIndex(tiny_graph_def(Tiny(normalize_first=True))))
    assert cut.network_input.startswith("Preprocessor/map/")


def test_a_graph_without_preprocessing_is_cut_at_its_placeholder():
    cut = cut_graph(GraphIndex(tiny_graph_def(Tiny(preprocessing=False))))
    assert (cut.network_input, cut.image) == ("normalized_input_image_tensor:0", None)


@pytest.mark.parametrize("identity", [False, True])
def test_the_box_encodings_are_cut_outside_the_postprocessor(identity):
    cut = cut_graph(GraphIndex(tiny_graph_def(Tiny(raw_encodings_identity=identity))))
    assert cut.box_encodings == "Squeeze:0"


@pytest.mark.parametrize(("softmax", "name"), [(False, "SIGMOID"), (True, "SOFTMAX")])
def test_the_score_converter_is_told_from_its_operator(softmax, name):
    cut = cut_graph(GraphIndex(tiny_graph_def(Tiny(softmax=softmax))))
    assert (cut.score_converter, cut.class_logits) == (name, "concat_1:0")


def test_a_sliced_first_column_is_the_background(tmp_path):
    assert detector_of(tmp_path).contract.task.label_offset == 1


def test_without_a_background_column_every_column_is_a_class(tmp_path):
    with pytest.raises(InputError, match="3 class columns, but nothing says whether one is the background"):
        detector_of(tmp_path, Tiny(background=False))
    (tmp_path / "pipeline.config").write_text("model { ssd { num_classes: 3 } }")
    assert detector_of(tmp_path, Tiny(background=False)).contract.task.label_offset == 0


@pytest.mark.parametrize("first", [False, True])
def test_mean_and_std_of_the_unit_range_are_measured(tmp_path, first):
    image = detector_of(tmp_path, Tiny(normalize_first=first)).contract.image
    assert (image.mean, image.std) == ((127.5,) * 3, (127.5,) * 3)
    assert (image.height, image.width, image.colour, image.resize) == (SIDE, SIDE, "RGB", "tf1_bilinear")


def test_channel_means_are_measured(tmp_path):
    image = detector_of(tmp_path, Tiny(mean=(123.68, 116.779, 103.939))).contract.image
    assert (image.mean, image.std) == ((123.68, 116.779, 103.939), (1.0, 1.0, 1.0))


def test_a_graph_without_preprocessing_takes_its_familys_normalization(tmp_path):
    contract = detector_of(tmp_path, Tiny(preprocessing=False)).contract
    assert contract.image.mean == (127.5,) * 3
    assert "family" in contract.origin["image"]


def test_anchors_are_the_graphs_own_as_centres_and_sizes(tmp_path):
    anchors = detector_of(tmp_path).contract.task.anchors
    corners = tiny_anchors()
    assert anchors.shape == (ANCHORS, 4)
    np.testing.assert_allclose(anchors[:, :2], (corners[:, :2] + corners[:, 2:]) / 2, atol=1e-6)
    np.testing.assert_allclose(anchors[:, 2:], corners[:, 2:] - corners[:, :2], atol=1e-6)


def test_the_scales_of_the_box_coder_are_measured_on_the_decoder(tmp_path):
    assert detector_of(tmp_path).contract.task.box_coder == BoxCoder(10.0, 10.0, 5.0, 5.0)


def test_anchors_that_the_decoder_has_in_its_constants_are_measured_with_it(tmp_path):
    task = detector_of(tmp_path, Tiny(folded=True)).contract.task
    np.testing.assert_allclose(task.anchors, detector_of(tmp_path).contract.task.anchors, atol=1e-6)
    assert task.box_coder == BoxCoder(10.0, 10.0, 5.0, 5.0)


@pytest.mark.parametrize("operator", ["Relu", "Softplus"])
@pytest.mark.parametrize("folded", [False, True])
def test_a_decoder_of_another_kind_is_refused(tmp_path, operator, folded):
    graph_def = tiny_graph_def(Tiny(folded=folded))
    for node in graph_def.node:
        if node.op == "Exp":
            node.op = operator
    with pytest.raises(InputError, match="is not of the Faster R-CNN box coder|hold a box that .* has no area"):
        build_detector(FrozenGraph(graph_def, tmp_path), DetectorOptions())


def test_the_repaired_graph_computes_what_the_whole_graph_computes(tmp_path):
    image = np.random.default_rng(1).integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)
    want = heads_of_graph(tiny_graph_def(), ["Squeeze:0", "Postprocessor/convert_scores:0"], {"image_tensor:0": image})
    made = detector_of(tmp_path)
    network = image.astype(np.float32) / 127.5 - 1
    got = heads_of_graph(made.graph_def, list(made.heads), {"detlite_image:0": network})
    np.testing.assert_allclose(got[0], want[0], atol=1e-4)
    np.testing.assert_allclose(got[1], want[1], atol=1e-5)


def test_each_repair_is_counted(tmp_path):
    repairs = {repaired.name: repaired.count for repaired in detector_of(tmp_path).repairs}
    assert repairs == {"add_n": 1, "batch_norm": 3, "packed_upsampling": 1}


def test_no_repair_leaves_an_operator_that_it_is_for(tmp_path):
    ops = {node.op for node in detector_of(tmp_path).graph_def.node}
    assert not ops & {"AddN", "FusedBatchNorm", "FusedBatchNormV3", "Pack"}
    assert "ResizeNearestNeighbor" in ops


def test_without_repairs_the_graph_is_unchanged(tmp_path):
    made = detector_of(tmp_path, repair=False)
    assert made.repairs == ()
    assert "AddN" in {node.op for node in made.graph_def.node}


def test_logits_are_cut_before_the_score_converter(tmp_path):
    contract = detector_of(tmp_path, logits=True).contract
    assert (contract.task.score_converter, contract.task.score_converter_place) == ("SIGMOID", "host")


def test_labels_beside_the_graph_are_taken(tmp_path):
    contract = detector_of(tmp_path).contract
    assert contract.labels == ("cat", "dog", "kite")
    assert contract.origin["labels"] == "labels.txt beside the graph"


def test_labels_that_do_not_match_the_classes_are_refused(tmp_path):
    labels = tmp_path / "two.txt"
    labels.write_text("cat\ndog\n")
    with pytest.raises(InputError, match=f"two.txt has 2 labels and the model {CLASSES} classes"):
        detector_of(tmp_path, labels=labels)


def test_labels_of_a_detector_may_begin_with_the_background(tmp_path):
    labels = tmp_path / "labelmap.txt"
    labels.write_text("???\ncat\ndog\nkite\n")
    assert detector_of(tmp_path, labels=labels).contract.labels == ("cat", "dog", "kite")


def test_a_config_with_other_classes_than_the_graph_is_refused(tmp_path):
    (tmp_path / "pipeline.config").write_text("model { ssd { num_classes: 7 } }")
    with pytest.raises(InputError, match="says 7 classes, but the graph has 3"):
        detector_of(tmp_path)


def test_a_config_of_a_faster_rcnn_is_refused(tmp_path):
    (tmp_path / "pipeline.config").write_text("model { faster_rcnn { num_classes: 3 } }")
    with pytest.raises(InputError, match=r"is of faster_rcnn; want model \{ ssd"):
        detector_of(tmp_path)


def test_another_input_size_than_the_graphs_is_refused(tmp_path):
    with pytest.raises(InputError, match="resizes every image to 32x32, but --input asks for 64x64"):
        detector_of(tmp_path, input_size=(64, 64))


def test_a_graph_that_pads_images_is_refused_until_a_size_is_asked_for(tmp_path):
    with pytest.raises(InputError, match="pads images to keep their aspect ratio.* give --input 32x32 to stretch"):
        detector_of(tmp_path, Tiny(pads=True))
    contract = detector_of(tmp_path, Tiny(pads=True), input_size=(32, 32)).contract
    assert "the graph pads images, --input asks for stretching" in contract.origin["image"]


def test_a_classifier_is_refused_in_one_line():
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, (1, 8, 8, 3))
        tf.nn.softmax(tf.reduce_mean(x, (1, 2)), name="predictions")
        with pytest.raises(InputError, match="not an SSD of the TF Object Detection API: .* looks like a classifier"):
            cut_graph(GraphIndex(graph.as_graph_def()))


def test_a_detector_of_another_kind_is_not_taken_for_a_classifier():
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph:
        boxes = tf.compat.v1.placeholder(tf.float32, (8, 4))
        scores = tf.nn.softmax(tf.reduce_sum(boxes, 1), name="predictions")
        tf.image.non_max_suppression(boxes, scores, 5)
        with pytest.raises(InputError, match="it looks like a detector of another kind"):
            cut_graph(GraphIndex(graph.as_graph_def()))


def test_a_graph_that_would_write_a_file_is_not_run(tmp_path):
    graph_def = tiny_graph_def()
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph:
        name = tf.constant(str(tmp_path / "written"))
        with tf.control_dependencies([tf.raw_ops.WriteFile(filename=name, contents="x")]):
            tf.identity(tf.constant(tiny_anchors()), name="Hostile")
        extra = graph.as_graph_def()
    graph_def.node.extend(extra.node)
    for node in graph_def.node:
        if node.name == "Postprocessor/Reshape":
            node.input.append("^WriteFile")
    with pytest.raises(InputError, match="is a WriteFile, which has side effects"):
        build_detector(FrozenGraph(graph_def, tmp_path), DetectorOptions())
    assert not (tmp_path / "written").exists()


def damaged(change):
    """The tiny detector's graph, whose nodes *change* gets by name."""
    graph_def = tiny_graph_def()
    change({node.name: node for node in graph_def.node})
    return graph_def


def test_a_node_without_its_inputs_is_refused(tmp_path):
    graph_def = damaged(lambda nodes: nodes["Postprocessor/Decode/transpose"].ClearField("input"))
    with pytest.raises(InputError, match="the graph is damaged: .*/transpose, a Transpose, has 0 inputs"):
        build_detector(FrozenGraph(graph_def, tmp_path), DetectorOptions())


def test_an_output_that_no_node_has_is_refused(tmp_path):
    def change(nodes):
        node = nodes["Postprocessor/Decode/transpose"]
        node.input[0] = node.input[0].split(":")[0] + ":7"

    with pytest.raises(InputError, match="TensorFlow rejects the graph|the graph has no tensor"):
        build_detector(FrozenGraph(damaged(change), tmp_path), DetectorOptions())


def test_a_tensor_that_the_graph_has_not_is_refused():
    said = "the graph has no tensor image_tensor:5"
    with running(GraphIndex(tiny_graph_def())) as runner, pytest.raises(InputError, match=said):
        runner.static_shape("image_tensor:5")
