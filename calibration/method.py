"""What a quantization method is; each is one file in `calibration/methods/`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Samples = Callable[[], Iterator[NDArray[Any]]]
"""Gives, each time it is called, the model's float32 input [1, H, W, C] for each calibration image."""


@dataclass(frozen=True)
class Method:
    """One way to quantize; its name is its file's name.

    Attributes:
        title: what it does, in one line.
        source: the paper or program that it follows.
        quantize: the int8 model, int8 outside too, of a float32 TFLite model with raw heads and its samples.
    """

    title: str
    source: str
    quantize: Callable[[bytes, Samples], bytes]
