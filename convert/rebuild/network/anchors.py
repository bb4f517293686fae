"""The anchors of the OD API's anchor generators."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from detlite.convert.rebuild.detector_config import AnchorGenerator, MultiscaleAnchors, SsdAnchors
from detlite.runtime.arrays import Doubles, Floats
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

Size = tuple[int, int]

LOWEST_SCALE = 0.1
"""The scale of the first of the three boxes in the lowest layer (Liu et al., SSD, 2016, section 2.2; the OD API)."""


def boxes_per_cell(generator: AnchorGenerator, maps: int) -> tuple[int, ...]:
    """Return the number of anchors per cell of each of *maps* feature maps.

    Raises:
        InputError: the generator has another number of maps.
    """
    return tuple(len(shapes) for shapes in _shapes(generator, maps))


def make_anchors(generator: AnchorGenerator, image: Size, maps: Sequence[Size]) -> Floats:
    """Return the anchors, float32 (N, 4): (y centre, x centre, height, width), in 0..1 of the image; not clipped.

    They are sorted by map (finest first), row, column, and then in the order of the generator.

    Args:
        generator: the anchor generator in the config.
        image: (height, width) of the network's input, in pixels.
        maps: (rows, columns) of each feature map.
    """
    parts = []
    for number, (shapes, cells) in enumerate(zip(_shapes(generator, len(maps)), maps, strict=True)):
        if isinstance(generator, MultiscaleAnchors):
            sizes = [(height / image[0], width / image[1]) for height, width in shapes]
            centres = _strided_centres(generator.min_level + number, image, cells)
        else:
            side = min(image)
            base = (generator.base_anchor_height * side / image[0], generator.base_anchor_width * side / image[1])
            sizes = [(height * base[0], width * base[1]) for height, width in shapes]
            centres = _grid_centres(generator, number, image, cells)
        parts.append(_grid(centres, sizes))
    return np.concatenate(parts).astype(np.float32)


def _shapes(generator: AnchorGenerator, maps: int) -> list[list[tuple[float, float]]]:
    """Return (height, width) of each box in a cell of each map: of the base anchor, or in pixels if multiscale."""
    if isinstance(generator, MultiscaleAnchors):
        levels = range(generator.min_level, generator.max_level + 1)
        shapes = [_multiscale_shapes(generator, level) for level in levels]
    else:
        shapes = [_ssd_shapes(generator, layer) for layer in range(generator.num_layers)]
    if len(shapes) != maps:
        raise InputError(
            f"the anchor generator is for {len(shapes)} feature maps, but the feature extractor has {maps}: "
            "make their num_layers or their levels agree"
        )
    return shapes


def _ssd_shapes(generator: SsdAnchors, layer: int) -> list[tuple[float, float]]:
    scales = _scales(generator)
    scale, following = scales[layer], scales[layer + 1]
    if layer == 0 and generator.reduce_boxes_in_lowest_layer:
        pairs = [(LOWEST_SCALE, 1.0), (scale, 2.0), (scale, 0.5)]
    else:
        pairs = [(scale, ratio) for ratio in generator.aspect_ratios]
        if generator.interpolated_scale_aspect_ratio > 0:
            pairs.append((math.sqrt(scale * following), generator.interpolated_scale_aspect_ratio))
    return [(scale / math.sqrt(ratio), scale * math.sqrt(ratio)) for scale, ratio in pairs]


def _scales(generator: SsdAnchors) -> list[float]:
    if generator.scales:
        if len(generator.scales) != generator.num_layers:
            raise InputError(
                f"ssd_anchor_generator has {counted(len(generator.scales), 'scale')} for "
                f"{counted(generator.num_layers, 'layer')}"
            )
        return [*generator.scales, 1.0]
    span, steps = generator.max_scale - generator.min_scale, max(generator.num_layers - 1, 1)
    return [generator.min_scale + span * layer / steps for layer in range(generator.num_layers)] + [1.0]


def _multiscale_shapes(generator: MultiscaleAnchors, level: int) -> list[tuple[float, float]]:
    side = generator.anchor_scale * 2**level
    scales = [2 ** (step / generator.scales_per_octave) for step in range(generator.scales_per_octave)]
    return [
        (side * scale / math.sqrt(ratio), side * scale * math.sqrt(ratio))
        for ratio in generator.aspect_ratios
        for scale in scales
    ]


def _strided_centres(level: int, image: Size, cells: Size) -> tuple[Doubles, Doubles]:
    """Return centres one stride apart; they start at half a stride only if the image is a multiple of the stride."""
    stride = 2**level
    starts = [stride / 2 if side % stride == 0 else 0.0 for side in image]
    rows, columns = (
        np.array([(number * stride + start) / side for number in range(count)])
        for count, start, side in zip(cells, starts, image, strict=True)
    )
    return rows, columns


def _grid_centres(generator: SsdAnchors, layer: int, image: Size, cells: Size) -> tuple[Doubles, Doubles]:
    given = (
        (generator.height_stride, generator.height_offset),
        (generator.width_stride, generator.width_offset),
    )
    centres = []
    for (strides, offsets), side, count in zip(given, image, cells, strict=True):
        stride = strides[layer] / side if strides else 1.0 / count
        offset = offsets[layer] / side if offsets else stride / 2
        centres.append(np.array([number * stride + offset for number in range(count)]))
    return centres[0], centres[1]


def _grid(centres: tuple[Doubles, Doubles], sizes: Sequence[tuple[float, float]]) -> Doubles:
    rows, columns = centres
    grid = np.empty((len(rows), len(columns), len(sizes), 4))
    grid[..., 0] = rows[:, None, None]
    grid[..., 1] = columns[None, :, None]
    grid[..., 2:] = np.asarray(sizes)
    return grid.reshape(-1, 4)
