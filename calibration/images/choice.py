"""Choice of calibration images: those that together best represent all images.

Each image belongs to strata: the classes and sizes of its objects if they are labelled, otherwise the cluster of its
content, and a fifth by brightness. Images are taken one by one, each time the one that brings the strata's
shares among those taken closest to their target shares (Sechidis et al., On the Stratification of
Multi-label Data, ECML 2011; Welling, Herding Dynamical Weights to Learn, ICML 2009). The first n are a choice of n.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detlite.accuracy.dataset import Object
from detlite.calibration.images.content import clusters, content
from detlite.calibration.images.thumbnail import Thumbnails


@dataclass(frozen=True, eq=False)
class Strata:
    """The strata that images belong to.

    Attributes:
        members: float64 (images, strata): 1 if the image belongs to the stratum.
        shares: float64 (strata,): each stratum's target share of the chosen images.
    """

    members: NDArray[np.float64]
    shares: NDArray[np.float64]

    def __or__(self, other: Strata) -> Strata:
        """Return these strata together with *other*'s, for the same images."""
        members = np.concatenate([self.members, other.members], axis=1)
        return Strata(members, np.concatenate([self.shares, other.shares]))


SIZES = (32**2 / (640 * 480), 96**2 / (640 * 480))
"""Shares of an image below which objects are small and medium: COCO's areas, in its most frequent image size."""

FIFTHS = 5
CLUSTER_IMAGES = 8  # on average
MOST_CLUSTERS = 32

EVENNESS = 0.75
"""1 takes clusters as they are. Fidelity of SSDLite MobileNet V2 with 8, 16 and 32 images of COCO, 12 seeds each,
against a random choice: -0.06 with 1, -0.04 with 0.75, -0.31 with 0.5 (too many outliers), each +-0.08."""


def label_strata(objects: Sequence[tuple[Object, ...]]) -> Strata:
    """Return the strata by class and by object size for images with these *objects*, with their actual shares."""
    names = {name: column for column, name in enumerate(sorted({one.name for image in objects for one in image}))}
    members = np.zeros((len(objects), len(names) + len(SIZES) + 1))
    for row, image in enumerate(objects):
        for one in image:
            members[row, names[one.name]] = 1
            if one.area is not None:
                members[row, len(names) + int(np.searchsorted(SIZES, one.area, side="right"))] = 1
    return Strata(members, members.mean(axis=0))


def content_strata(images: Thumbnails, count: int) -> Strata:
    """Return the strata by content cluster of *images*, of which *count* are to be chosen.

    Shares are the clusters' sizes to the power of `EVENNESS`: a video's long scene gets more than a short
    one, but does not take everything.
    """
    most = min(MOST_CLUSTERS, count, max(1, len(images) // CLUSTER_IMAGES))
    members = np.eye(most)[clusters(content(images), most)]
    wanted = members.sum(axis=0) ** EVENNESS
    return Strata(members, wanted / wanted.sum())


def brightness_strata(images: Thumbnails) -> Strata:
    """Return the strata by brightness of *images*: fifths of them, from dark to bright."""
    order = np.argsort(images.mean(axis=(1, 2, 3)), kind="stable")
    members = np.zeros((len(images), FIFTHS))
    members[order, np.arange(len(images)) * FIFTHS // len(images)] = 1
    return Strata(members, members.mean(axis=0))


def stratified(strata: Strata, count: int, seed: int) -> list[int]:
    """Return the numbers of at most *count* images in the order in which they are chosen: see the module.

    *seed* decides between equally good images.
    """
    images, shares = len(strata.members), strata.shares
    weights = 1 / np.maximum(shares * (1 - shares), 1 / (4 * images))  # 1 / variance: a rare class counts too
    order = list(range(images))
    # S311: a seeded choice must be repeatable, and need not be secret
    random.Random(seed).shuffle(order)  # noqa: S311
    members = strata.members[order]
    own = (members**2) @ weights
    taken, free, chosen = np.zeros(len(shares)), np.zeros(images), []
    for turn in range(1, min(count, images) + 1):
        cost = own + 2 * members @ (weights * (taken - turn * shares)) + free
        best = int(np.argmin(cost))
        taken += members[best]
        free[best] = np.inf
        chosen.append(order[best])
    return chosen
