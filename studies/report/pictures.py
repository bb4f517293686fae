"""Pictures for a report: a thumbnail as a data URI, and the positions of boxes and their labels on it."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detlite.runtime.image.label_places import place_label
from detlite.runtime.image.read import read_image
from detlite.studies.report.report import Picture, PictureSide, Shown

LONGEST_SIDE = 520  # pixels: sharp at half the page's width
QUALITY = 78
FONT = 12.5
LABEL = FONT + 4.5  # the height of a label
CHARACTER = 0.59 * FONT  # the mean advance of a sans-serif letter
COLOURS = 8  # number of colours in the stylesheet


@dataclass(frozen=True)
class DrawnBox:
    """A box in pixels of the thumbnail, its text and the text's position, and their colour."""

    x: float
    y: float
    width: float
    height: float
    text: str
    label_x: float
    label_y: float
    label_width: float
    colour: int


@dataclass(frozen=True)
class DrawnSide:
    """One model's boxes over the thumbnail."""

    name: str
    boxes: tuple[DrawnBox, ...]


@dataclass(frozen=True)
class DrawnPicture:
    """A thumbnail with the boxes of each model."""

    name: str
    data_uri: str
    width: int
    height: int
    sides: tuple[DrawnSide, ...]


def draw(picture: Picture) -> DrawnPicture:
    """Return the thumbnail of *picture* with its boxes; a class has the same colour on both sides."""
    jpeg, width, height = thumbnail(picture.path, upright=picture.upright)
    labels = list(dict.fromkeys(shown.label for side in picture.sides for shown in side.detections))
    return DrawnPicture(
        name=picture.path.name,
        data_uri="data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii"),
        width=width,
        height=height,
        sides=tuple(_draw_side(side, labels, width, height) for side in picture.sides),
    )


def thumbnail(path: Path, *, upright: bool) -> tuple[bytes, int, int]:
    """Return (JPEG bytes, width, height) of the picture at *path*, *upright* or as stored, without camera metadata.

    Raises:
        InputError: it is not a picture.
    """
    from PIL import Image

    small = Image.fromarray(read_image(path, upright=upright))
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue(), small.width, small.height


def _draw_side(side: PictureSide, labels: Sequence[str], width: int, height: int) -> DrawnSide:
    boxes: list[DrawnBox] = []
    for shown in sorted(side.detections, key=lambda shown: -shown.score):  # the best get their place first
        boxes.append(_draw_box(shown, labels, (width, height), boxes))
    return DrawnSide(side.name, tuple(reversed(boxes)))  # and are drawn last, on top


def _draw_box(shown: Shown, labels: Sequence[str], size: tuple[int, int], placed: Sequence[DrawnBox]) -> DrawnBox:
    width, height = size
    y1, x1, y2, x2 = shown.box
    x, y, right, bottom = x1 * width, y1 * height, x2 * width, y2 * height
    text = f"{shown.label} {shown.score:.2f}"
    label_width = min(CHARACTER * len(text) + 8, float(width))
    taken = [(one.label_x, one.label_y, one.label_width, LABEL) for one in placed]
    label_x, label_y = place_label((x, y, right - x, bottom - y), (label_width, LABEL), size, taken)
    return DrawnBox(
        x=round(x, 1),
        y=round(y, 1),
        width=round(max(right - x, 1.0), 1),
        height=round(max(bottom - y, 1.0), 1),
        text=text,
        label_x=round(label_x, 1),
        label_y=round(label_y, 1),
        label_width=round(label_width, 1),
        colour=labels.index(shown.label) % COLOURS,
    )
