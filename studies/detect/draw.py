"""Drawing what a model found into a picture: boxes with their labels, or a list of classes.

Text is legible at any size of image: it grows with large images, and small images are enlarged. No text leaves the
picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from detlite.runtime.arrays import Pixels
from detlite.runtime.task import Box, Found
from detlite.studies.detect.results import RANKED
from detlite.studies.label_places import Rectangle, place_label

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

Colour = tuple[int, int, int]

LEAST_LONG, LEAST_SHORT = 320, 160  # pixels of the sides: a smaller image is enlarged by a whole factor
MOST_ENLARGED = 1 << 24  # pixels: a strip of one row is not enlarged without end
LEAST_FONT, OF_LONG, OF_SHORT = 13, 1 / 48, 1 / 12  # 13 pixels at 640 x 480, 40 at 1920 x 1080
ELLIPSIS = "…"
COLOURS: tuple[Colour, ...] = (
    (230, 25, 75),
    (60, 180, 75),
    (255, 225, 25),
    (67, 99, 216),
    (245, 130, 49),
    (145, 30, 180),
    (70, 240, 240),
    (240, 50, 230),
    (188, 246, 12),
    (0, 128, 128),
)
"""By class, from Trubetskoy's list of colours that people tell apart."""


def drawn(image: Pixels, found: Sequence[Found]) -> Pixels:
    """Return a copy of *image* with everything in *found* drawn into it; the best score is drawn last, on top.

    Args:
        image: uint8 (height, width, 3), RGB. A copy of a small one is enlarged, so that the labels fit.
        found: with boxes, which are drawn; or without, as a list at the top left.
    """
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.fromarray(image)
    factor = _enlargement(picture.size)
    if factor > 1:
        picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.BICUBIC)
    short, long = sorted(picture.size)
    font = ImageFont.load_default(max(LEAST_FONT, round(min(long * OF_LONG, short * OF_SHORT))))
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow's wheels have FreeType"
    canvas = _Canvas(ImageDraw.Draw(picture), font, picture.size)
    canvas.boxes([one for one in found if one.box is not None])
    canvas.listing([one for one in found if one.box is None][:RANKED])
    return np.asarray(picture)


def _enlargement(size: tuple[int, int]) -> int:
    short, long = sorted(size)
    wanted = max(math.ceil(LEAST_LONG / long), math.ceil(LEAST_SHORT / short))
    return max(1, min(wanted, math.isqrt(MOST_ENLARGED // (short * long))))


class _Canvas:
    """A picture to draw on: its size in pixels is (width, height)."""

    def __init__(self, draw: ImageDraw, font: FreeTypeFont, size: tuple[int, int]) -> None:
        self._draw, self._font, self._size = draw, font, size
        ascent, descent = font.getmetrics()
        self._padding = max(2, round(font.size / 5))
        self._label_height = ascent + descent + self._padding
        self._line = max(2, round(font.size / 8))

    def boxes(self, found: Sequence[Found]) -> None:
        taken: list[Rectangle] = []
        places: list[tuple[Found, Rectangle, str, Rectangle]] = []
        for one in sorted(found, key=lambda one: -one.score):  # the best choose their place first
            assert one.box is not None
            box, text = _pixels_of(one.box, self._size), self._fitting(one)
            label = (min(self._text_width(text), float(self._size[0])), float(self._label_height))
            place = (*place_label(box, label, self._size, taken), *label)
            taken.append(place)
            places.append((one, box, text, place))
        for one, box, _text, _place in reversed(places):
            self._outline(box, _colour(one))
        for one, _box, text, place in reversed(places):
            self._label(place, text, _colour(one))

    def listing(self, found: Sequence[Found]) -> None:
        for row, one in enumerate(found):
            text = self._fitting(one)
            place = (0.0, float(row * self._label_height), self._text_width(text), float(self._label_height))
            self._label(place, text, _colour(one))

    def _outline(self, box: Rectangle, colour: Colour) -> None:
        x, y, width, height = box
        right, bottom = max(x + width, x + 2), max(y + height, y + 2)  # a box without an inside is seen too
        self._draw.rectangle([x, y, right, bottom], outline=(0, 0, 0), width=self._line + 2)  # seen on any ground
        self._draw.rectangle([x + 1, y + 1, right - 1, bottom - 1], outline=colour, width=self._line)

    def _label(self, place: Rectangle, text: str, colour: Colour) -> None:
        x, y, width, height = place
        self._draw.rectangle([x, y, x + width - 1, y + height - 1], fill=colour)
        self._draw.text((x + self._padding, y + self._padding // 2), text, fill=_ink(colour), font=self._font)

    def _text_width(self, text: str) -> float:
        return self._font.getlength(text) + 2 * self._padding

    def _fitting(self, one: Found) -> str:
        """Return label and score; a label wider than the picture is cut, its score is not."""
        label = " ".join(one.label.split())
        text = f"{label} {one.score:.2f}"
        while label and self._text_width(text) > self._size[0]:
            label = label[:-1]
            text = f"{label}{ELLIPSIS} {one.score:.2f}"
        return text


def _pixels_of(box: Box, size: tuple[int, int]) -> Rectangle:
    """Return *box* in pixels, cut at the edges of the picture."""
    y1, x1, y2, x2 = (min(max(side, 0.0), 1.0) for side in box)
    right, bottom = size[0] - 1, size[1] - 1
    return x1 * right, y1 * bottom, max(x2 - x1, 0.0) * right, max(y2 - y1, 0.0) * bottom


def _colour(one: Found) -> Colour:
    return COLOURS[one.number % len(COLOURS)]


def _ink(ground: Colour) -> Colour:
    """Return black or white: what is read better on *ground*, by its luma (ITU-R BT.601)."""
    red, green, blue = ground
    return (0, 0, 0) if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else (255, 255, 255)
