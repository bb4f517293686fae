"""Where the text of a box goes in a picture: inside the picture, and over as little of the other texts as can be."""

from __future__ import annotations

from typing import Sequence, Tuple

Rectangle = Tuple[float, float, float, float]
"""(x, y, width, height) in pixels; (x, y) is the top left corner."""


def place_label(
    box: Rectangle, label: Tuple[float, float], picture: Tuple[float, float], taken: Sequence[Rectangle]
) -> Tuple[float, float]:
    """Return the top left corner for the label of *box*.

    Six places at the corners of the box are tried; the one that covers least of the labels placed before wins.

    Args:
        box: what the label belongs to; it may reach over the edges of the picture.
        label: (width, height) of the label, in pixels; a label wider than the picture begins at its left edge.
        picture: (width, height) of the picture, in pixels.
        taken: the labels placed before.
    """
    x, y, box_width, box_height = box
    right, bottom = x + box_width, y + box_height
    width, height = label
    corners = ((x, y - height), (x, y), (right - width, y), (x, bottom - height), (x, bottom), (x, y + height))
    places = [(_within(at, picture[0] - width), _within(down, picture[1] - height)) for at, down in corners]
    return min(places, key=lambda place: _covered((*place, *label), taken))


def _within(value: float, most: float) -> float:
    return min(max(value, 0.0), max(most, 0.0))


def _covered(label: Rectangle, taken: Sequence[Rectangle]) -> float:
    """Return how much of the *taken* places *label* covers, in square pixels."""
    return sum(_overlap(label[0], label[2], x, w) * _overlap(label[1], label[3], y, h) for x, y, w, h in taken)


def _overlap(start: float, length: float, other_start: float, other_length: float) -> float:
    return max(0.0, min(start + length, other_start + other_length) - max(start, other_start))
