"""What a family tells the builder of its feature extractors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from detlite.runtime.errors import InputError

if TYPE_CHECKING:
    from detlite.convert.rebuild.detector_config import FeatureExtractor
    from detlite.convert.rebuild.network.graph import Network, Tensor

PARTS = ("fpn", "bifpn", "spaghettinet_arch_name")
"""Parts of a config that some feature extractors have and others refuse."""

SMALLEST_SIDE = 33
"""Pixels below which the OD API refuses an image for its MobileNets."""


@dataclass(frozen=True)
class Extractor:
    """One `feature_extractor { type }` of the OD API.

    Attributes:
        build: the feature maps of an image, the finest first.
        keras: whether it is one of TF2, whose checkpoints and predictors name their variables in their own way.
        smallest_side: of an image, in pixels.
        reads: the fields among `PARTS` that it takes; the OD API fails on the others, and so does detlite.
    """

    build: Callable[[Network, Tensor, FeatureExtractor], Sequence[Tensor]]
    keras: bool = False
    smallest_side: int = SMALLEST_SIDE
    reads: tuple[str, ...] = ()

    def check(self, config: FeatureExtractor) -> None:
        """Raise `InputError` where *config* sets a part that this extractor does not read."""
        for part in PARTS:
            if getattr(config, part) and part not in self.reads:
                raise InputError(f"{said(config)}: it has no {part}, and the config sets one: take it out")


def said(extractor: FeatureExtractor) -> str:
    """Return how an error begins: which feature extractor, and in which line where it stands in a file."""
    return f"feature_extractor {extractor.type}" + (f", line {extractor.line}" if extractor.line else "")
