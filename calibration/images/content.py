"""Descriptors of image content: the places of colours and of edge directions, in a few numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.images.thumbnail import SIDE, Thumbnails
from detlite.runtime.image.preprocess import LUMA

Descriptors = NDArray[np.float64]

COLOUR_CELLS, GRADIENT_CELLS = 4, 2  # along each side
DIRECTIONS = 8
ROUNDS = 25  # maximum rounds of k-means; it settles in about ten


def content(images: Thumbnails) -> Descriptors:
    """Return a descriptor for each of *images*: float64 (n, 80), values within about 0..1.

    The mean colour of each cell of 4 x 4, and in each cell of 2 x 2 a histogram of the directions of the gradient.
    """
    real = images.astype(np.float64) / 255
    return np.concatenate([_cells(real, COLOUR_CELLS), _gradients(real @ LUMA.astype(np.float64))], axis=1)


def clusters(descriptors: Descriptors, count: int) -> NDArray[np.intp]:
    """Return, intp (n,), the cluster of each of *descriptors*, by k-means from a farthest-point start.

    It is deterministic (Gonzalez, Clustering to Minimize the Maximum Intercluster Distance, 1985).
    """
    centres = descriptors[_farthest(descriptors, count)]
    found = _nearest(descriptors, centres)
    for _round in range(ROUNDS):
        centres = np.stack([_mean_of(descriptors, found == one, centres[one]) for one in range(count)])
        before, found = found, _nearest(descriptors, centres)
        if (before == found).all():
            break
    return found


def _cells(values: NDArray[Any], cells: int) -> Descriptors:
    side = SIDE // cells
    blocks = values.reshape(len(values), cells, side, cells, side, -1)
    means: Descriptors = blocks.mean(axis=(2, 4)).reshape(len(values), -1)
    return means


def _gradients(grey: NDArray[np.float64]) -> Descriptors:
    down, across = np.gradient(grey, axis=(1, 2))
    size = np.hypot(down, across)
    direction = ((np.arctan2(down, across) / np.pi % 1) * DIRECTIONS).astype(np.intp) % DIRECTIONS
    return np.sqrt(_cells(np.eye(DIRECTIONS)[direction] * size[..., None], GRADIENT_CELLS))


def _farthest(descriptors: Descriptors, count: int) -> list[int]:
    """Return *count* numbers: first of the descriptor nearest to the mean, then each time of the farthest from them."""
    chosen = [int(np.argmin(_squares(descriptors, descriptors.mean(axis=0))))]
    distance = _squares(descriptors, descriptors[chosen[0]])
    while len(chosen) < count:
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, _squares(descriptors, descriptors[chosen[-1]]))
    return chosen


def _squares(descriptors: Descriptors, point: NDArray[np.float64]) -> NDArray[np.float64]:
    squares: NDArray[np.float64] = ((descriptors - point) ** 2).sum(axis=1)
    return squares


def _nearest(descriptors: Descriptors, centres: Descriptors) -> NDArray[np.intp]:
    nearest: NDArray[np.intp] = np.stack([_squares(descriptors, centre) for centre in centres]).argmin(axis=0)
    return nearest


def _mean_of(descriptors: Descriptors, mask: NDArray[np.bool_], empty: NDArray[np.float64]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = descriptors[mask].mean(axis=0) if mask.any() else empty
    return mean
