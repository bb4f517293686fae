"""The contract that detlite writes into an ONNX file, read back without the package `onnx`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from detlite.convert.files.wire_format import fields
from detlite.runtime.contract import Contract, contract_from_json
from detlite.runtime.errors import InputError

CONTRACT_KEY, LABELS_KEY = "detlite.contract", "detlite.labels"
"""The keys of `contract.json` and `labels.txt` in the file's metadata."""

MAX_BYTES = 2**31 - 1  # protobuf's limit for one message
METADATA_PROPS = 14
"""The field of ONNX's ModelProto with key (field 1) and value (field 2) of each entry."""


def contract_in(path: Path) -> Contract | None:
    """Return the contract in the .onnx file at *path*; None for a file that has none.

    Raises:
        InputError: it is no ONNX file, or is damaged.
        ContractError: the contract in it is damaged.
    """
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path} has {path.stat().st_size} bytes; the limit for a model in one file is {MAX_BYTES}")
    what = f"{path}: the ONNX model"
    for number, value in fields(path.read_bytes(), what):
        if number == METADATA_PROPS and isinstance(value, bytes):
            entry = dict(fields(value, what))
            if entry.get(1) == CONTRACT_KEY.encode():
                return contract_from_json(_text(entry.get(2)))
    return None


def contract_of_model(model: Any) -> Contract | None:
    """Return the contract in the `ModelProto` *model*; None if it has none; `ContractError` if it is damaged."""
    for entry in model.metadata_props:
        if entry.key == CONTRACT_KEY:
            return contract_from_json(entry.value)
    return None


def _text(value: object) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else ""
