"""Which of many images to calibrate with: those that together are most like all of them.

Each image belongs to strata: the classes and sizes of its objects where they are labelled, the cluster of its content
where they are not, and a fifth by brightness. Images are taken one by one, each time the one with which the strata's
shares among those taken come nearest to their shares among all (Sechidis et al., On the Stratification of Multi-label
Data, ECML 2011; Welling, Herding Dynamical Weights to Learn, ICML 2009). The first n of them are a choice of n.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.content import clusters, content
from detlite.calibration.image_source import Object
from detlite.calibration.thumbnail import Thumbnails

Strata = NDArray[np.float64]
"""float64 (images, strata): 1 where the image belongs to the stratum."""

SIZES = (32**2 / (640 * 480), 96**2 / (640 * 480))
"""Shares of an image below which objects are small, and medium: COCO's areas, in its most frequent size of image."""

FIFTHS = 5
CLUSTER_IMAGES = 8  # on average
MOST_CLUSTERS = 32


def label_strata(objects: Sequence[tuple[Object, ...]]) -> Strata:
    """Return the strata by class, and by size of object, of images with these *objects*."""
    names = {name: column for column, name in enumerate(sorted({one.name for image in objects for one in image}))}
    strata = np.zeros((len(objects), len(names) + len(SIZES) + 1))
    for row, image in enumerate(objects):
        for one in image:
            strata[row, names[one.name]] = 1
            if one.area is not None:
                strata[row, len(names) + int(np.searchsorted(SIZES, one.area, side="right"))] = 1
    return strata


def content_strata(images: Thumbnails) -> Strata:
    """Return the strata by cluster of content of *images*."""
    count = min(MOST_CLUSTERS, max(1, len(images) // CLUSTER_IMAGES))
    return np.eye(count)[clusters(content(images), count)]


def brightness_strata(images: Thumbnails) -> Strata:
    """Return the strata by brightness of *images*: fifths of them, from dark to bright."""
    order = np.argsort(images.mean(axis=(1, 2, 3)), kind="stable")
    strata = np.zeros((len(images), FIFTHS))
    strata[order, np.arange(len(images)) * FIFTHS // len(images)] = 1
    return strata


def stratified(strata: Strata, count: int, seed: int) -> list[int]:
    """Return the numbers of at most *count* images that are most like all, in the order in which they are taken.

    *seed* decides where several are as good.
    """
    shares = strata.mean(axis=0)
    weights = 1 / np.maximum(shares * (1 - shares), 1 / (4 * len(strata)))  # 1 / variance: a rare class counts too
    order = list(range(len(strata)))
    # S311: a seeded choice must be repeatable, and need not be secret
    random.Random(seed).shuffle(order)  # noqa: S311
    shuffled = strata[order]
    own = (shuffled**2) @ weights
    taken, free, chosen = np.zeros(strata.shape[1]), np.full(len(strata), 0.0), []
    for turn in range(1, min(count, len(strata)) + 1):
        cost = own + 2 * shuffled @ (weights * (taken - turn * shares)) + free
        best = int(np.argmin(cost))
        taken += shuffled[best]
        free[best] = np.inf
        chosen.append(order[best])
    return chosen
