"""DeepMAC's masks: a network on a crop of each box, with coordinates and the embedding of its object.

Source: Birodkar et al., The surprising impact of mask-head architecture on novel class segmentation, ICCV 2021, as the
OD API builds it on a CenterNet. The boxes are found in the network, as its crops need them.
"""

from __future__ import annotations

import numpy as np

from detlite.convert.rebuild.center_net_config import CenterNet, EmbeddedMasks
from detlite.convert.rebuild.network.faster_rcnn import DETECTIONS, check_crops
from detlite.convert.rebuild.network.graph import Tensor
from detlite.convert.rebuild.network.hourglass import Hourglass, hourglass_shape
from detlite.convert.rebuild.network.keras import KERAS_NAMES
from detlite.convert.rebuild.network.region_builder import RegionBuilder
from detlite.convert.rebuild.network.region_tensors import KeptTensors
from detlite.convert.rebuild.network.slim import PLAIN, Slim, Style

MASK_NETWORK = "model/_mask_net"
HEAD_CHANNELS = 256
COORDINATES = 2
"""Channels with the place of a cell in its crop: row and column, -1..1."""

KERNEL = (3, 3)
"""Of the first convolution of an embedding's head; a checkpoint may have another."""


def embedding(net: RegionBuilder, features: Tensor, scope: str, channels: int) -> Tensor:
    """Return the map of the embedding head *scope*, whose first kernel is as large as the checkpoint's."""
    first = f"{scope}/layer_with_weights-0"
    stored = net.shape_of(f"{first}/kernel")
    kernel = (stored[0], stored[1]) if stored is not None and len(stored) == len(KERNEL) + 2 else KERNEL
    slim = Slim(net, KERAS_NAMES)
    x = slim.conv(features, first, HEAD_CHANNELS, kernel, style=Style("RELU", norm=None))
    return slim.conv(x, f"{scope}/layer_with_weights-1", channels, 1, style=PLAIN)


def mask_outputs(
    net: RegionBuilder, config: CenterNet, masks: EmbeddedMasks, maps: tuple[Tensor, Tensor, Tensor], found: KeptTensors
) -> None:
    """Add the outputs of the detections *found* with their masks.

    Args:
        net: the network.
        config: of the detector.
        masks: its task of masks.
        maps: of the instance embedding and of the pixel embedding, both [1, rows, columns, channels]; and the cells
            of the objects' centres, int32 [D].
        found: the detections; their boxes are clipped here.

    Raises:
        InputError: their crops are larger than runtimes take.
    """
    instances, pixels, cells = maps
    count, size = config.max_box_predictions, masks.size
    check_crops(count, size, masks.instance + masks.pixel + COORDINATES, "--max-detections")
    crops = net.crop_regions(pixels, found.boxes, (size, size), "masks/crops", beyond=True)
    steps = np.linspace(-1, 1, size, dtype=np.float32)
    grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1)
    vectors = net.rows_at(instances, cells, "masks/instances")
    parts = (
        np.broadcast_to(grid, (count, size, size, COORDINATES)).copy(),
        crops,
        net.spread(net.reshape(vectors, (count, 1, 1, masks.instance), "masks/vectors"), (size, size), "masks/spread"),
    )
    shape = hourglass_shape(masks.depth, masks.width)
    x = Hourglass(net, f"{MASK_NETWORK}/_net", shape).same_size(net.concat(parts, 3, "masks/parts"))
    logits = Slim(net, KERAS_NAMES).conv(x, f"{MASK_NETWORK}/project_out", 1, 1, style=PLAIN)
    whole = net.activate(net.reshape(logits, (1, count, size, size), "masks/logits"), "SIGMOID", "masks")
    net.identity(whole, f"{DETECTIONS}/masks")
    net.name_detections(found._replace(boxes=net.clip(found.boxes, 0.0, 1.0, "masks/clip")), DETECTIONS)
