"""A contract's description of one tensor: its dtype, its quantization, and the meaning of an output."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Tuple

from detlite.runtime.errors import ContractError
from detlite.runtime.fields import check_types, one_of

DTYPES = ("float32", "uint8", "int8")
INDEX_DTYPES = ("int32", "int64")
"""Additional dtypes for outputs that hold class indices; never quantized."""


@dataclass(frozen=True)
class Quantization:
    """One scale and zero point for a whole tensor: `real = scale * (quantized - zero_point)`."""

    scale: float
    zero_point: int

    def __post_init__(self) -> None:
        check_types(self)
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise ContractError(f"a scale of {self.scale}: it must be a finite number over 0")


@dataclass(frozen=True)
class Output:
    """One output tensor of the model.

    Attributes:
        role: its meaning, one of the roles of the contract's task.
        name: the tensor's name.
        index: its place among the model's outputs, from 0.
        shape: with the batch, the number of images in one run, as its first side.
        dtype: one of `DTYPES`, or of `INDEX_DTYPES`.
        quantization: of an integer output; None if its numbers are used as they are.
    """

    role: str
    name: str
    index: int
    shape: Tuple[int, ...]
    dtype: str
    quantization: Optional[Quantization] = None

    def __post_init__(self) -> None:
        check_types(self)
        one_of("an output's dtype", self.dtype, DTYPES + INDEX_DTYPES)
        if self.index < 0:
            raise ContractError(f"output {self.role} is number {self.index}; want 0 or more")


def quantization_from_record(record: Optional[Mapping[str, Any]]) -> Optional[Quantization]:
    """Return the quantization in the contract's JSON *record*, if there is one."""
    return None if record is None else Quantization(float(record["scale"]), int(record["zero_point"]))


def output_from_record(record: Mapping[str, Any]) -> Output:
    """Return the output in the contract's JSON *record*."""
    known = dict(record)
    known["shape"] = tuple(int(side) for side in known["shape"])
    known["quantization"] = quantization_from_record(known["quantization"])
    return Output(**known)
