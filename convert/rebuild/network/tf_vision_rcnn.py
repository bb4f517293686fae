"""Mask R-CNN and Cascade R-CNN of TF-Vision: proposals from all levels, heads for each region, masks for detections.

Sources: He et al., Mask R-CNN, ICCV 2017; Cai and Vasconcelos, Cascade R-CNN, CVPR 2018; `official/vision/modeling/
maskrcnn_model.py`, `heads/instance_heads.py` and `layers/roi_generator.py` for the layers and their order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from detlite.convert.rebuild.detector_config import PostProcessing
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.blocks import NormActivation
from detlite.convert.rebuild.network.graph import Tensor
from detlite.convert.rebuild.network.keras import KERAS_NAMES
from detlite.convert.rebuild.network.region_align import RegionAlign
from detlite.convert.rebuild.network.region_builder import RegionBuilder
from detlite.convert.rebuild.network.region_tensors import KeptTensors
from detlite.convert.rebuild.network.retinanet import LevelAnchors
from detlite.convert.rebuild.network.slim import PLAIN, Slim, batch_norm_of
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.counts import counted

RPN, DETECTION, MASK = "model/rpn_head", "model/detection_head", "model/mask_head"
EXPORTED = "model/_config_dict/detection_head"
"""Where an exporter's checkpoint holds the only detection head; a trainer's, or a cascade's, has numbered heads."""

LARGEST_STRETCH = math.log(1000 / 16)
"""Of the logarithms of sizes, as the original clips them."""

UNIT = BoxCoder(1.0, 1.0, 1.0, 1.0)
CASCADE = (BoxCoder(10.0, 10.0, 5.0, 5.0), BoxCoder(20.0, 20.0, 10.0, 10.0), BoxCoder(30.0, 30.0, 15.0, 15.0))
"""The coders of the detection heads, one after another."""


@dataclass(frozen=True)
class Rpn:
    """`rpn_head` and `roi_generator`, as they work after training.

    Attributes:
        convs: the number of convolutions before the predictions.
        filters: of these.
        separable: whether these are separable.
        candidates: the best boxes of a level that are compared.
        proposals: how many boxes all levels together propose at most.
        iou_threshold: of the suppression within a level.
    """

    convs: int
    filters: int
    separable: bool
    candidates: int
    proposals: int
    iou_threshold: float


@dataclass(frozen=True)
class RegionHead:
    """`detection_head`; *stages* of them in a cascade.

    Attributes:
        convs, filters, separable: its convolutions.
        dense, width: the number of dense layers after them, and of their numbers.
        agnostic: whether all classes share a box.
        stages: how many heads there are, each on the boxes of the one before.
        averaged: whether the logits of all heads are averaged; else only the last head's count.
        crop: the cells of a side of a region.
    """

    convs: int
    filters: int
    separable: bool
    dense: int
    width: int
    agnostic: bool
    stages: int
    averaged: bool
    crop: int


@dataclass(frozen=True)
class RegionMasks:
    """`mask_head`: its convolutions, how much it enlarges, whether all classes share a mask, and the cells it crops."""

    convs: int
    filters: int
    separable: bool
    factor: int
    agnostic: bool
    crop: int

    @property
    def side(self) -> int:
        """The cells of a side of a mask."""
        return self.crop * self.factor


@dataclass(frozen=True)
class RegionConfig:
    """The parts after the pyramid.

    Attributes:
        columns: the number of class scores, with the background.
        norm: of all heads.
        anchors: the boxes of each cell.
        rpn: the first stage.
        head: the second stage.
        masks: the third stage; None without masks.
        nms: the suppression of the detections.
    """

    columns: int
    norm: NormActivation
    anchors: LevelAnchors
    rpn: Rpn
    head: RegionHead
    masks: RegionMasks | None
    nms: PostProcessing

    def most_proposals(self, cells: Iterable[Size]) -> int:
        """Return how many boxes the levels, maps of so many *cells* (rows, columns), can propose at most."""
        rpn, per_cell = self.rpn, self.anchors.per_cell
        of_levels = (min(rpn.proposals, rpn.candidates, rows * columns * per_cell) for rows, columns in cells)
        return min(rpn.proposals, sum(of_levels))


class RegionNetwork:
    """Builds the parts after the pyramid."""

    def __init__(self, net: RegionBuilder, config: RegionConfig) -> None:
        self._tf, self._net, self._config = load_tensorflow(), net, config
        self._slim = Slim(net, KERAS_NAMES)

    def find(self, levels: Mapping[int, Tensor]) -> tuple[KeptTensors, Tensor | None]:
        """Return the detections on the maps *levels*, by level, and their masks [D, rows, columns] or None."""
        net, config = self._net, self._config
        boxes, is_proposal = self._proposals(levels)
        net.finish_stage("for the whole image")
        align = RegionAlign(net, levels, "regions")
        logits, refined = [], boxes
        for stage in range(config.head.stages):
            before = boxes if stage == 0 else net.reshape(refined, boxes.shape, f"stage_{stage}/before")
            found, codes = self._head(align.crops(before, config.head.crop, f"stage_{stage}/crops"), stage)
            logits.append(found)
            refined = self._refined(before, codes, stage)
        net.finish_stage(f"for {counted(int(boxes.shape[0]), 'proposal')}")
        kept = self._detections(logits, refined, is_proposal)
        if config.masks is None:
            return kept, None
        masks = self._masks(align.crops(kept.boxes, config.masks.crop, "masks/crops"), kept.classes)
        net.finish_stage(f"for the masks of {counted(int(kept.boxes.shape[0]), 'detection')}")
        return kept, masks

    def _tower(self, x: Tensor, scope: str, convs: int, norms: str) -> Tensor:
        config = self._config
        part: Rpn | RegionHead | RegionMasks = {RPN: config.rpn, MASK: config.masks}.get(scope) or config.head
        style = replace(config.norm.style, biased=True)
        build = self._slim.separable if part.separable else self._slim.conv
        for number in range(convs):
            x = build(
                x, f"{scope}/_convs/{number}", part.filters, 3, style=style, norm_scope=f"{scope}/{norms}/{number}"
            )
        return x

    def _proposals(self, levels: Mapping[int, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the best boxes of all levels, [P, 4], and 1 for each, [P, 1]; zeros fill the rows after them."""
        net, rpn = self._net, self._config.rpn
        boxes, scores = [], []
        for number, level in enumerate(sorted(levels)):
            x = self._tower(levels[level], RPN, rpn.convs, f"_norms/{number}")
            found, best = self._level_proposals(x, level)
            boxes.append(found)
            scores.append(best)
        everything = net.concat(scores, 0, "proposals/scores")
        most = min(rpn.proposals, int(everything.shape[0]))
        best, order = self._tf.math.top_k(everything, most, name="proposals/best")
        is_proposal = self._tf.cast(self._tf.less(np.float32(0), best), self._tf.float32)
        kept = self._tf.gather(net.concat(boxes, 0, "proposals/boxes"), order, name="proposals/kept")
        return kept, net.reshape(is_proposal, (most, 1), "proposals/are")

    def _level_proposals(self, x: Tensor, level: int) -> tuple[Tensor, Tensor]:
        """Return the boxes [n, 4] and scores [n] that suppression keeps of a level; zeros fill the rows after them."""
        net, rpn, per_cell = self._net, self._config.rpn, self._config.anchors.per_cell
        anchors = self._config.anchors.on(net.size(net.image), (level,))
        count, scope = len(anchors), f"rpn_{level}"
        build = self._slim.separable if rpn.separable else self._slim.conv
        codes = build(x, f"{RPN}/_box_regressor", 4 * per_cell, 1, style=PLAIN)
        logits = build(x, f"{RPN}/_classifier", per_cell, 1, style=PLAIN)
        scores = net.activate(net.reshape(logits, (count,), f"{scope}/logits"), "SIGMOID", f"{scope}/scores")
        boxes = self._decoded(net.reshape(codes, (count, 4), f"{scope}/codes"), anchors, UNIT, f"{scope}/boxes")
        candidates = min(rpn.candidates, count)
        best, order = self._tf.math.top_k(scores, candidates, name=f"{scope}/best")
        boxes, most = self._tf.gather(boxes, order, name=f"{scope}/candidates"), min(rpn.proposals, candidates)
        kept = net.kept_rows(boxes, best, most, (rpn.iou_threshold, 0.0), f"{scope}/nms")
        column = net.reshape(kept.is_kept, (most, 1), f"{scope}/is_kept")
        return self._tf.gather(boxes, kept.rows) * column, self._tf.gather(best, kept.rows) * kept.is_kept

    def _decoded(self, codes: Tensor, anchors: Tensor, coder: BoxCoder, name: str) -> Tensor:
        """Return the boxes of *codes* [..., 4], clipped to the input; the sizes of *codes* are limited first."""
        net, last = self._net, len(codes.shape) - 1
        shift, stretch = self._tf.split(codes, 2, axis=last, name=f"{name}/parts")
        limits = np.array((LARGEST_STRETCH * coder.height, LARGEST_STRETCH * coder.width), np.float32)
        limited = net.concat((shift, self._tf.minimum(stretch, limits)), last, f"{name}/limited")
        return net.clip(net.decoded(limited, anchors, coder, name), 0.0, 1.0, f"{name}/clip")

    def _head(self, x: Tensor, stage: int) -> tuple[Tensor, Tensor]:
        """Return the class logits [P, columns] and the box codes [P, K, 4] of the regions *x*."""
        net, head = self._net, self._config.head
        scope = f"{DETECTION}/{stage}"
        if head.stages == 1 and not net.has(f"{scope}/_classifier/kernel"):
            scope = EXPORTED
        x = self._tower(x, scope, head.convs, "_conv_norms")
        count, cells = int(x.shape[0]), head.crop * head.crop * net.channels(x)
        x = net.reshape(x, (count, cells), f"{scope}/flat")
        for number in range(head.dense):
            x = self._dense(x, scope, number, head.width)
        logits = self._plain_dense(x, f"{scope}/_classifier", self._config.columns)
        boxes = 1 if head.agnostic else self._config.columns
        codes = self._plain_dense(x, f"{scope}/_box_regressor", 4 * boxes)
        return logits, net.reshape(codes, (count, boxes, 4), f"{scope}/codes")

    def _dense(self, x: Tensor, scope: str, number: int, width: int) -> Tensor:
        net, norm = self._net, self._config.norm
        assert norm.style.norm is not None
        name = f"{scope}/_fcs/{number}"
        kernel = net.variable(f"{name}/kernel", (net.channels(x), width))
        scale, shift = batch_norm_of(net, f"{scope}/_fc_norms/{number}", width, norm.style.norm)
        bias = net.variable(f"{name}/bias", (width,)) * scale + shift
        y = net.dense(x, (kernel * scale).astype(np.float32), bias.astype(np.float32), name)
        return net.activate(y, norm.activation, name)

    def _plain_dense(self, x: Tensor, name: str, width: int) -> Tensor:
        kernel = self._net.variable(f"{name}/kernel", (self._net.channels(x), width))
        return self._net.dense(x, kernel, self._net.variable(f"{name}/bias", (width,)), name)

    def _refined(self, boxes: Tensor, codes: Tensor, stage: int) -> Tensor:
        """Return the boxes of *codes* [P, K, 4] relative to *boxes* [P, 4]: [K, P, 4]."""
        net, count, name = self._net, int(boxes.shape[0]), f"stage_{stage}"
        anchors = net.reshape(net.centred(boxes, f"{name}/centred"), (1, count, 4), f"{name}/anchors")
        return self._decoded(net.class_rows(codes, f"{name}/by_class"), anchors, CASCADE[stage], f"{name}/boxes")

    def _detections(self, logits: list[Tensor], boxes: Tensor, is_proposal: Tensor) -> KeptTensors:
        """Return the detections by the *logits* of each head and the last one's *boxes* [K, P, 4].

        A box that clipping leaves without an area is one, too, as in the original.
        """
        net, config = self._net, self._config
        whole = net.mean_of(logits, "detections/mean") if config.head.averaged and len(logits) > 1 else logits[-1]
        count, objects = int(whole.shape[0]), config.columns - 1
        rows = net.reshape(whole, (1, count, config.columns), "detections/logits")
        scores = net.convert_scores(rows, "SOFTMAX", 1.0, "detections/scores")
        flat = net.reshape(scores, (count, config.columns), "detections/rows")
        of_objects = net.columns(flat, 1, objects, "detections/objects")
        own = boxes if config.head.agnostic else self._tf.slice(boxes, (1, 0, 0), (objects, count, 4))
        proposed = net.multiply(of_objects, is_proposal, "detections/proposed")
        return net.suppressed_by_class(own, proposed, config.nms, "detections", keeps_empty=True)

    def _masks(self, x: Tensor, classes: Tensor) -> Tensor:
        """Return one mask for each of the regions *x*, [D, rows, columns], of its class in *classes*, from 0 on."""
        net, config, head = self._net, self._config, self._config.masks
        assert head is not None
        assert config.norm.style.norm is not None
        x = self._tower(x, MASK, head.convs, "_conv_norms")
        kernel = net.variable(f"{MASK}/_deconv/kernel", (head.factor, head.factor, head.filters, net.channels(x)))
        scale, shift = batch_norm_of(net, f"{MASK}/_deconv_bn", head.filters, config.norm.style.norm)
        bias = (net.variable(f"{MASK}/_deconv/bias", (head.filters,)) * scale + shift).astype(np.float32)
        folded = (kernel * scale[:, None]).astype(np.float32)
        x = net.activate(net.transposed_conv(x, folded, bias, head.factor, MASK), config.norm.activation, MASK)
        planes = 1 if head.agnostic else config.columns
        build = self._slim.separable if head.separable else self._slim.conv
        logits = build(x, f"{MASK}/_mask_regressor", planes, 1, style=PLAIN)
        own = net.planes_of(logits, classes if head.agnostic else classes + 1, f"{MASK}/own")
        return net.activate(own, "SIGMOID", f"{MASK}/masks")
