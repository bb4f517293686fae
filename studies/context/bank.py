"""The rows of a bank of features, and the file that holds them.

Source of a row: `generate_embedding_data.py` of the OD API 2.8.0: the embedding of a detection, its box, its date.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from detlite.convert.files.write_file import write_file
from detlite.runtime.arrays import Floats
from detlite.runtime.bank_file import FEATURES, RECORD, SCHEMA, SCHEMA_VERSION

FIRST_YEAR, YEARS, MONTHS, DAYS, HOURS, MINUTES = 1990, 40, 12, 31, 24, 60
OLDEST_ZIP = (1980, 1, 1, 0, 0, 0)
PLAIN_FILE = 0o644 << 16

Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class BankRow:
    """One detection.

    Attributes:
        image: the name of the image, below the folder of all.
        taken: when it was taken.
        score: of the detection, 0..1.
        label: of its class.
        box: (y1, x1, y2, x2), 0..1 of the image.
        embedding: the features of the detection, float32 (width,).
    """

    image: str
    taken: datetime
    score: float
    label: str
    box: Box
    embedding: Floats

    @property
    def features(self) -> Floats:
        """The row of the bank: the embedding, the centre (x, y) and (width, height) of the box, and the date."""
        return np.concatenate([self.embedding, place_numbers(self.box), date_numbers(self.taken)]).astype(np.float32)

    def to_record(self) -> dict[str, Any]:
        """Return what the file says of the row, beside its features."""
        taken = self.taken.isoformat(sep=" ")
        return {"image": self.image, "taken": taken, "score": self.score, "label": self.label, "box": list(self.box)}


def place_numbers(box: Box) -> Floats:
    """Return centre x, centre y, width and height of *box*, float32, in 0..1 of the image."""
    y1, x1, y2, x2 = np.asarray(box, np.float32)
    width, height = x2 - x1, y2 - y1
    return np.array([x1 + width / np.float32(2), y1 + height / np.float32(2), width, height], np.float32)


def date_numbers(taken: datetime) -> Floats:
    """Return year, month, day, hour and minute of *taken*, each in 0..1 of the years from 1990 to 2030 and so on."""
    numbers = (
        (taken.year - FIRST_YEAR) / YEARS,
        (taken.month - 1) / MONTHS,
        (taken.day - 1) / DAYS,
        taken.hour / HOURS,
        taken.minute / MINUTES,
    )
    return np.array(numbers, np.float32)


def bank_bytes(rows: Sequence[BankRow], facts: Mapping[str, object]) -> bytes:
    """Return the file of *rows* with *facts* about how it was made: the same bytes for the same values."""
    record = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        **facts,
        "rows": [row.to_record() for row in rows],
    }
    array, file = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array(array, np.stack([row.features for row in rows]).astype("<f4"), version=(1, 0))
    with zipfile.ZipFile(file, "w") as whole:
        for name, content in (
            (FEATURES, array.getvalue()),
            (RECORD, (json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()),
        ):
            member = zipfile.ZipInfo(name, OLDEST_ZIP)
            member.create_system, member.external_attr = 3, PLAIN_FILE
            whole.writestr(member, content)
    return file.getvalue()


def write_bank(path: Path, rows: Sequence[BankRow], facts: Mapping[str, object]) -> None:
    """Write the file of *rows* to *path*, as a whole or not at all; errors as `write_file`."""
    write_file(path, bank_bytes(rows, facts))
