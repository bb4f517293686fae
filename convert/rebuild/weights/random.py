"""Random weights, to measure the latency and operator mapping of an untrained model family."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np

from detlite.convert.rebuild.weights.unused_variables import UnusedVariables
from detlite.convert.rebuild.weights.weights import Name, Weights, names_of
from detlite.runtime.arrays import Floats

DEPTHWISE = ("depthwise_weights", "depthwise_kernel")
KERNELS = ("weights", "kernel", "pointwise_weights", "pointwise_kernel")
RARE_CLASS_BIAS = -4.6  # log(0.01 / 0.99): Lin et al., Focal Loss, 3.3; otherwise every anchor detects something
RANGE = {"min": 0.0, "max": 6.0}  # the initial range of fake quantization, and the range of ReLU6


class RandomWeights(Weights):
    """Random values for a variable of any name and shape, reproducible from the seed and the name.

    Kernels are He-normal (He et al., Delving Deep into Rectifiers, 2015), so that activations neither vanish nor
    explode; batch normalization is close to the identity. `has` is always False, so optional variables are left out.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def take(self, name: Name, shape: Sequence[int]) -> Floats:
        """Return random values for the first of the names; see `Weights.take`."""
        first, size = names_of(name)[0], tuple(shape)
        digest = hashlib.sha256(f"{self.seed} {first}".encode()).digest()
        return _values(np.random.default_rng(int.from_bytes(digest[:16], "big")), first, size)

    def has(self, name: Name) -> bool:  # noqa: ARG002  # nothing is stored under any name
        """Return False."""
        return False

    def shape_of(self, name: Name) -> tuple[int, ...] | None:  # noqa: ARG002  # as above
        """Return None."""
        return None

    def finish(self, *, config: str = "pipeline.config") -> UnusedVariables:  # noqa: ARG002  # values fit any config
        """Return that no variable is unused."""
        return UnusedVariables()


def _values(random: np.random.Generator, name: str, shape: tuple[int, ...]) -> Floats:
    last = name.rsplit("/", 1)[-1].rsplit(".", 1)[-1]
    if last in DEPTHWISE:
        value = random.standard_normal(shape) * math.sqrt(2 / math.prod(shape[:2]))
    elif last in KERNELS:
        value = random.standard_normal(shape) * math.sqrt(2 / math.prod(shape[:-1]))
    elif last == "weight" and len(shape) > 1:  # PyTorch's layout: the inputs are all sides but the first
        value = random.standard_normal(shape) * math.sqrt(2 / math.prod(shape[1:]))
    elif last in ("gamma", "weight", "moving_variance", "running_var"):
        value = random.uniform(0.8, 1.2, shape)
    elif last in RANGE:
        value = np.full(shape, RANGE[last])
    elif last == "bifpn_combine_weights":
        value = np.ones(shape)  # the initial value in fast normalized fusion: Tan et al., EfficientDet, 3.3
    else:
        rare = RARE_CLASS_BIAS if last in ("bias", "biases") and "class" in name.lower() else 0.0
        value = random.standard_normal(shape) * 0.1 + rare
    return np.asarray(value, np.float32)
