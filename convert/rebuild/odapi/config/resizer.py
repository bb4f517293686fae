"""`image_resizer` of a config: the size of the network's input."""

from __future__ import annotations

from detlite.convert.files.fields import Fields
from detlite.convert.rebuild.detector_config import ImageResizer

LARGEST_SIDE = 8192  # pixels; the largest of the zoo has 1536
METHODS = {"BILINEAR": 0, "NEAREST_NEIGHBOR": 1, "BICUBIC": 2, "AREA": 3}
FIXED, KEEPS_ASPECT = "fixed_shape_resizer", "keep_aspect_ratio_resizer"
OTHERS = ("identity_resizer", "conditional_shape_resizer", "pad_to_multiple_resizer")


def read_resizer(fields: Fields) -> ImageResizer:
    """Return what `ImageResizer` says.

    Raises:
        InputError: it is neither a fixed shape nor keeps the aspect ratio, or a value makes no sense.
    """
    fields.refuse(*OTHERS, because=f"a network on a device has one input size: give a {FIXED}")
    kind = fields.one_of(FIXED, KEEPS_ASPECT)
    if kind is None:
        raise fields.missing(f"{FIXED} and no {KEEPS_ASPECT}")
    resizer = fields.inside(kind)
    if resizer.choice("resize_method", "BILINEAR", METHODS) != "BILINEAR":
        raise resizer.unsupported("resize_method", "detlite resizes images bilinearly")
    height, width = fixed_size(resizer) if kind == FIXED else _largest(resizer)
    read = ImageResizer(
        height=height,
        width=width,
        grayscale=resizer.flag("convert_to_grayscale", False),
        keeps_aspect=kind == KEEPS_ASPECT,
    )
    resizer.finish()
    fields.finish()
    return read


def fixed_size(resizer: Fields) -> tuple[int, int]:
    """Return the (height, width) of `FixedShapeResizer`, in pixels.

    Raises:
        InputError: it is no size of an image.
    """
    height = resizer.integer("height", 300, low=1, high=LARGEST_SIDE)
    return height, resizer.integer("width", 300, low=1, high=LARGEST_SIDE)


def _largest(resizer: Fields) -> tuple[int, int]:
    # how the rest of the square is filled says nothing of a fixed size, for which images are stretched
    resizer.ignore("pad_to_max_dimension", "per_channel_pad_value")
    largest = resizer.integer("max_dimension", 1024, low=1, high=LARGEST_SIDE)
    smallest = resizer.integer("min_dimension", 600, low=1, high=LARGEST_SIDE)
    if smallest > largest:
        raise resizer.unsupported("min_dimension", f"want at most max_dimension, which is {largest}")
    return largest, largest
