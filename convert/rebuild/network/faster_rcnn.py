"""Build a Faster R-CNN from its config: proposals, regions cropped out of the features, class and box heads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from detlite.convert.rebuild.detector_config import FasterRcnn
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import BOX_ENCODINGS, CLASS_LOGITS, CLASS_SCORES, BuiltNetwork
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.region_proposals import propose
from detlite.convert.rebuild.weights.weights import Weights

PROPOSALS = "proposals"
"""The name of the output that has the boxes which the encodings are relative to."""

HEADS = "SecondStageBoxPredictor"


@dataclass(frozen=True)
class TwoStageExtractor:
    """One `feature_extractor { type }` of a two-stage detector.

    Attributes:
        image_features: returns the map of an image, with cells a stride apart (pixels).
        region_features: returns the maps of regions of that map.
        strides: that the first part can have.
    """

    image_features: Callable[[GraphBuilder, Tensor, int], Tensor]
    region_features: Callable[[GraphBuilder, Tensor], Tensor]
    strides: tuple[int, ...] = (8, 16)


def build_faster_rcnn(config: FasterRcnn, extractor: TwoStageExtractor, weights: Weights, size: Size) -> BuiltNetwork:
    """Return the network of *config* with *weights*, for images of *size* (height, width)."""
    with GraphBuilder(weights, (*size, 3)) as net:
        features = extractor.image_features(net, net.image, config.stride)
        proposals = propose(net, features, config)
        first = net.macs
        crops = net.crop_regions(features, proposals.boxes, config.crop_size, "second_stage/crops")
        if config.pool_kernel > 1 or config.pool_stride > 1:
            crops = net.max_pool(crops, config.pool_kernel, config.pool_stride, "second_stage/pool", padding="VALID")
        regions = extractor.region_features(net, crops)
        _heads(net, config, net.channel_means(regions, "second_stage/means"))
        net.identity(net.reshape(proposals.boxes, (1, -1, 4), "second_stage/proposals"), PROPOSALS)
        count = config.first_stage.max_proposals
        stages = {"for the whole image": first, f"for {count} proposals": net.macs - first}
        return BuiltNetwork(
            net.graph_def, (net.size(features),), net.parameters, net.macs, macs_by_stage=stages, keeps_aspect=True
        )


def _heads(net: GraphBuilder, config: FasterRcnn, means: Tensor) -> None:
    """Add the heads of the *means* [P, 1, 1, channels] of all regions."""
    count, boxes = int(means.shape[0]), 1 if config.share_box else config.classes
    logits = net.reshape(
        net.fully_connected(means, f"{HEADS}/ClassPredictor", config.classes + 1),
        (1, count, config.classes + 1),
        "second_stage/logits",
    )
    codes = net.fully_connected(means, f"{HEADS}/BoxEncodingPredictor", 4 * boxes)
    shape = (1, count, 4) if config.share_box else (1, count, boxes, 4)
    net.identity(net.reshape(codes, shape, "second_stage/encodings"), BOX_ENCODINGS)
    net.identity(logits, CLASS_LOGITS)
    net.convert_scores(logits, config.post_processing.score_converter, 1.0, CLASS_SCORES)
