"""The third stage of a two-stage detector: a mask for each detection."""

from __future__ import annotations

import math

from detlite.convert.rebuild.faster_rcnn_config import MaskHead
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.slim import PLAIN, Slim, style_of
from detlite.convert.rebuild.network.two_stage_names import TwoStageNames
from detlite.runtime.errors import InputError

KERNEL = 3
CLASS_WEIGHT, FEATURE_WEIGHT = 3, 2
"""Of the logarithms of classes and channels in the depth that the OD API chooses."""


def mask_logits(net: GraphBuilder, regions: Tensor, head: MaskHead, classes: int, names: TwoStageNames) -> Tensor:
    """Return the mask logits [D, rows, columns, K] of *regions* [D, h, w, channels]; K is 1 for masks of any class.

    Raises:
        InputError: the regions have another size than the config's masks need.
    """
    slim, style = Slim(net, names.layers), style_of(head.conv)
    depth = head.depth or chosen_depth(net.channels(regions), classes)
    size, x = (head.height, head.width), regions
    if not head.upsamples_last:
        x = net.resize_bilinear(x, size, "third_stage/resized", align_corners=True)
    for number in range(head.layers - 1):
        x = slim.conv(x, names.mask_layer(number, after_resize=False), depth, KERNEL, style=style)
    number = head.layers - 1
    if head.upsamples_last:
        if any(whole % side for whole, side in zip(size, net.size(x), strict=True)):
            raise InputError(
                f"masks of {head.height} x {head.width} from regions of {net.size(x)[0]} x {net.size(x)[1]} cells by "
                "convolve_then_upsample_masks: want multiples of these"
            )
        x = net.resize_nearest(x, size, "third_stage/resized")
        x = slim.conv(x, names.mask_layer(number, after_resize=True), depth, KERNEL, style=style)
        number += 1
    planes = 1 if head.class_agnostic else classes
    return slim.conv(x, names.mask_layer(number, after_resize=head.upsamples_last), planes, KERNEL, style=PLAIN)


def chosen_depth(channels: int, classes: int) -> int:
    """Return the channels of the convolutions for `mask_prediction_conv_depth: 0`: a mean of both, in logarithms."""
    weighted = FEATURE_WEIGHT * math.log2(channels) + CLASS_WEIGHT * math.log2(classes)
    return int(2 ** round(weighted / (FEATURE_WEIGHT + CLASS_WEIGHT)))
