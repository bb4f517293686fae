"""Weights that nobody trained: to measure the latency and the mapping of a family before anyone trains it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np

from detlite.convert.rebuild.weights.left_over import LeftOver
from detlite.convert.rebuild.weights.weights import Name, Weights, names_of
from detlite.runtime.arrays import Floats

DEPTHWISE = ("depthwise_weights", "depthwise_kernel")
KERNELS = ("weights", "kernel", "pointwise_weights", "pointwise_kernel")
RARE_CLASS_BIAS = -4.6  # log(0.01 / 0.99): Lin et al., Focal Loss, 3.3; else all anchors detect something
RANGE = {"min": 0.0, "max": 6.0}  # what fake quantization starts with, and ReLU6 has


class RandomWeights(Weights):
    """Any variable of any shape, the same values for the same seed and name, in whatever order one asks.

    Kernels are He-normal (He et al., Delving Deep into Rectifiers, 2015), so that activations neither vanish nor
    explode; batch normalization is near the identity. Nothing is stored: `has` says no, which leaves out what is
    optional.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def take(self, name: Name, shape: Sequence[int]) -> Floats:
        """Return values for the first of the names; see `Weights.take`."""
        first, size = names_of(name)[0], tuple(shape)
        digest = hashlib.sha256(f"{self.seed} {first}".encode()).digest()
        return _values(np.random.default_rng(int.from_bytes(digest[:16], "big")), first, size)

    def has(self, name: Name) -> bool:  # noqa: ARG002  # nothing is stored, whatever it is called
        """Return False."""
        return False

    def shape_of(self, name: Name) -> tuple[int, ...] | None:  # noqa: ARG002  # as above
        """Return None."""
        return None

    def finish(self, *, config: str = "pipeline.config") -> LeftOver:  # noqa: ARG002  # random values fit any config
        """Return that nothing is left over."""
        return LeftOver()


def _values(random: np.random.Generator, name: str, shape: tuple[int, ...]) -> Floats:
    last = name.rsplit("/", 1)[-1]
    if last in DEPTHWISE:
        value = random.standard_normal(shape) * math.sqrt(2 / math.prod(shape[:2]))
    elif last in KERNELS:
        value = random.standard_normal(shape) * math.sqrt(2 / math.prod(shape[:-1]))
    elif last in ("gamma", "moving_variance"):
        value = random.uniform(0.8, 1.2, shape)
    elif last in RANGE:
        value = np.full(shape, RANGE[last])
    elif last == "bifpn_combine_weights":
        value = np.ones(shape)  # fast normalized fusion starts so: Tan et al., EfficientDet, 3.3
    else:
        rare = RARE_CLASS_BIAS if last in ("bias", "biases") and "class" in name.lower() else 0.0
        value = random.standard_normal(shape) * 0.1 + rare
    return np.asarray(value, np.float32)
