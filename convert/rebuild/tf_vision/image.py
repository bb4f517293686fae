"""How TF-Vision's exported models take an image."""

from __future__ import annotations

from detlite.runtime.inputs import ImageInput
from detlite.runtime.letterbox import Letterbox

MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)
"""ImageNet's means and standard deviations, 0.485 ... and 0.229 ..., times 255."""

RESIZE = "half_pixel_bilinear"
"""`tf.image.resize` of TensorFlow 2, without a filter."""

PADDED = Letterbox("bottom_right", MEAN, "half_even")
"""Zeros after the normalization, at the bottom and the right."""


def image_input(size: tuple[int, int], *, crop: float | None = None, letterbox: Letterbox | None = None) -> ImageInput:
    """Return the image input of *size* (height, width)."""
    return ImageInput(
        name="image",
        height=size[0],
        width=size[1],
        colour="RGB",
        dtype="float32",
        mean=MEAN,
        std=STD,
        resize=RESIZE,
        letterbox=letterbox,
        crop=crop,
    )
