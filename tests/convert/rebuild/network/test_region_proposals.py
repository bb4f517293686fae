"""Anchors of a region proposal network, and the crops of its proposals."""

import numpy as np
import pytest

from detlite.convert.rebuild.detector_config import GridAnchors
from detlite.convert.rebuild.network.graph import GraphBuilder
from detlite.convert.rebuild.network.region_proposals import grid_anchors
from detlite.convert.rebuild.weights.random import RandomWeights


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


@pytest.mark.slow
def test_crops_are_those_of_tensorflow():
    import tensorflow as tf

    rng = np.random.default_rng(0)
    features = rng.standard_normal((1, 9, 7, 3)).astype(np.float32)
    corners = np.sort(rng.uniform(0, 1, (6, 2, 2)), axis=1).reshape(6, 4).astype(np.float32)
    corners[0] = 0, 0, 1, 1
    corners[1] = 0
    with GraphBuilder(RandomWeights(0), (9, 7, 3)) as net:
        boxes = tf.compat.v1.placeholder(tf.float32, (6, 4))
        crops = net.crop_regions(net.image, boxes, (14, 14), "crops")
        with tf.compat.v1.Session() as session:
            found = session.run(crops, {net.image: features, boxes: corners})
    wanted = tf.image.crop_and_resize(features, corners, [0] * 6, (14, 14)).numpy()
    np.testing.assert_allclose(found, wanted, atol=2e-6)
