"""Build a Faster R-CNN from its config: proposals, regions cropped out of the features, heads for each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from detlite.convert.rebuild.faster_rcnn_config import FasterRcnn
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import BOX_ENCODINGS, CLASS_LOGITS, CLASS_SCORES, BuiltNetwork
from detlite.convert.rebuild.network.context_attention import ContextAttention
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.mask_head import mask_logits
from detlite.convert.rebuild.network.position_sensitive import position_sensitive_heads
from detlite.convert.rebuild.network.region_builder import RegionBuilder
from detlite.convert.rebuild.network.region_detections import detect
from detlite.convert.rebuild.network.region_proposals import propose
from detlite.convert.rebuild.network.region_tensors import KeptTensors
from detlite.convert.rebuild.network.slim import Slim
from detlite.convert.rebuild.network.two_stage_names import TF1_NAMES, TwoStageNames
from detlite.convert.rebuild.weights.weights import Weights
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

PROPOSALS = "proposals"
"""The name of the output that has the boxes which the encodings are relative to."""

DETECTIONS = "detections"
"""The scope of the outputs of a network with NMS in it, because masks need that; they are named by role."""

WINDOW = "image_window"
"""The name of the input that says where the image is in a padded one."""

LARGEST_TENSOR = 2**31 - 1
"""Bytes of one tensor, which TFLite and ONNX Runtime count in 32 bits."""

WHOLE_IMAGE = "for the whole image"
"""What the first stage computes."""


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
    with RegionBuilder(weights, (*size, 3)) as net:
        features = extractor.image_features(net, net.image, config.stride)
        window = net.placeholder(WINDOW, (1, 4), "float32") if config.has_window else None
        proposals = propose(net, features, config, extractor.names, window)
        net.finish_stage(WHOLE_IMAGE)
        if config.position_sensitive is not None:
            codes, logits = position_sensitive_heads(
                net, extractor.region_features(net, features), proposals.boxes, config
            )
            net.finish_stage("for the map of the bins")
        else:
            codes, logits = _second_stage(net, config, extractor, features, proposals.boxes)
            net.finish_stage(f"for {counted(config.first_stage.max_proposals, 'proposal')}")
        width = 0
        if config.finds_itself:
            found = detect(net, config, proposals.boxes, (codes, logits), window)
            regions = extractor.region_features(net, _crops(net, config, features, found.boxes, "third_stage"))
            net.name_detections(found, DETECTIONS)
            count = int(found.boxes.shape[0])
            if config.embeds:
                width = _embedded(net, regions)
                net.finish_stage(f"for the embeddings of {counted(count, 'detection')}")
            else:
                _masked(net, config, extractor.names, regions, found)
                net.finish_stage(f"for the masks of {counted(count, 'detection')}")
        else:
            _outputs(net, config, codes, logits)
            net.identity(net.reshape(proposals.boxes, (1, -1, 4), "second_stage/proposals"), PROPOSALS)
        return BuiltNetwork(
            net.graph_def,
            (net.size(features),),
            net.parameters,
            net.macs,
            macs_by_stage=net.stages,
            keeps_aspect=True,
            embedding_width=width,
        )


def _second_stage(
    net: RegionBuilder, config: FasterRcnn, extractor: TwoStageExtractor, features: Tensor, proposals: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the box codes and the class logits of all *proposals*, cropped out of *features*."""
    crops = _crops(net, config, features, proposals, "second_stage")
    attention = None
    if config.attention is not None:
        attention = ContextAttention(net, config.attention, extractor.names, proposals)
        if config.attention.before_second_stage:
            crops, attention = crops + attention.added(net.channel_means(crops, "context/means")), None
    means = net.channel_means(extractor.region_features(net, crops), "second_stage/means")
    if attention is not None:
        means = means + attention.added(means)  # to all cells, of which only the mean is read
    return _heads(net, config, extractor.names, means)


def check_crops(count: int, size: int, channels: int, option: str) -> None:
    """Raise `InputError` if the crops of *count* regions, *size* x *size* cells of float32, are over `LARGEST_TENSOR`.

    *option* is the command-line option that limits the number of regions.
    """
    one = size * size * channels * 4
    if count * one > LARGEST_TENSOR:
        raise InputError(
            f"the crops of {counted(count, 'region is', 'regions are')} a tensor of {count * one / 1e9:.1f} GB, and "
            f"runtimes take {LARGEST_TENSOR / 1e9:.1f} GB: give {option} {LARGEST_TENSOR // one} or less"
        )


def _crops(net: RegionBuilder, config: FasterRcnn, features: Tensor, boxes: Tensor, stage: str) -> Tensor:
    option = "--max-proposals" if stage == "second_stage" else "--max-detections"
    check_crops(int(boxes.shape[0]), config.crop_size, net.channels(features), option)
    crops = net.crop_regions(features, boxes, (config.crop_size, config.crop_size), f"{stage}/crops")
    if config.pool_kernel == config.pool_stride == 1:
        return crops
    return net.max_pool(crops, config.pool_kernel, config.pool_stride, f"{stage}/pool", padding="VALID")


def _masked(net: RegionBuilder, config: FasterRcnn, names: TwoStageNames, regions: Tensor, found: KeptTensors) -> None:
    """Add the masks of the detections *found*, whose features are *regions*."""
    assert config.masks is not None
    logits = mask_logits(net, regions, config.masks, config.classes, names)
    masks = net.activate(net.planes_of(logits, found.classes, "third_stage/own"), "SIGMOID", "third_stage/masks")
    net.identity(net.reshape(masks, (1, *masks.shape), f"{DETECTIONS}/whole_masks"), f"{DETECTIONS}/masks")


def _embedded(net: RegionBuilder, regions: Tensor) -> int:
    """Add the means of the features *regions* of the detections, and return how many numbers each has."""
    count, width = int(regions.shape[0]), net.channels(regions)
    means = net.reshape(net.channel_means(regions, "third_stage/means"), (1, count, width), "third_stage/embeddings")
    net.identity(means, f"{DETECTIONS}/embeddings")
    return width


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
