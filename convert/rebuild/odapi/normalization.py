"""The normalization of a graph without preprocessing, known from its family."""

from __future__ import annotations

from collections.abc import Iterable

from detlite.convert.rebuild.odapi.family import family_of_scope
from detlite.runtime.errors import InputError


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
