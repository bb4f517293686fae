"""The description of a family of detectors: its normalization, feature extractors and presets."""

from __future__ import annotations

import importlib.util
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from detlite.convert.rebuild.detector_config import DetectorConfig
from detlite.convert.rebuild.network.center_net import CenterExtractor
from detlite.convert.rebuild.network.extractor import Extractor
from detlite.convert.rebuild.network.faster_rcnn import TwoStageExtractor
from detlite.runtime.errors import ContractError, InputError, UnknownNameError, unknown_name
from detlite.runtime.plugins import load_plugin, plugin_names

FAMILIES = "detlite.convert.rebuild.odapi.families"
Found = TypeVar("Found")


@dataclass(frozen=True)
class Family:
    """The detectors with one kind of backbone, as the TF Object Detection API builds them.

    Attributes:
        title: the name shown to users.
        paper: the source that describes it.
        scopes: scopes of its graph nodes: `FeatureExtractor/MobilenetV2`.
        mean: for R, G, B: the network reads `(pixel - mean) / std`, with pixels in 0..255.
        std: see *mean*.
        archives: the families, or single models, of `detlite zoo list` that it covers, by name.
        extractors: the feature extractors of its SSDs, by the `type` in a `pipeline.config`.
        center_nets: the feature extractors of its CenterNets, by `type`.
        two_stage: the feature extractors of its two-stage detectors, by `type`.
        normalizes_gray: whether mean and std also apply to grayscale images.
        presets: complete detectors as the zoo trained them, by name, for building without a config.
    """

    title: str
    paper: str
    scopes: tuple[str, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    archives: tuple[str, ...]
    extractors: Mapping[str, Extractor] = field(default_factory=dict)
    center_nets: Mapping[str, CenterExtractor] = field(default_factory=dict)
    two_stage: Mapping[str, TwoStageExtractor] = field(default_factory=dict)
    normalizes_gray: bool = True
    presets: Mapping[str, DetectorConfig] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.scopes or not all(self.scopes):
            raise ContractError(f"the family {self.title} names no scope, by which its graphs would be recognized")
        if not all(map(math.isfinite, self.mean)) or not all(math.isfinite(s) and s > 0 for s in self.std):
            raise ContractError(f"the family {self.title}: want finite means and stds above 0")


def family_names() -> tuple[str, ...]:
    """Return the names of all families, which are the names of the files in `families/`."""
    return plugin_names(FAMILIES)


def load_family(name: str) -> Family:
    """Return the family *name*; raise `UnknownNameError` if there is no such file."""
    family: Family = load_plugin(FAMILIES, name)
    return family


def family_of_scope(node_names: Iterable[str]) -> Family | None:
    """Return the family with the most nodes among *node_names*, or None if no family has any.

    A family's scope may be inside others, as in a SavedModel's graph (`StatefulPartitionedCall/.../<scope>/...`).
    """
    names = list(node_names)
    best, most = None, 0
    for family in families():
        scopes = re.compile(rf"(?:^|/)(?:{'|'.join(map(re.escape, family.scopes))})(?:/|$)")
        count = sum(1 for name in names if scopes.search(name))
        if count > most:
            best, most = family, count
    return best


def family_normalization(node_names: Iterable[str]) -> tuple[str, tuple[float, ...], tuple[float, ...]]:
    """Return (title of the family, mean, std) for the graph with these nodes.

    Raises:
        InputError: no family has these scopes.
    """
    names = list(node_names)
    family = family_of_scope(names)
    if family is None:
        scopes = sorted({"/".join(name.split("/")[:2]) for name in names if name.startswith("FeatureExtractor/")})
        raise InputError(
            f"the graph has no preprocessing, and no family has its scopes {scopes[:3]}: give the "
            "frozen_inference_graph.pb of the same model, which includes the preprocessing"
        )
    return family.title, family.mean, family.std


def family_of_archive(archive: str) -> str | None:
    """Return the name of the family that covers *archive* (a family or model of the catalogue), or None."""
    for name in family_names():
        if archive in load_family(name).archives:
            return name
    return None


def family_of_extractor(kind: str, line: int, source: str) -> tuple[Family, Extractor]:
    """Return the SSD feature extractor *kind* and its family.

    Args:
        kind: the `type` of a `feature_extractor`.
        line: the line of that field, for errors.
        source: the name of the config, for errors.

    Raises:
        UnknownNameError: no family has it.
    """
    return _family_with(lambda family: family.extractors, kind, f"{source}, line {line}")


def family_of_center_net(kind: str, line: int, source: str) -> tuple[Family, CenterExtractor]:
    """Return the CenterNet feature extractor *kind* and its family; see `family_of_extractor`."""
    return _family_with(lambda family: family.center_nets, kind, f"{source}, line {line}")


def family_of_two_stage(kind: str, line: int, source: str) -> tuple[Family, TwoStageExtractor]:
    """Return the two-stage feature extractor *kind* and its family; see `family_of_extractor`."""
    return _family_with(lambda family: family.two_stage, kind, f"{source}, line {line}")


def preset(name: str) -> DetectorConfig:
    """Return the config of the preset *name*.

    Raises:
        UnknownNameError: no family has such a preset.
    """
    for family in _likely_first(name):
        if name in family.presets:
            return family.presets[name]
    known = sorted(known for family in families() for known in family.presets)
    raise UnknownNameError(f"{unknown_name('preset', name, known)}; the presets are {', '.join(known)}")


def families() -> list[Family]:
    """Return all families."""
    return [load_family(name) for name in family_names()]


def _family_with(parts: Callable[[Family], Mapping[str, Found]], kind: str, place: str) -> tuple[Family, Found]:
    for family in _likely_first(kind):
        if kind in parts(family):
            return family, parts(family)[kind]
    known = [name for family in families() for name in parts(family)]
    raise UnknownNameError(f"{place}: {unknown_name('feature extractor', kind, known)}")


def _likely_first(text: str) -> Iterator[Family]:
    """Yield all families, those whose files name *text* first, as importing a family imports all its layers."""
    names = family_names()
    likely = [name for name in names if f'"{text}"' in _source(name)]
    for name in (*likely, *(name for name in names if name not in likely)):
        yield load_family(name)


def _source(name: str) -> str:
    """Return the text of the family's file, which is not imported."""
    spec = importlib.util.find_spec(f"{FAMILIES}.{name}")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")
