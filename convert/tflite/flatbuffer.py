"""Converting a .tflite file to and from the objects of the TFLite schema."""

from __future__ import annotations

import struct
from typing import Any

import flatbuffers
import numpy as np

from detlite.convert.tflite.references import check_references
from detlite.convert.tflite.verify import IDENTIFIER, verify
from detlite.runtime.errors import InputError

SCHEMA_VERSION = 3  # the only one that interpreters accept
BUFFER_ALIGNMENT = 16  # the schema's `force_align` of buffers, which the Python writer ignores

LISTS = {
    "ModelT": ("operatorCodes", "subgraphs", "buffers", "metadata", "signatureDefs"),
    "SubGraphT": ("tensors", "operators", "inputs", "outputs"),
    "OperatorT": ("inputs", "outputs"),
    "SignatureDefT": ("inputs", "outputs"),
}


def load(data: bytes, name: str) -> Any:
    """Return the `ModelT` of the .tflite file *data*, after checking that every index in it is valid.

    Lists of tensors, operators, inputs, outputs, buffers, metadata and signatures are Python lists, empty if the
    file has none; an operator code's `builtinCode` is always valid, also in files from before 2020. Other
    vectors are numpy arrays over the file's bytes: replace them, do not write into them.

    Args:
        data: the whole file; appended files are not in the model, see `appended_files`.
        name: the file's name in errors.

    Raises:
        InputError: it is not a TFLite file, is damaged, or keeps its weights elsewhere.
    """
    try:
        return _parsed(data)
    except InputError as error:
        raise InputError(f"{name} cannot be read as a TFLite model: {error}") from error
    except (struct.error, ValueError, TypeError, IndexError, OverflowError) as error:
        raise InputError(f"{name} cannot be read as a TFLite model: it is damaged: {error}") from error


def _parsed(data: bytes) -> Any:
    from ai_edge_litert.schema_py_generated import ModelT

    verify(data)
    model = ModelT.InitFromPackedBuf(data, 0)
    _normalize(model)
    check_references(model)
    if model.version != SCHEMA_VERSION:
        raise InputError(f"schema version {model.version} is not supported, only {SCHEMA_VERSION}")
    return model


def dump(model: Any) -> bytes:
    """Return the .tflite file of a `ModelT`, the same bytes for the same model, without appended files."""
    size = sum(len(buffer.data) for buffer in model.buffers if buffer.data is not None)
    builder = _Builder(size + (1 << 16))
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


class _Builder(flatbuffers.Builder):  # type: ignore[misc]  # flatbuffers has no types
    """A builder that aligns byte vectors as the interpreters need their weights."""

    def CreateNumpyVector(self, x: Any) -> Any:  # noqa: N802  # the overridden method's name
        """Write a vector; bytes start at a multiple of `BUFFER_ALIGNMENT`."""
        if x.dtype != np.uint8:
            return super().CreateNumpyVector(x)
        self.StartVector(1, x.size, BUFFER_ALIGNMENT)
        self.head -= x.size
        self.Bytes[self.head : self.head + x.size] = x.tobytes()
        self.vectorNumElems = x.size
        return self.EndVector()


def _normalize(model: Any) -> None:
    """Turn absent vectors and arrays of indices into lists, and merge the two builtin codes into one."""
    _lists(model)
    for code in model.operatorCodes:
        # writers before schema 3a fill only the one-byte field, later ones both: the larger value is right
        code.builtinCode = max(code.builtinCode, code.deprecatedBuiltinCode)
    for subgraph in model.subgraphs:
        _lists(subgraph)
        for operator in subgraph.operators:
            _lists(operator)
    for signature in model.signatureDefs:
        _lists(signature)


def _lists(owner: Any) -> None:
    for attribute in LISTS[type(owner).__name__]:
        value = getattr(owner, attribute)
        if isinstance(value, np.ndarray):
            setattr(owner, attribute, value.tolist())
        elif value is None:
            setattr(owner, attribute, [])
