"""What a family of detectors has in common that its graphs do not say: how pixels are normalized."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from detlite.runtime.errors import ContractError
from detlite.runtime.plugins import load_plugin, plugin_names

FAMILIES = "detlite.convert.families"


@dataclass(frozen=True)
class Family:
    """Detectors with one feature extractor, as the TF Object Detection API builds it.

    Attributes:
        title: what it is called.
        paper: where it is described.
        scopes: how names of its graph nodes begin, in whole parts: `FeatureExtractor/MobilenetV2`.
        mean, std: for R, G, B: the network reads `(pixel - mean) / std` with pixels of 0..255.
        archives: the families of `detlite zoo list` that it covers.
    """

    title: str
    paper: str
    scopes: tuple[str, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    archives: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.scopes or not all(self.scopes):
            raise ContractError(f"the family {self.title} names no scope: its graphs could not be recognized")
        if not all(map(math.isfinite, self.mean)) or not all(math.isfinite(s) and s > 0 for s in self.std):
            raise ContractError(f"the family {self.title}: want finite means and stds over 0")


def family_names() -> tuple[str, ...]:
    """Return the names of all families: those of the files in `families/`."""
    return plugin_names(FAMILIES)


def load_family(name: str) -> Family:
    """Return the family *name*; `UnknownNameError` where there is no such file."""
    family: Family = load_plugin(FAMILIES, name)
    return family


def family_of_scope(node_names: Iterable[str]) -> Family | None:
    """Return the family whose scope is in *node_names*, or None where no family's is.

    A scope may stand under others, as in a SavedModel's graph (`StatefulPartitionedCall/.../<scope>/...`).
    The family with the most nodes wins.
    """
    names = list(node_names)
    best, most = None, 0
    for family in map(load_family, family_names()):
        scopes = re.compile(rf"(?:^|/)(?:{'|'.join(map(re.escape, family.scopes))})(?:/|$)")
        count = sum(1 for name in names if scopes.search(name))
        if count > most:
            best, most = family, count
    return best


def family_of_archive(catalogue_family: str) -> str | None:
    """Return the name of the family that covers *catalogue_family* (`ssd_mobilenet_v1_fpn`), or None."""
    for name in family_names():
        if catalogue_family in load_family(name).archives:
            return name
    return None
