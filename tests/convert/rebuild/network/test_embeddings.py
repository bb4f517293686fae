"""A Faster R-CNN that returns its best detections with their features, from which a bank is built."""

import numpy as np
import pytest

from detlite.convert.graph.trim import INPUT
from detlite.convert.options import DetectorOptions, NmsOptions
from detlite.convert.rebuild.architecture import RebuildPlan
from detlite.convert.rebuild.detector_config import PostProcessing
from detlite.convert.rebuild.faster_rcnn_config import Attention, FasterRcnn, FirstStage, GridAnchors, MaskHead
from detlite.convert.rebuild.network.region_builder import RegionBuilder
from detlite.convert.rebuild.odapi.families.faster_rcnn_resnet_v1 import NETS
from detlite.convert.rebuild.rebuild import rebuild
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.runtime.errors import InputError

SIDE, STRIDE, FOUND = 64, 16, 3
ANCHORS = GridAnchors(height=32, width=32, scales=(0.5, 1.0), aspect_ratios=(1.0,))
FIRST = FirstStage(anchors=ANCHORS, depth=8, max_proposals=4)


def plan(**changes):
    post = PostProcessing(score_converter="SIGMOID")
    model = FasterRcnn(classes=2, type="faster_rcnn_resnet50", first_stage=FIRST, post_processing=post, **changes)
    return RebuildPlan(model, "a test", random_seed=0)


def rebuilt(options, **changes):
    return rebuild(plan(**changes), RandomWeights(0), options).graph


@pytest.mark.slow
def test_an_embedding_is_the_mean_of_the_second_stage_in_the_box_of_a_detection():
    import tensorflow as tf

    graph = rebuilt(DetectorOptions(input_size=(SIDE, SIDE), embeddings=FOUND))
    assert graph.contract.roles == ("boxes", "classes", "scores", "count", "embeddings")
    assert graph.contract.output("embeddings").shape == (1, FOUND, 2048)
    image = np.random.default_rng(0).uniform(-1e-3, 1e-3, (1, SIDE, SIDE, 3)).astype(np.float32)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.import_graph_def(graph.graph_def, name="")
        values = session.run([f"{node}:0" for node in graph.heads], {f"{INPUT}:0": image})
    boxes, _classes, _scores, count, embeddings = values
    assert count.ravel()[0] == FOUND
    with RegionBuilder(RandomWeights(0), (SIDE, SIDE, 3)) as net:
        features = NETS[50].image_features(net, net.image, STRIDE)
        crops = tf.image.crop_and_resize(features, boxes[0], [0] * FOUND, (14, 14))
        regions = NETS[50].region_features(net, tf.nn.max_pool2d(crops, 2, 2, "VALID"))
        with tf.compat.v1.Session() as session:
            wanted = session.run(tf.reduce_mean(regions, (1, 2)), {net.image: image})
    np.testing.assert_allclose(embeddings[0], wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "changes", "text"),
    [
        ({}, {"attention": Attention()}, "is for the Faster R-CNN whose features a Context R-CNN was trained with"),
        ({}, {"masks": MaskHead()}, "--embeddings is for Faster R-CNN, not for Mask R-CNN and R-FCN"),
        ({"logits": True}, {}, "--embeddings says how many detections there are: leave out --max-detections and"),
        ({"nms": NmsOptions(max_detections=5)}, {}, "--embeddings says how many detections there are"),
    ],
)
def test_what_has_no_embeddings_is_refused_before_anything_is_built(options, changes, text):
    with pytest.raises(InputError, match=text):
        rebuilt(DetectorOptions(input_size=(SIDE, SIDE), embeddings=1, **options), **changes)
