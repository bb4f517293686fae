"""Families built with random weights: what a test asks of the network and of its TFLite file."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from builders.asked_weights import AskedWeights
from detlite.convert.exporters.tflite import to_tflite
from detlite.convert.rebuild.detector_config import Ssd, WeightSharedPredictor
from detlite.convert.rebuild.network.built_network import BOX_ENCODINGS, CLASS_SCORES, BuiltNetwork
from detlite.convert.rebuild.network.ssd import build_ssd
from detlite.convert.rebuild.odapi.family import family_of_extractor, preset
from detlite.convert.tflite.describe import describe


def thin(name: str, **fields: Any) -> Ssd:
    """The preset *name* with few channels and one class: the same layers, converted in a second."""
    whole = preset(name)
    assert isinstance(whole, Ssd)
    extractor = replace(whole.extractor, depth_multiplier=0.5, min_depth=8, **fields)
    predictor = whole.predictor
    if isinstance(predictor, WeightSharedPredictor):
        predictor = replace(predictor, depth=8)
    return replace(whole, classes=1, extractor=extractor, predictor=predictor)


@lru_cache(maxsize=4)
def build(model: Ssd, size: tuple[int, int]) -> tuple[BuiltNetwork, AskedWeights]:
    """*model* for images of *size*, and what it asked for; the last ones are kept, as tests ask again for the same."""
    weights = AskedWeights()
    _, extractor = family_of_extractor(model.extractor.type, model.extractor.line, "a test")
    return build_ssd(model, extractor, weights, size), weights


def operators(built: BuiltNetwork) -> dict[str, int]:
    """How many operators of each kind the float TFLite file has."""
    return dict(describe(to_tflite(built.graph_def, (BOX_ENCODINGS, CLASS_SCORES)), "built").operators)
