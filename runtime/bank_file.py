"""The file of a bank of features: what a camera saw before, for a model that reads it beside each image.

A zip archive that `numpy.load` opens, too: `features.npy`, float32 (rows, width), and `bank.json`, with `schema`,
`schema_version` and what each row is from.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Optional, Tuple

import numpy as np

from detlite.runtime.arrays import Floats
from detlite.runtime.artifact import Artifact
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.image.read import DAMAGED_ARRAY, HEADERS
from detlite.runtime.stream_inputs import BankInput
from detlite.runtime.strict_json import parse_json

SCHEMA = "detlite.bank"
SCHEMA_VERSION = 1
FEATURES, RECORD = "features.npy", "bank.json"
LARGEST_RECORD = 64_000_000
"""Bytes of the largest `bank.json` that is read."""

DAMAGE = (*DAMAGED_ARRAY, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What the zip archive and the array in it raise; `RuntimeError` where it is encrypted or of an unknown method."""


def with_bank(artifact: Artifact, path: Optional[Path]) -> Artifact:
    """Return *artifact* with the bank of features in the file at *path*, read once; None leaves it as it is.

    Raises:
        InputError: as `read_bank`, or the model reads no bank.
    """
    if path is None:
        return artifact
    features_of(path, artifact.contract)
    return replace(artifact, bank=path.absolute())


def features_of(path: Path, contract: Contract) -> Floats:
    """Return the bank of features in the file at *path*, for a model with *contract*; errors as `with_bank`."""
    bank = bank_of(contract)
    if bank is None:
        raise InputError(f"{path} is a bank of features, and the model reads none: leave it out")
    return read_bank(path, bank)


def bank_of(contract: Contract) -> Optional[BankInput]:
    """Return the bank that a model with *contract* reads; None if it reads none."""
    return next((one for one in contract.inputs if isinstance(one, BankInput)), None)


def read_bank(path: Path, bank: BankInput) -> Floats:
    """Return the features in the file at *path*, float32 (rows, width), which fit into *bank*.

    Raises:
        InputError: it cannot be read, has another schema version, or does not fit.
    """
    try:
        with zipfile.ZipFile(path) as whole:
            _check_compression(whole)
            _check_record(whole, path)
            with whole.open(FEATURES) as file:
                rows, width = _shape(file)
                if width != bank.width or rows > bank.slots:
                    raise InputError(
                        f"{path} has {counted(rows, 'row')} of {width} features, and the model's bank {bank.name} "
                        f"takes up to {counted(bank.slots, 'row')} of {bank.width}: build it for this model "
                        "with `detlite context build`"
                    )
                return _features(file, rows, width)
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing; `detlite context build` writes a bank of features") from error
    except DAMAGE as error:
        raise InputError(f"{path} cannot be read as a bank of features: {error}") from error


def _check_compression(whole: zipfile.ZipFile) -> None:
    """Refuse what neither detlite nor numpy writes: a board may lack the other ways, and each has its own errors."""
    for name in (RECORD, FEATURES):
        if whole.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name} is compressed in another way than a bank's; want it stored or deflated")


def _check_record(whole: zipfile.ZipFile, path: Path) -> None:
    if whole.getinfo(RECORD).file_size > LARGEST_RECORD:
        raise InputError(f"{path}: its {RECORD} is over {LARGEST_RECORD} bytes")
    try:
        record: Any = parse_json(whole.read(RECORD))
    except InputError as error:
        raise InputError(f"{path}: its {RECORD} is damaged: {error}") from error
    found = (record.get("schema"), record.get("schema_version")) if isinstance(record, dict) else (None, None)
    if found != (SCHEMA, SCHEMA_VERSION):
        raise InputError(
            f"{path} has the schema {found[0]!r} version {found[1]!r}; this detlite reads {SCHEMA!r} version "
            f"{SCHEMA_VERSION}"
        )


def _shape(file: IO[bytes]) -> Tuple[int, int]:
    """Return the shape in the header of the .npy *file*, which holds float32 rows."""
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError(f"{FEATURES} is of another version than 1.0")
    with HEADERS:
        shape, is_turned, dtype = np.lib.format.read_array_header_1_0(file)
    if len(shape) != 2 or min(shape) < 0 or is_turned or dtype != np.dtype("<f4"):
        raise ValueError(f"{FEATURES} is {dtype} {shape}; want float32 rows of features")
    return shape


def _features(file: IO[bytes], rows: int, width: int) -> Floats:
    data = file.read(rows * width * 4)
    if len(data) != rows * width * 4:
        raise ValueError(f"{FEATURES} ends before its {counted(rows, 'row does', 'rows do')}")
    found: Floats = np.frombuffer(data, "<f4").astype(np.float32).reshape(rows, width)
    if not np.isfinite(found).all():
        raise ValueError(f"{FEATURES} holds values that are not finite numbers")
    return found
