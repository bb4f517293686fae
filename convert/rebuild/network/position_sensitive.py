"""The heads of R-FCN: each bin of a region has maps of its own, which are computed once for the whole image."""

from __future__ import annotations

from dataclasses import replace

from detlite.convert.rebuild.faster_rcnn_config import FasterRcnn
from detlite.convert.rebuild.network.graph import Tensor
from detlite.convert.rebuild.network.region_builder import RegionBuilder
from detlite.convert.rebuild.network.slim import PLAIN, Slim

SCOPE = "SecondStageBoxPredictor"


def position_sensitive_heads(
    net: RegionBuilder, features: Tensor, boxes: Tensor, config: FasterRcnn
) -> tuple[Tensor, Tensor]:
    """Return the box codes [P, 1, 1, classes * 4] and the class logits [P, 1, 1, classes + 1] of *boxes* [P, 4].

    Args:
        net: the network.
        features: of the whole image, after the last block.
        boxes: 0..1 of the image.
        config: of the detector; its `position_sensitive` is set.
    """
    assert config.position_sensitive is not None
    rows, columns = config.position_sensitive.bins
    slim, bins = Slim(net), rows * columns
    reduced = slim.conv(
        features, f"{SCOPE}/reduce_depth", config.position_sensitive.depth, 1, style=replace(PLAIN, activation="RELU")
    )
    locations = slim.conv(reduced, f"{SCOPE}/refined_locations", bins * config.classes * 4, 1, style=PLAIN)
    classes = slim.conv(reduced, f"{SCOPE}/class_predictions", bins * (config.classes + 1), 1, style=PLAIN)
    return _pooled(net, locations, boxes, config, "locations"), _pooled(net, classes, boxes, config, "classes")


def _pooled(net: RegionBuilder, maps: Tensor, boxes: Tensor, config: FasterRcnn, name: str) -> Tensor:
    """Return the means over all bins of *boxes*, each cropped out of its own block of the channels of *maps*."""
    assert config.position_sensitive is not None
    (rows, columns), crop = config.position_sensitive.bins, config.position_sensitive.crop
    channels = net.channels(maps) // (rows * columns)
    size = (crop[0] // rows, crop[1] // columns)
    parts = []
    for number, place in enumerate((row, column) for row in range(rows) for column in range(columns)):
        scope = f"second_stage/{name}/bin_{number}"
        block = net.channel_slice(maps, number * channels, channels, scope)
        inside = net.bin_boxes(boxes, place, (rows, columns), f"{scope}/boxes")
        parts.append(net.channel_means(net.crop_regions(block, inside, size, f"{scope}/crops"), scope))
    return net.mean_of(parts, f"second_stage/{name}")
