"""Anchors of a region proposal network, the crops of its proposals, and the suppression of what they hold."""

import numpy as np
import pytest

from detlite.convert.rebuild.detector_config import PostProcessing
from detlite.convert.rebuild.faster_rcnn_config import GridAnchors
from detlite.convert.rebuild.network.faster_rcnn import check_crops
from detlite.convert.rebuild.network.region_builder import RegionBuilder
from detlite.convert.rebuild.network.region_proposals import grid_anchors
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.boxes.nms_by_class import suppress_by_class
from detlite.runtime.errors import InputError


def test_anchors_are_clipped_to_the_input():
    config = GridAnchors(height=64, width=64, height_stride=16, width_stride=16, scales=(1.0,), aspect_ratios=(1.0,))
    anchors = grid_anchors(config, (2, 2), (128, 128))
    # (0, 0) -> 0..32 of 128 pixels; (16, 16) -> 0..48
    assert anchors.tolist() == [
        [0.125, 0.125, 0.25, 0.25],
        [0.125, 0.1875, 0.25, 0.375],
        [0.1875, 0.125, 0.375, 0.25],
        [0.1875, 0.1875, 0.375, 0.375],
    ]


def test_the_anchors_of_a_cell_go_by_aspect_ratio_and_then_by_scale():
    config = GridAnchors(
        height=64, width=64, height_offset=512, width_offset=512, scales=(0.5, 1.0), aspect_ratios=(0.25, 4.0)
    )
    anchors = grid_anchors(config, (1, 1), (1024, 1024))
    assert (anchors[:, 2:] * 1024).tolist() == [[64, 16], [128, 32], [16, 64], [32, 128]]
    assert (anchors[:, :2] == 0.5).all()


def test_crops_that_no_runtime_can_hold_are_refused():
    check_crops(2674, 14, 1024, "--max-proposals")
    text = "10000 regions are a tensor of 8.0 GB, and runtimes take 2.1 GB: give --max-proposals 2674 or less"
    with pytest.raises(InputError, match=text):
        check_crops(10_000, 14, 1024, "--max-proposals")


@pytest.mark.slow
def test_crops_are_those_of_tensorflow():
    import tensorflow as tf

    rng = np.random.default_rng(0)
    features = rng.standard_normal((1, 9, 7, 3)).astype(np.float32)
    corners = np.sort(rng.uniform(0, 1, (6, 2, 2)), axis=1).reshape(6, 4).astype(np.float32)
    corners[0] = 0, 0, 1, 1
    corners[1] = 0
    with RegionBuilder(RandomWeights(0), (9, 7, 3)) as net:
        boxes = tf.compat.v1.placeholder(tf.float32, (6, 4))
        crops = net.crop_regions(net.image, boxes, (14, 14), "crops")
        with tf.compat.v1.Session() as session:
            found = session.run(crops, {net.image: features, boxes: corners})
    wanted = tf.image.crop_and_resize(features, corners, [0] * 6, (14, 14)).numpy()
    np.testing.assert_allclose(found, wanted, atol=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True])
def test_suppression_in_the_network_keeps_what_the_runtime_keeps(shared):
    import tensorflow as tf

    rng = np.random.default_rng(1)
    low = rng.uniform(-0.3, 0.8, (1 if shared else 3, 20, 2))
    boxes = np.concatenate([low, low + rng.uniform(0.1, 0.5, low.shape)], axis=2).astype(np.float32)
    boxes[0, 3] = 1.1, 0, 1.4, 1  # outside: nothing is left of it
    scores = rng.uniform(0, 1, (20, 3)).astype(np.float32)
    settings = PostProcessing("IDENTITY", 1.0, 0.3, 0.4, max_detections_per_class=6, max_total_detections=12)
    with RegionBuilder(RandomWeights(0), (9, 7, 3)) as net:
        found = net.suppressed_by_class(tf.constant(boxes), tf.constant(scores), settings, "nms")
        with tf.compat.v1.Session() as session:
            found = session.run(found)
    nms = Nms(score_threshold=0.3, iou_threshold=0.4, max_detections=12, detections_per_class=6)
    wanted = suppress_by_class(list(boxes), scores, nms)
    count = len(wanted.scores)
    assert (found.count.tolist(), count) == ([count], 12)
    assert found.classes.tolist() == wanted.classes.tolist()
    assert found.scores.tolist() == wanted.scores.tolist()
    np.testing.assert_allclose(found.boxes, wanted.boxes, atol=1e-6)
