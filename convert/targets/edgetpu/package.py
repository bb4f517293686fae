"""The package in an `edgetpu-custom-op`: a FlexBuffer map around a flatbuffer around executables."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from detlite.convert.targets.edgetpu.executable import Executable, read_executable
from detlite.convert.tflite.tables import root_table
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

IDENTIFIER = b"DWN1"
PAGE_BYTES = 4096
PACKAGE_KEY, PREFERENCE_KEY, CHIPS_KEY, FORMAT_KEY, MORE_KEY = "4", "5", "6", "1", "7"
MOST_KEYS, MOST_CHIPS, MOST_EXECUTABLES = 16, 64, 16


@dataclass(frozen=True)
class CompiledSubgraph:
    """One compiled subgraph.

    Attributes:
        format_version: the FlexBuffer map's: 0.
        execution_preference: -1 or 1; None in the oldest files.
        chips: numbers written by compiler version 16 and newer; empty in older files.
        package_bytes: a multiple of `PAGE_BYTES`.
        min_runtime_version: devices with an older Edge TPU runtime refuse the file.
        signature_bytes: 0 in every file seen.
        keypair_version: 0 in every file seen.
        compiler_version: mostly stripped to `cl/`, which does not identify the compiler.
        virtual_chip_id: 0.
        model_identifier: mostly empty.
        executables: one, or one that runs and one that caches the weights.
    """

    format_version: int
    execution_preference: int | None
    chips: tuple[int, ...]
    package_bytes: int
    min_runtime_version: int
    signature_bytes: int
    keypair_version: int
    compiler_version: str
    virtual_chip_id: int
    model_identifier: str
    executables: tuple[Executable, ...]


def read_package(operator: Any) -> CompiledSubgraph:
    """Return the package in the options of the `edgetpu-custom-op` *operator* of a loaded model.

    Raises:
        InputError: it is damaged, or not a package.
    """
    options = operator.customOptions
    raw = b"" if options is None else np.asarray(options, np.uint8).tobytes()
    try:
        return _package(raw)
    except (TypeError, ValueError, IndexError, OverflowError, KeyError, struct.error, RecursionError) as error:
        raise InputError(f"the Edge TPU operator's options are damaged: {type(error).__name__}: {error}") from error


def _package(raw: bytes) -> CompiledSubgraph:
    values = _values(raw)
    if PACKAGE_KEY not in values or not (values[PACKAGE_KEY].IsString or values[PACKAGE_KEY].IsBlob):
        raise InputError("the Edge TPU operator's options hold no package")
    if MORE_KEY in values and values[MORE_KEY].IsVector and len(values[MORE_KEY].AsVector):
        raise InputError("the Edge TPU operator holds several packages, which no published file does")
    value = values[PACKAGE_KEY]
    data = bytes(value.AsStringBytes if value.IsString else value.AsBlob)
    if data[4:8] != IDENTIFIER:
        raise InputError(f"the Edge TPU package has the identifier {data[4:8]!r}; expected {IDENTIFIER!r}")
    table = root_table(data)
    return CompiledSubgraph(
        format_version=_integer(values, FORMAT_KEY) or 0,
        execution_preference=_integer(values, PREFERENCE_KEY),
        chips=_chips(values),
        package_bytes=len(data),
        min_runtime_version=table.integer(0),
        signature_bytes=(table.vector(2, 1) or (0, 0))[1],
        keypair_version=table.integer(3),
        compiler_version=table.text(4),
        virtual_chip_id=table.integer(5),
        model_identifier=table.text(7),
        executables=_executables(table.blob(1)),
    )


def _values(raw: bytes) -> dict[str, Any]:
    """Return the values of the FlexBuffer map *raw* by key, without unpacking them."""
    from flatbuffers import flexbuffers

    root = flexbuffers.GetRoot(raw) if len(raw) > 2 else None
    if root is None or not root.IsMap or len(root.AsMap) > MOST_KEYS:
        raise InputError("the Edge TPU operator's options are not a FlexBuffer map: a placeholder, or truncated")
    keys, values = root.AsMap.Keys, root.AsMap.Values
    return {str(keys[i].AsKey): values[i] for i in range(len(keys))}


def _integer(values: dict[str, Any], key: str) -> int | None:
    value = values.get(key)
    return int(value.AsInt) if value is not None and value.IsInt else None


def _chips(values: dict[str, Any]) -> tuple[int, ...]:
    value = values.get(CHIPS_KEY)
    if value is None or not (value.IsVector or value.IsTypedVector):
        return ()
    vector = value.AsTypedVector if value.IsTypedVector else value.AsVector
    if len(vector) > MOST_CHIPS:
        raise InputError(f"the Edge TPU operator names {counted(len(vector), 'chip')}; expected at most {MOST_CHIPS}")
    return tuple(int(vector[i].AsInt) for i in range(len(vector)) if vector[i].IsInt)


def _executables(data: bytes) -> tuple[Executable, ...]:
    spans = root_table(data).spans(0)
    if not spans:
        raise InputError("the Edge TPU package holds no executables (libedgetpu: No executables to register.)")
    if len(spans) > MOST_EXECUTABLES:
        raise InputError(
            f"the Edge TPU package holds {counted(len(spans), 'executable')}; expected at most {MOST_EXECUTABLES}"
        )
    return tuple(read_executable(data[start : start + size]) for start, size in spans)
