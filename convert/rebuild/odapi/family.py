"""What a family of detectors has in common that its graphs do not say: how pixels are normalized."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from detlite.convert.rebuild.detector_config import Model
from detlite.convert.rebuild.network.center_net import CenterExtractor
from detlite.convert.rebuild.network.extractor import Extractor
from detlite.runtime.errors import ContractError, UnknownNameError, unknown_name
from detlite.runtime.plugins import load_plugin, plugin_names

FAMILIES = "detlite.convert.rebuild.odapi.families"
Found = TypeVar("Found")


@dataclass(frozen=True)
class Family:
    """Detectors with one feature extractor, as the TF Object Detection API builds it.

    Attributes:
        title: what it is called.
        paper: where it is described.
        scopes: how names of its graph nodes begin, in whole parts: `FeatureExtractor/MobilenetV2`.
        mean, std: for R, G, B: the network reads `(pixel - mean) / std` with pixels of 0..255.
        archives: the families of `detlite zoo list` that it covers, or single models of one, by name.
        extractors: its feature extractors, by the `type` that a `pipeline.config` names.
        center_nets: those of CenterNets.
        normalizes_gray: whether mean and std hold for a picture of one channel too.
        presets: whole detectors of it as the zoo trained them, by name, to be built without a config.
    """

    title: str
    paper: str
    scopes: tuple[str, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    archives: tuple[str, ...]
    extractors: Mapping[str, Extractor] = field(default_factory=dict)
    center_nets: Mapping[str, CenterExtractor] = field(default_factory=dict)
    normalizes_gray: bool = True
    presets: Mapping[str, Model] = field(default_factory=dict)

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
    for family in families():
        scopes = re.compile(rf"(?:^|/)(?:{'|'.join(map(re.escape, family.scopes))})(?:/|$)")
        count = sum(1 for name in names if scopes.search(name))
        if count > most:
            best, most = family, count
    return best


def family_of_archive(archive: str) -> str | None:
    """Return the name of the family that covers *archive*, a family or a model of the catalogue; else None."""
    for name in family_names():
        if archive in load_family(name).archives:
            return name
    return None


def family_of_extractor(kind: str, line: int, source: str) -> tuple[Family, Extractor]:
    """Return the family that has the feature extractor *kind* of an SSD, and how that is built.

    Args:
        kind: `type` of a `feature_extractor`.
        line: where that stands.
        source: in which file.

    Raises:
        UnknownNameError: no family has it.
    """
    known = {name: (family, one) for family in families() for name, one in family.extractors.items()}
    return _known(known, kind, f"{source}, line {line}")


def family_of_center_net(kind: str, line: int, source: str) -> tuple[Family, CenterExtractor]:
    """Return the same for the feature extractor *kind* of a CenterNet."""
    known = {name: (family, one) for family in families() for name, one in family.center_nets.items()}
    return _known(known, kind, f"{source}, line {line}")


def preset(name: str) -> Model:
    """Return the detector that the preset *name* describes.

    Raises:
        UnknownNameError: no family has such a preset.
    """
    known = {name: model for family in families() for name, model in family.presets.items()}
    if name not in known:
        raise unknown_name("preset", name, known)
    return known[name]


def families() -> list[Family]:
    """Return all families there are."""
    return [load_family(name) for name in family_names()]


def _known(known: Mapping[str, tuple[Family, Found]], kind: str, place: str) -> tuple[Family, Found]:
    if kind not in known:
        raise UnknownNameError(f"{place}: {unknown_name('feature extractor', kind, known)}")
    return known[kind]
