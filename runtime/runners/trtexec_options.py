"""trtexec's options by TensorRT's version, so that versions are measured alike.

From 11 on, trtexec leaves out data transfers, waits by spinning and uses CUDA graphs unless told otherwise; before, it
did so only if told. And networks are strongly typed: there is no --fp16, --int8 or --best any more.
"""

from __future__ import annotations

import re
from typing import Mapping, Optional, Tuple

from detlite.runtime.errors import InputError

STRONGLY_TYPED = 11
"""The first version that computes in the types that the .onnx states, and in no others."""

AS_WRITTEN = "as written"
"""The precision of an engine that computes in the types of its .onnx."""

PRECISIONS: Mapping[str, Tuple[str, ...]] = {"fp32": (), "fp16": ("--fp16",), "int8": ("--int8", "--fp16")}
"""What an engine may compute in, before version 11."""

DEFAULT_PRECISION = "fp16"
AS_BEFORE = ("--includeDataTransfers", "--noSpinWait", "--noCudaGraph")
VERSION = re.compile(r"\[TensorRT v(\d{4,6})\]")


def version_in(said: str) -> Optional[Tuple[int, int, int]]:
    """Return the version in trtexec's banner, which is 8502 for 8.5.2 and 100300 for 10.3.0; None without a banner."""
    match = VERSION.search(said)
    if match is None:
        return None
    digits, long = int(match[1]), len(match[1]) > 4
    return digits // (10_000 if long else 1000), digits // 100 % (100 if long else 10), digits % 100


def measuring_options(major: Optional[int]) -> Tuple[str, ...]:
    """Return what version *major* (None if unknown) needs to measure as versions before 11 do."""
    return AS_BEFORE if major is not None and major >= STRONGLY_TYPED else ()


def building_options(major: Optional[int], precision: Optional[str]) -> Tuple[str, Tuple[str, ...]]:
    """Return the precision of an engine that version *major* builds, and the options for it.

    Args:
        major: TensorRT's version; None if unknown, which is taken for one before 11.
        precision: one of `PRECISIONS` if it is asked for.

    Raises:
        InputError: the version has no such choice.
    """
    if major is None or major < STRONGLY_TYPED:
        chosen = precision or DEFAULT_PRECISION
        return chosen, PRECISIONS[chosen]
    if precision is not None:
        raise InputError(
            f"TensorRT {major} computes in the types that the .onnx states, so it has no --precision {precision}: "
            "leave it out, and give an .onnx with float16 weights, or with QuantizeLinear nodes for int8"
        )
    return AS_WRITTEN, ()
