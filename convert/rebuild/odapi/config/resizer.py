"""Reader of the `image_resizer` message, which sets the size of the network's input."""

from __future__ import annotations

from dataclasses import replace

from detlite.convert.files.fields import Fields
from detlite.convert.rebuild.detector_config import ImageResizer

MAX_SIDE = 8192  # pixels; the largest in the zoo is 1536
METHODS = {"BILINEAR": 0, "NEAREST_NEIGHBOR": 1, "BICUBIC": 2, "AREA": 3}
FIXED, KEEPS_ASPECT = "fixed_shape_resizer", "keep_aspect_ratio_resizer"
OTHERS = ("identity_resizer", "conditional_shape_resizer", "pad_to_multiple_resizer")


def read_resizer(fields: Fields) -> ImageResizer:
    """Return the config of an `ImageResizer` message.

    Raises:
        InputError: it is of an unsupported kind, or a value is invalid.
    """
    fields.refuse(*OTHERS, because=f"a network on a device has a fixed input size; use a {FIXED}")
    kind = fields.one_of(FIXED, KEEPS_ASPECT)
    if kind is None:
        raise fields.missing(f"{FIXED} or {KEEPS_ASPECT}")
    resizer = fields.inside(kind)
    if resizer.choice("resize_method", "BILINEAR", METHODS) != "BILINEAR":
        raise resizer.unsupported("resize_method", "detlite supports BILINEAR only")
    read = _fixed(resizer) if kind == FIXED else _keeping_aspect(resizer)
    read = replace(read, grayscale=resizer.flag("convert_to_grayscale", False))
    resizer.finish()
    fields.finish()
    return read


def fixed_size(resizer: Fields) -> tuple[int, int]:
    """Return the (height, width) of a `FixedShapeResizer` message, in pixels.

    Raises:
        InputError: a side is out of range.
    """
    height = resizer.integer("height", 300, low=1, high=MAX_SIDE)
    return height, resizer.integer("width", 300, low=1, high=MAX_SIDE)


def _fixed(resizer: Fields) -> ImageResizer:
    height, width = fixed_size(resizer)
    return ImageResizer(height=height, width=width)


def _keeping_aspect(resizer: Fields) -> ImageResizer:
    largest = resizer.integer("max_dimension", 1024, low=1, high=MAX_SIDE)
    smallest = resizer.integer("min_dimension", 600, low=1, high=MAX_SIDE)
    if smallest > largest:
        raise resizer.unsupported("min_dimension", f"want at most max_dimension, which is {largest}")
    return ImageResizer(
        height=largest,
        width=largest,
        keeps_aspect=True,
        shortest=smallest,
        pads=resizer.flag("pad_to_max_dimension", False),
        pad_value=resizer.reals("per_channel_pad_value"),
    )
