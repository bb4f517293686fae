"""The layers of a TensorRT engine: what each computes in, of `trtexec --exportLayerInfo`, and its time.

The times are those of `trtexec --exportProfile`. A layer's name joins the two files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from detlite.runtime.errors import InputError
from detlite.runtime.limited_file import read_limited
from detlite.runtime.runners.backend import Timed
from detlite.runtime.strict_json import parse_json

PLACE = "TensorRT"
DTYPES = {
    "Int8": "int8",
    "UInt8": "uint8",
    "FP8": "float8",
    "Half": "float16",
    "FP16": "float16",
    "BF16": "bfloat16",
    "BFloat16": "bfloat16",
    "Float": "float32",
    "FP32": "float32",
    "Int32": "int32",
    "Int64": "int64",
    "Bool": "bool",
}
"""numpy's names of TensorRT's types. Before version 10 they end a sentence, such as `Row major linear FP32 format`."""

NAMED = re.compile(rf"\b({'|'.join(sorted(DTYPES, key=len, reverse=True))})\b")
ONNX_NODE = re.compile(r"\[ONNX Layer: ([^\]]*)\]")
MOST_BYTES = 1 << 28


@dataclass(frozen=True)
class EngineLayerInfo:
    """One layer of an engine.

    Attributes:
        name: of the layer; TensorRT joins the names of the nodes that it fused.
        kind: TensorRT's type of it, such as `CaskConvolution`; empty in an engine that keeps only names.
        precision: what it computes in: `int8`, `float16`, ...; empty if the file does not say.
        nodes: the ONNX nodes in it, from TensorRT 8.6 on.
    """

    name: str
    kind: str = ""
    precision: str = ""
    nodes: Tuple[str, ...] = ()


def read_layers(text: str) -> Tuple[EngineLayerInfo, ...]:
    """Return the layers in the *text* that `trtexec --exportLayerInfo` wrote, in order of execution.

    Raises:
        InputError: it is no such text.
    """
    record = parse_json(text)
    rows = record.get("Layers") if isinstance(record, dict) else None
    if not isinstance(rows, list) or not rows:
        raise InputError('want what trtexec --exportLayerInfo writes: {"Layers": [...]}')
    return tuple(map(_layer, rows))


def read_profile(text: str) -> Mapping[str, float]:
    """Return the time of each layer in ms, by name, in the *text* that `trtexec --exportProfile` wrote.

    It is the median where the version has it, else the mean.

    Raises:
        InputError: it is no such text.
    """
    rows = parse_json(text)
    found: Dict[str, float] = {}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and isinstance(row.get("name"), str):
            found[row["name"]] = _milliseconds(row)
    if not found:
        raise InputError('want what trtexec --exportProfile writes: a list of {"name": ..., "averageMs": ...}')
    return found


def timed_layers(times: Mapping[str, float], layers: Sequence[EngineLayerInfo]) -> Sequence[Timed]:
    """Return the layers with *times*, each with what it computes in as far as *layers* say."""
    known = {layer.name: layer for layer in layers}
    found = []
    for name, mean_ms in times.items():
        layer = known.get(name)
        place = f"{PLACE} {layer.precision}" if layer is not None and layer.precision else PLACE
        found.append(Timed(name, place, mean_ms))
    return found


def text_in(path: Path) -> str:
    """Return the text of the file that trtexec wrote at *path*; `InputError` if it is not there, or far too large."""
    return read_limited(path, "an export of trtexec", MOST_BYTES).decode(errors="replace")


def _milliseconds(row: Mapping[str, Any]) -> float:
    value = row.get("medianMs", row.get("averageMs"))
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise InputError(f"the profile of trtexec has the time {value!r:.40} for {row['name']!r:.80}")
    return float(value)


def _layer(row: Any) -> EngineLayerInfo:
    if isinstance(row, str):  # an engine that keeps only names
        return EngineLayerInfo(row)
    if not isinstance(row, dict) or not isinstance(row.get("Name"), str):
        raise InputError(f"the layer {row!r:.80} of trtexec has no Name")
    nodes = ONNX_NODE.findall(row["Metadata"]) if isinstance(row.get("Metadata"), str) else []
    kind = row["LayerType"] if isinstance(row.get("LayerType"), str) else ""
    return EngineLayerInfo(row["Name"], kind, _precision(row), tuple(nodes))


def _precision(row: Mapping[str, Any]) -> str:
    """Return what a layer computes in: the type of its weights, or else of the first tensor it reads or writes."""
    weights = row.get("Weights")
    stated: List[Any] = [weights.get("Type")] if isinstance(weights, dict) and weights.get("Count") != 0 else []
    for side in ("Inputs", "Outputs"):
        tensors = row.get(side)
        if isinstance(tensors, list):
            stated += [one.get("Format/Datatype") for one in tensors if isinstance(one, dict)]
    found: Optional[str] = next((name for text in stated if (name := _dtype(text))), None)
    return found or ""


def _dtype(text: Any) -> Optional[str]:
    match = NAMED.search(text) if isinstance(text, str) else None
    return None if match is None else DTYPES[match[1]]
