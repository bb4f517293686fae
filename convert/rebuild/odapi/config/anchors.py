"""Reader of the `anchor_generator` message."""

from __future__ import annotations

from detlite.convert.files.fields import Fields
from detlite.convert.rebuild.detector_config import AnchorGenerator, MultiscaleAnchors, SsdAnchors
from detlite.runtime.counts import counted

MAX_LAYERS = 16
COARSEST_LEVEL = 12  # a stride of 4096 pixels
MAX_SCALES = 16
LARGEST_OFFSET = 1 << 16  # pixels
SSD, MULTISCALE = "ssd_anchor_generator", "multiscale_anchor_generator"


def read_anchors(fields: Fields) -> AnchorGenerator:
    """Return the anchor generator of an `AnchorGenerator` message.

    Raises:
        InputError: it is of an unsupported kind, or a value is invalid.
    """
    fields.refuse(
        "grid_anchor_generator",
        "flexible_grid_anchor_generator",
        because=f"detlite supports {SSD} and {MULTISCALE}",
    )
    kind = fields.one_of(SSD, MULTISCALE)
    if kind is None:
        raise fields.missing(f"{SSD} or {MULTISCALE}")
    read = _ssd(fields.inside(SSD)) if kind == SSD else _multiscale(fields.inside(MULTISCALE))
    fields.finish()
    return read


def read_levels(fields: Fields) -> tuple[int, int]:
    """Return (min_level, max_level) of a pyramid or its anchors.

    Raises:
        InputError: a level is out of range, or min_level is greater than max_level.
    """
    highest = fields.integer("max_level", 7, low=1, high=COARSEST_LEVEL)
    lowest = fields.integer("min_level", 3, low=1, high=COARSEST_LEVEL)
    if lowest > highest:
        raise fields.unsupported("min_level", f"want at most max_level, which is {highest}")
    return lowest, highest


def _ssd(fields: Fields) -> SsdAnchors:
    layers = fields.integer("num_layers", 6, low=1, high=MAX_LAYERS)
    read = SsdAnchors(
        num_layers=layers,
        min_scale=fields.positive("min_scale", 0.2),
        max_scale=fields.positive("max_scale", 0.95),
        scales=_scales(fields, layers),
        aspect_ratios=fields.positives("aspect_ratios"),
        interpolated_scale_aspect_ratio=fields.real("interpolated_scale_aspect_ratio", 1.0, low=0.0),
        reduce_boxes_in_lowest_layer=fields.flag("reduce_boxes_in_lowest_layer", True),
        base_anchor_height=fields.positive("base_anchor_height", 1.0),
        base_anchor_width=fields.positive("base_anchor_width", 1.0),
        height_stride=fields.integers("height_stride", low=1, high=LARGEST_OFFSET),
        width_stride=fields.integers("width_stride", low=1, high=LARGEST_OFFSET),
        height_offset=fields.integers("height_offset", low=-LARGEST_OFFSET, high=LARGEST_OFFSET),
        width_offset=fields.integers("width_offset", low=-LARGEST_OFFSET, high=LARGEST_OFFSET),
    )
    _check_per_layer(fields, read)
    if not read.aspect_ratios and not read.interpolated_scale_aspect_ratio:
        raise fields.missing("aspect_ratios")
    fields.finish()
    return read


def _scales(fields: Fields, layers: int) -> tuple[float, ...]:
    scales = fields.positives("scales")
    if scales and len(scales) < layers:
        raise fields.unsupported("num_layers", f"want one scale for each layer, got {len(scales)}")
    if not scales and layers == 1:
        raise fields.unsupported("num_layers", "a single layer cannot span min_scale to max_scale; set scales")
    return scales


def _check_per_layer(fields: Fields, read: SsdAnchors) -> None:
    for height, width in (("height_stride", "width_stride"), ("height_offset", "width_offset")):
        counts = len(getattr(read, height)), len(getattr(read, width))
        if any(counts) and counts != (read.num_layers, read.num_layers):
            raise fields.unsupported(
                height if counts[0] else width,
                f"want {height} and {width} for each of {counted(read.num_layers, 'layer')}, got {counts[0]} and "
                f"{counts[1]}",
            )


def _multiscale(fields: Fields) -> MultiscaleAnchors:
    lowest, highest = read_levels(fields)
    if not fields.flag("normalize_coordinates", True):
        raise fields.unsupported("normalize_coordinates", "detlite's anchors are fractions of the image")
    read = MultiscaleAnchors(
        min_level=lowest,
        max_level=highest,
        anchor_scale=fields.positive("anchor_scale", 4.0),
        aspect_ratios=fields.positives("aspect_ratios"),
        scales_per_octave=fields.integer("scales_per_octave", 2, low=1, high=MAX_SCALES),
    )
    if not read.aspect_ratios:
        raise fields.missing("aspect_ratios")
    fields.finish()
    return read
