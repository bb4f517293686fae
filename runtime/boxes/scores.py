"""Score converters: from logits to scores."""

from __future__ import annotations

from typing import Callable, Dict, Mapping

import numpy as np

from detlite.runtime.arrays import Floats
from detlite.runtime.errors import ContractError
from detlite.runtime.fields import one_of

SCORES = "class_scores"
"""The role of the output that holds a score, or a logit, for each class."""

PLACES = ("model", "host")
"""Who does a step of post-processing: the model itself, or the host."""


def identity(logits: Floats) -> Floats:
    """Return *logits* as they are."""
    return logits


def sigmoid(logits: Floats) -> Floats:
    """Return 1 / (1 + exp(-x)), without overflow."""
    low = np.exp(-np.abs(logits))
    scores: Floats = np.where(logits >= 0, 1 / (1 + low), low / (1 + low)).astype(np.float32)
    return scores


def softmax(logits: Floats) -> Floats:
    """Return exp(x) over its sum along the last axis, without overflow."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    scores: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return scores


CONVERTERS: Dict[str, Callable[[Floats], Floats]] = {
    "IDENTITY": identity,
    "SIGMOID": sigmoid,
    "SOFTMAX": softmax,
}


def check_scores(converter: str, place: str, label_offset: int = 0) -> None:
    """Raise ContractError unless a task may say this of its scores."""
    one_of("the score converter", converter, tuple(CONVERTERS))
    one_of("where scores are converted", place, PLACES)
    if label_offset not in (0, 1):
        raise ContractError(f"a label offset of {label_offset}: it must be 0 or 1")


def with_scores(heads: Mapping[str, Floats], converter: str, place: str) -> Mapping[str, Floats]:
    """Return *heads* by role with scores in place of logits, where *place* says that the host converts them."""
    if place != "host" or SCORES not in heads:
        return heads
    return {**heads, SCORES: CONVERTERS[converter](heads[SCORES])}
