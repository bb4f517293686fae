"""What a family tells the builder of its feature extractors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detlite.convert.config.pipeline import FeatureExtractor
    from detlite.convert.network.graph import Network, Tensor

SMALLEST_SIDE = 33
"""Pixels below which the OD API refuses an image for its MobileNets."""


@dataclass(frozen=True)
class Extractor:
    """One `feature_extractor { type }` of the OD API.

    Attributes:
        build: the feature maps of an image, the finest first.
        keras: whether it is one of TF2, whose checkpoints and predictors name their variables in their own way.
        smallest_side: of an image, in pixels.
    """

    build: Callable[[Network, Tensor, FeatureExtractor], Sequence[Tensor]]
    keras: bool = False
    smallest_side: int = SMALLEST_SIDE
