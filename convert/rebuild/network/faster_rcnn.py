"""Build a Faster R-CNN from its config: proposals, regions cropped out of the features, class and box heads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from detlite.convert.rebuild.detector_config import FasterRcnn
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import BOX_ENCODINGS, CLASS_LOGITS, CLASS_SCORES, BuiltNetwork
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.position_sensitive import position_sensitive_heads
from detlite.convert.rebuild.network.region_proposals import propose
from detlite.convert.rebuild.network.slim import Slim
from detlite.convert.rebuild.network.two_stage_names import TF1_NAMES, TwoStageNames
from detlite.convert.rebuild.weights.weights import Weights

PROPOSALS = "proposals"
"""The name of the output that has the boxes which the encodings are relative to."""


@dataclass(frozen=True)
class TwoStageExtractor:
    """One `feature_extractor { type }` of a two-stage detector.

    Attributes:
        image_features: returns the map of an image, with cells a stride apart (pixels).
        region_features: returns the maps of regions of that map.
        strides: that the first part can have.
        names: of the layers that are not the backbone.
    """

    image_features: Callable[[GraphBuilder, Tensor, int], Tensor]
    region_features: Callable[[GraphBuilder, Tensor], Tensor]
    strides: tuple[int, ...] = (8, 16)
    names: TwoStageNames = TF1_NAMES


def build_faster_rcnn(config: FasterRcnn, extractor: TwoStageExtractor, weights: Weights, size: Size) -> BuiltNetwork:
    """Return the network of *config* with *weights*, for images of *size* (height, width)."""
    with GraphBuilder(weights, (*size, 3)) as net:
        features = extractor.image_features(net, net.image, config.stride)
        proposals = propose(net, features, config, extractor.names)
        first = net.macs
        if config.position_sensitive is not None:
            codes, logits = position_sensitive_heads(
                net, extractor.region_features(net, features), proposals.boxes, config
            )
        else:
            regions = extractor.region_features(net, _crops(net, config, features, proposals.boxes))
            codes, logits = _heads(net, config, extractor.names, net.channel_means(regions, "second_stage/means"))
        _outputs(net, config, codes, logits)
        net.identity(net.reshape(proposals.boxes, (1, -1, 4), "second_stage/proposals"), PROPOSALS)
        second = (
            "for the map of the bins"
            if config.position_sensitive
            else f"for {config.first_stage.max_proposals} proposals"
        )
        stages = {"for the whole image": first, second: net.macs - first}
        return BuiltNetwork(
            net.graph_def, (net.size(features),), net.parameters, net.macs, macs_by_stage=stages, keeps_aspect=True
        )


def _crops(net: GraphBuilder, config: FasterRcnn, features: Tensor, boxes: Tensor) -> Tensor:
    crops = net.crop_regions(features, boxes, (config.crop_size, config.crop_size), "second_stage/crops")
    if config.pool_kernel == config.pool_stride == 1:
        return crops
    return net.max_pool(crops, config.pool_kernel, config.pool_stride, "second_stage/pool", padding="VALID")


def _heads(net: GraphBuilder, config: FasterRcnn, names: TwoStageNames, means: Tensor) -> tuple[Tensor, Tensor]:
    """Return the box codes and the class logits of the *means* [P, 1, 1, channels] of all regions."""
    slim, boxes = Slim(net, names.layers), 1 if config.share_box else config.classes
    logits = slim.fully_connected(means, names.classes, config.classes + 1)
    return slim.fully_connected(means, names.boxes, 4 * boxes), logits


def _outputs(net: GraphBuilder, config: FasterRcnn, codes: Tensor, logits: Tensor) -> None:
    """Add the outputs of the box *codes* and the class *logits* of all proposals."""
    count = config.first_stage.max_proposals
    shape = (1, count, 4) if config.share_box else (1, count, config.classes, 4)
    net.identity(net.reshape(codes, shape, "second_stage/encodings"), BOX_ENCODINGS)
    found = net.reshape(logits, (1, count, config.classes + 1), "second_stage/logits")
    net.identity(found, CLASS_LOGITS)
    net.convert_scores(found, config.post_processing.score_converter, 1.0, CLASS_SCORES)
