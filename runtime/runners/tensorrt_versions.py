"""What each version of TensorRT takes: its ONNX importer, and the options of `trtexec`. The one table of its versions.

Sources: `docs/operators.md` and `docs/Changelog.md` of onnx/onnx-tensorrt, CHANGELOG.md and trtexec of NVIDIA/TensorRT.
From 11 on, trtexec leaves out data transfers, waits by spinning and uses CUDA graphs unless told otherwise; before, it
did so only if told. And networks are strongly typed: there is no --fp16, --int8 or --best any more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Mapping, Optional, Tuple

from detlite.runtime.errors import InputError

AS_WRITTEN = "as written"
"""The precision of an engine that computes in the types of its .onnx."""

PRECISIONS: Mapping[str, Tuple[str, ...]] = {"fp32": (), "fp16": ("--fp16",), "int8": ("--int8", "--fp16")}
"""What an engine may compute in, before version 11."""

AS_BEFORE = ("--includeDataTransfers", "--noSpinWait", "--noCudaGraph")
LAYERS_NAMED = "--profilingVerbosity=detailed"
BANNER = re.compile(r"\[TensorRT v(\d{4,6})\]")
WRITTEN = re.compile(r"\d{1,3}(\.\d{1,5}){1,3}")


@dataclass(frozen=True)
class TensorRtVersion:
    """What TensorRT takes from one version on, until the next row of the table.

    Attributes:
        since: the first such version: (major, minor).
        jetpack: NVIDIA's release for Jetson boards that has it; empty if there is none.
        opset: the newest ONNX operator set that its importer documents.
        build_only: trtexec's option that builds an engine without running it.
        has_layer_info: whether trtexec tells what each layer of an engine computes in.
        has_nms: whether ONNX's NonMaxSuppression gives what ONNX says; before, its output was padded.
        has_class_agnostic: whether the plug-in EfficientNMS_TRT has that attribute.
        has_uint8: whether an input may be uint8.
        is_strongly_typed: whether it computes in the types that the .onnx states, and in no others.
    """

    since: Tuple[int, int]
    jetpack: str
    opset: int
    build_only: str = "--skipInference"
    has_layer_info: bool = True
    has_nms: bool = True
    has_class_agnostic: bool = True
    has_uint8: bool = True
    is_strongly_typed: bool = False

    @property
    def title(self) -> str:
        """Its first version and its JetPack, for people."""
        major, minor = self.since
        return f"{major}.{minor}" + (f" (JetPack {self.jetpack})" if self.jetpack else "")


_OLDEST = TensorRtVersion(
    since=(8, 0),
    jetpack="4.6",
    opset=13,
    build_only="--buildOnly",
    has_layer_info=False,
    has_nms=False,
    has_class_agnostic=False,
    has_uint8=False,
)
TABLE = (
    _OLDEST,
    replace(_OLDEST, since=(8, 2), jetpack="4.6.1", has_layer_info=True),
    replace(_OLDEST, since=(8, 4), jetpack="5.0", has_layer_info=True),
    TensorRtVersion((8, 5), "5.1", 17, "--buildOnly", has_class_agnostic=False),
    TensorRtVersion((8, 6), "6.0", 17),
    TensorRtVersion((10, 0), "", 20),
    TensorRtVersion((10, 3), "6.1", 20),
    TensorRtVersion((10, 13), "7.0", 20),
    TensorRtVersion((10, 15), "", 24),
    TensorRtVersion((11, 0), "", 24, is_strongly_typed=True),
)


def row_of(version: Tuple[int, int]) -> TensorRtVersion:
    """Return what *version* (major, minor) takes.

    Raises:
        InputError: it is older than the table.
    """
    fitting = [row for row in TABLE if row.since <= version]
    if not fitting:
        raise InputError(f"TensorRT {version[0]}.{version[1]} is too old: want 8.0, of JetPack 4.6, or newer")
    return fitting[-1]


def known_row(version: Optional[Tuple[int, ...]]) -> Optional[TensorRtVersion]:
    """Return what *version* takes; None if it is None, or older than the table."""
    return None if version is None or version[:2] < TABLE[0].since else row_of((version[0], version[1]))


def parse_version(text: str) -> Tuple[int, int]:
    """Return (major, minor) of a version such as `10.3` or `10.3.0.30`.

    Raises:
        InputError: it is not written so.
    """
    if WRITTEN.fullmatch(text) is None:
        raise InputError(f"{text[:40]!r} is no version of TensorRT: want one such as 10.3")
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


def version_in(said: str) -> Optional[Tuple[int, int, int]]:
    """Return the version in trtexec's banner, which is 8502 for 8.5.2 and 100300 for 10.3.0; None without a banner."""
    match = BANNER.search(said)
    if match is None:
        return None
    digits, long = int(match[1]), len(match[1]) > 4
    return digits // (10_000 if long else 1000), digits // 100 % (100 if long else 10), digits % 100


def measuring_options(row: Optional[TensorRtVersion]) -> Tuple[str, ...]:
    """Return what a version (None if unknown) needs to measure as versions before 11 do."""
    return AS_BEFORE if row is not None and row.is_strongly_typed else ()


def building_options(
    row: Optional[TensorRtVersion], precision: Optional[str], *, is_int8: bool
) -> Tuple[str, Tuple[str, ...]]:
    """Return the precision of an engine that a version builds, and trtexec's options for it.

    Args:
        row: what the version takes; None if it is unknown, which is taken for one before 11.
        precision: one of `PRECISIONS` if it is asked for.
        is_int8: whether the .onnx has QuantizeLinear nodes.

    Raises:
        InputError: the version has no such choice.
    """
    if row is None or not row.is_strongly_typed:
        chosen = precision or ("int8" if is_int8 else "fp16")
        return chosen, PRECISIONS[chosen]
    if precision is not None:
        raise InputError(
            f"TensorRT {row.since[0]} computes in the types that the .onnx states, so it has no --precision "
            f"{precision}: leave it out, and give an .onnx with float16 weights, or with QuantizeLinear nodes for int8"
        )
    return AS_WRITTEN, ()
