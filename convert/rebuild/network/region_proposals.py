"""The first stage of Faster R-CNN: boxes that may hold an object, in operators that every runtime has."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from detlite.convert.rebuild.faster_rcnn_config import FasterRcnn, GridAnchors
from detlite.convert.rebuild.network.graph import Tensor
from detlite.convert.rebuild.network.region_builder import RegionBuilder
from detlite.convert.rebuild.network.slim import PLAIN, Slim, style_of
from detlite.convert.rebuild.network.two_stage_names import TwoStageNames
from detlite.runtime.arrays import Floats
from detlite.runtime.boxes.coding import BoxCoder

CODER = BoxCoder()
"""Of both stages: the OD API has no field for other scales."""

OBJECTNESS = 2
"""Columns: background and object."""


class Proposals(NamedTuple):
    """What the first stage predicts.

    Attributes:
        encodings: [1, N, 4], of each anchor.
        objectness: logits [1, N, 2]: background, object.
        boxes: [P, 4]: (y1, x1, y2, x2), 0..1 of the input, best first; a box without an area is none.
    """

    encodings: Tensor
    objectness: Tensor
    boxes: Tensor


def propose(
    net: RegionBuilder, features: Tensor, config: FasterRcnn, names: TwoStageNames, window: Tensor | None = None
) -> Proposals:
    """Return the proposals of the whole image's *features*, clipped to its *window* in the input, [1, 4]."""
    slim, first = Slim(net, names.layers), config.first_stage
    style = replace(style_of(first.conv), activation="RELU_6")  # whatever the config says
    x = slim.conv(features, names.proposals, first.depth, first.kernel_size, style=style, dilation=first.atrous_rate)
    anchors = grid_anchors(first.anchors, net.size(features), net.size(net.image))
    count = len(anchors)
    per_cell = len(first.anchors.scales) * len(first.anchors.aspect_ratios)
    codes = slim.conv(x, names.proposal_boxes, 4 * per_cell, 1, style=PLAIN)
    logits = slim.conv(x, names.objectness, OBJECTNESS * per_cell, 1, style=PLAIN)
    encodings = net.reshape(codes, (1, count, 4), "first_stage/encodings")
    objectness = net.reshape(logits, (1, count, OBJECTNESS), "first_stage/objectness")
    scores = net.convert_scores(objectness, "SOFTMAX", 1.0, "first_stage/scores")
    boxes = net.decoded(net.reshape(encodings, (count, 4), "first_stage/codes"), anchors, CODER, "first_stage/boxes")
    object_scores = net.column(scores, 1, "first_stage/object_scores")
    kept = net.suppressed(
        boxes,
        object_scores,
        most=first.max_proposals,
        iou_threshold=first.iou_threshold,
        score_threshold=first.score_threshold,
        name="first_stage/nms",
    )
    return Proposals(encodings, objectness, net.within(kept, window, "first_stage/clip"))


def grid_anchors(config: GridAnchors, cells: tuple[int, int], size: tuple[int, int]) -> Floats:
    """Return the anchors of a map: float32 (N, 4): (y centre, x centre, height, width), 0..1 of the input.

    They are clipped to the input, as the OD API clips them when it does not train; row by row, in a cell by aspect
    ratio and then by scale. The first centre is at the top left corner.

    Args:
        config: the generator.
        cells: (rows, columns) of the map.
        size: (height, width) of the input, in pixels.
    """
    ratios = np.repeat(np.sqrt(np.array(config.aspect_ratios, np.float64)), len(config.scales))
    scales = np.tile(np.array(config.scales, np.float64), len(config.aspect_ratios))
    heights, widths = scales / ratios * config.height, scales * ratios * config.width
    ys = np.arange(cells[0]) * config.height_stride + config.height_offset
    xs = np.arange(cells[1]) * config.width_stride + config.width_offset
    centre_y, centre_x, _kind = np.meshgrid(ys, xs, np.arange(len(scales)), indexing="ij")
    corners = np.stack(
        [centre_y - heights / 2, centre_x - widths / 2, centre_y + heights / 2, centre_x + widths / 2], -1
    ).reshape(-1, 4)
    low, high = np.split(np.clip(corners / (*size, *size), 0, 1), 2, axis=1)
    return np.concatenate([(low + high) / 2, high - low], axis=1).astype(np.float32)
