"""The description of a feature extractor that a family gives to the network builder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from detlite.runtime.errors import InputError

if TYPE_CHECKING:
    from detlite.convert.rebuild.detector_config import FeatureExtractor
    from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor

PARTS = ("fpn", "bifpn", "spaghettinet_arch_name")
"""Parts of a config that only some feature extractors have."""

SMALLEST_SIDE = 33
"""The smallest image side in pixels that the OD API accepts for its MobileNets."""


@dataclass(frozen=True)
class Extractor:
    """One `feature_extractor { type }` of the OD API.

    Attributes:
        build: returns the feature maps of an image, finest first.
        keras: whether it is a TF2 extractor, whose checkpoints and predictors use other variable names.
        smallest_side: the smallest image side, in pixels.
        reads: the fields in `PARTS` that it uses; the others are an error, as in the OD API.
    """

    build: Callable[[GraphBuilder, Tensor, FeatureExtractor], Sequence[Tensor]]
    keras: bool = False
    smallest_side: int = SMALLEST_SIDE
    reads: tuple[str, ...] = ()

    def check(self, config: FeatureExtractor) -> None:
        """Raise `InputError` if *config* sets a part that this extractor does not use."""
        for part in PARTS:
            if getattr(config, part) and part not in self.reads:
                raise InputError(f"{where(config)}: it has no {part}; remove {part} from the config")


def where(extractor: FeatureExtractor) -> str:
    """Return the start of an error message: the type of the feature extractor and, if known, its line."""
    return f"feature_extractor {extractor.type}" + (f", line {extractor.line}" if extractor.line else "")
