"""Drawing what a model found into a picture: boxes and outlines with their labels, coloured pixels, a list of classes.

Text is legible at any size of image: it grows with large images, and small images are enlarged. No text leaves the
picture.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Iterable, List, Optional, Sequence, Tuple

import numpy as np

from detlite.runtime.arrays import Bools, Pixels
from detlite.runtime.image.label_places import Rectangle, place_label
from detlite.runtime.task import RANKED, REGIONS, Box, Found, Result

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
"""Kept in the name of a drawn picture; other images become .png."""

Colour = Tuple[int, int, int]

LEAST_LONG, LEAST_SHORT = 320, 160  # pixels of the sides: a smaller image is enlarged by a whole factor
MOST_ENLARGED = 1 << 24  # pixels: a strip of one row is not enlarged without end
MOST_LONG = 16_383  # pixels of a side of an enlarged image: WebP ends there, JPEG at 65,500
LEAST_FONT, OF_LONG, OF_SHORT = 13, 1 / 48, 1 / 12  # 13 pixels at 640 x 480, 40 at 1920 x 1080
ELLIPSIS = "…"
OPACITY = 0.5  # of the colour over a pixel of a region
COLOURS: Tuple[Colour, ...] = (
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


def picture_name(image: Path) -> Path:
    """Return the name of the picture of the file *image*, in the same folder."""
    return image if image.suffix.lower() in PICTURE_SUFFIXES else image.with_suffix(".png")


def picture_of(image: Pixels, shown: Sequence[Found], result: Result) -> Pixels:
    """Return a copy of *image* with what is *shown* of *result*, in the form of its task: see `drawn`, `overlaid`.

    Args:
        image: uint8 (height, width, 3), RGB.
        shown: the best of the result, best first.
        result: knows the pixels of each.
    """
    areas = (result.area(place, one) for place, one in enumerate(shown))
    if result.listed == REGIONS:
        return overlaid(image, shown, areas)
    return drawn(image, shown, areas, result.edges)


def drawn(
    image: Pixels,
    found: Sequence[Found],
    areas: Iterable[Optional[Bools]] = (),
    edges: Sequence[Tuple[int, int]] = (),
) -> Pixels:
    """Return a copy of *image* with everything in *found* drawn into it; the best score is drawn last, on top.

    Args:
        image: uint8 (height, width, 3), RGB. A copy of a small one is enlarged, so that the labels fit.
        found: with boxes, which are drawn; or without, as a list at the top left.
        areas: the pixels of each, bool (height, width), whose outline is drawn; None for one without.
        edges: pairs of the points of each, by their places, between which lines are drawn.
    """
    picture = _enlarged(image)
    width = _line_width(_font_size(picture))
    for one, area in zip(found, areas):  # no areas: boxes alone
        if area is not None:
            _outline_area(picture, area, _colour(one), width)
    return _labelled(picture, lambda canvas: canvas.everything(found, edges))


def overlaid(image: Pixels, found: Sequence[Found], areas: Iterable[Optional[Bools]]) -> Pixels:
    """Return a copy of *image* with the *areas* of what was *found* in colour, and a legend at the top left.

    Args:
        image: uint8 (height, width, 3), RGB. A copy of a small one is enlarged, so that the legend fits.
        found: the classes, best score first; of many, the legend names those that fit.
        areas: the pixels of each, bool (height, width).
    """
    picture = _enlarged(image)
    factor = picture.shape[0] // image.shape[0]
    for one, area in zip(found, areas):
        if area is not None:
            here = area.repeat(factor, 0).repeat(factor, 1)
            picture[here] = (1 - OPACITY) * picture[here] + OPACITY * np.array(_colour(one))
    return _labelled(picture, lambda canvas: canvas.listing(found))


def _enlarged(image: Pixels) -> Pixels:
    """Return a copy of *image*, a small one enlarged by a whole factor."""
    from PIL import Image

    height, width = image.shape[:2]
    factor = _enlargement((width, height))
    if factor == 1:
        return image.copy()
    picture = Image.fromarray(image).resize((width * factor, height * factor), Image.Resampling.BICUBIC)
    return np.array(picture)


def _labelled(pixels: Pixels, draw: Callable[[_Canvas], None]) -> Pixels:
    """Return *pixels* with what *draw* puts on them."""
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.fromarray(pixels)
    font = ImageFont.load_default(_font_size(pixels))
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow's wheels have FreeType"
    draw(_Canvas(ImageDraw.Draw(picture), font, picture.size))
    return np.asarray(picture)


def _font_size(picture: Pixels) -> int:
    short, long = sorted(picture.shape[:2])
    return max(LEAST_FONT, round(min(int(long) * OF_LONG, int(short) * OF_SHORT)))


def _line_width(font_size: float) -> int:
    return max(2, round(font_size / 8))


def _outline_area(picture: Pixels, area: Bools, colour: Colour, width: int) -> None:
    """Draw the outline of *area*, of the image before it was enlarged, into *picture*: inside it, *width* pixels."""
    rows, columns = (np.flatnonzero(area.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return
    factor = picture.shape[0] // area.shape[0]
    part = area[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].repeat(factor, 0).repeat(factor, 1)
    inside = part
    for _ in range(width):
        inside = _eroded(inside)
    top, left = rows[0] * factor, columns[0] * factor
    picture[top : top + part.shape[0], left : left + part.shape[1]][part & ~inside] = colour


def _eroded(area: Bools) -> Bools:
    """Return the pixels of *area* all of whose four neighbours belong to it."""
    wide = np.pad(area, 1)
    return area & wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]


def _enlargement(size: Tuple[int, int]) -> int:
    short, long = sorted(size)
    wanted = max(math.ceil(LEAST_LONG / long), math.ceil(LEAST_SHORT / short))
    return max(1, min(wanted, math.isqrt(MOST_ENLARGED // (short * long)), MOST_LONG // long))


class _Canvas:
    """A picture to draw on: its size in pixels is (width, height)."""

    def __init__(self, draw: ImageDraw, font: FreeTypeFont, size: Tuple[int, int]) -> None:
        self._draw, self._font, self._size = draw, font, size
        ascent, descent = font.getmetrics()
        self._padding = max(2, round(font.size / 5))
        self._label_height = ascent + descent + self._padding
        self._line = _line_width(font.size)

    def everything(self, found: Sequence[Found], edges: Sequence[Tuple[int, int]]) -> None:
        """Draw what has a box with its label and its points, and list the rest."""
        for one in reversed(found):
            self._points(one, edges)
        self.boxes([one for one in found if one.box is not None])
        self.listing([one for one in found if one.box is None][:RANKED])

    def boxes(self, found: Sequence[Found]) -> None:
        taken: List[Rectangle] = []
        places: List[Tuple[Found, Rectangle, str, Rectangle]] = []
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
        """List at the top left what was found, as much as fits."""
        for row, one in enumerate(found[: max(1, self._size[1] // self._label_height)]):
            text = self._fitting(one)
            place = (0.0, float(row * self._label_height), self._text_width(text), float(self._label_height))
            self._label(place, text, _colour(one))

    def _points(self, one: Found, edges: Sequence[Tuple[int, int]]) -> None:
        """Draw the points of *one* as dots of twice the width of the *edges* between them."""
        right, bottom = self._size[0] - 1, self._size[1] - 1
        places = [(point.x * right, point.y * bottom) for point in one.points]
        for start, end in edges if places else ():
            for width, colour in ((self._line + 2, (0, 0, 0)), (self._line, _colour(one))):
                self._draw.line([places[start], places[end]], fill=colour, width=width)
        for x, y in places:
            dot = (x - self._line, y - self._line, x + self._line, y + self._line)
            self._draw.ellipse(dot, fill=_colour(one), outline=(0, 0, 0))

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


def _pixels_of(box: Box, size: Tuple[int, int]) -> Rectangle:
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
