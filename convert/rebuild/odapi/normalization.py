"""Mean and std of a network whose graph begins after its preprocessing: a rule of its family."""

from __future__ import annotations

from collections.abc import Iterable

from detlite.convert.rebuild.odapi.family import family_of_scope
from detlite.runtime.errors import InputError


def family_normalization(node_names: Iterable[str]) -> tuple[str, tuple[float, ...], tuple[float, ...]]:
    """Return (family's title, mean, std) for the graph with these nodes.

    Raises:
        InputError: no family has such scopes.
    """
    names = list(node_names)
    family = family_of_scope(names)
    if family is None:
        scopes = sorted({"/".join(name.split("/")[:2]) for name in names if name.startswith("FeatureExtractor/")})
        raise InputError(
            f"the graph begins after its preprocessing, and no family is known by its scopes {scopes[:3]}: give the "
            "frozen_inference_graph.pb of the same model, which has its preprocessing"
        )
    return family.title, family.mean, family.std
