"""The detections of a two-stage detector whose masks need them in the network: boxes, classes and scores."""

from __future__ import annotations

from detlite.convert.rebuild.faster_rcnn_config import FasterRcnn
from detlite.convert.rebuild.network.graph import Tensor
from detlite.convert.rebuild.network.region_builder import RegionBuilder
from detlite.convert.rebuild.network.region_proposals import CODER
from detlite.convert.rebuild.network.region_tensors import KeptTensors


def detect(
    net: RegionBuilder,
    config: FasterRcnn,
    proposals: Tensor,
    heads: tuple[Tensor, Tensor],
    window: Tensor | None = None,
) -> KeptTensors:
    """Return the detections of all classes in *proposals*.

    Args:
        net: the network.
        config: of the detector.
        proposals: [P, 4], 0..1 of the input; those without an area are none.
        heads: the codes of the boxes, as many numbers as [P, K, 4], or [P, 1, 4] if all classes share a box; and the
            logits of the classes, as many numbers as [P, K + 1].
        window: where the image is in the input, [1, 4]; None where it fills it.
    """
    codes, logits = heads
    count, classes, scope = int(proposals.shape[0]), config.classes, "detections"
    rows = net.reshape(logits, (1, count, classes + 1), f"{scope}/logits")
    scores = net.convert_scores(rows, config.post_processing.score_converter, 1.0, f"{scope}/all_scores")
    objects = net.columns(net.reshape(scores, (count, classes + 1), f"{scope}/rows"), 1, classes, f"{scope}/objects")
    is_proposal = net.reshape(net.has_area(proposals, f"{scope}/is_proposal"), (count, 1), f"{scope}/proposed")
    boxes = 1 if config.share_box else classes
    by_class = net.class_rows(net.reshape(codes, (count, boxes, 4), f"{scope}/codes"), f"{scope}/by_class")
    anchors = net.reshape(net.centred(proposals, f"{scope}/centred"), (1, count, 4), f"{scope}/anchors")
    decoded = net.decoded(by_class, anchors, CODER, f"{scope}/decoded")
    proposed = net.multiply(objects, is_proposal, f"{scope}/proposed_objects")
    return net.suppressed_by_class(decoded, proposed, config.post_processing, scope, window=window)
