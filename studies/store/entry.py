"""One record of a store, and its line in a file: JSON with a checksum of the exact bytes."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from detlite.runtime.errors import InputError
from detlite.runtime.records import Record, from_record, to_record

DONE, FAILED, STARTED, LOST = "done", "failed", "started", "lost"
STATUSES = (DONE, FAILED, STARTED, LOST)

HEAD, TAIL = b'{"crc32":"%08x","record":', b"}\n"
HEAD_LENGTH = len(HEAD % 0)

Fact = str | int | float | bool | None


@dataclass(frozen=True)
class Digests:
    """What a result is of, each a sha256 in hex; "" where it plays no part."""

    model: str = ""
    recipe: str = ""
    device: str = ""
    protocol: str = ""
    images: str = ""

    def key(self, kind: str) -> str:
        """Return the key of the stage *kind* over these."""
        return digest_of([kind, to_record(self)])


@dataclass(frozen=True)
class ResultRecord:
    """One record: a stage that was done, that failed, that started, or that lost its data.

    Attributes:
        key: of the stage: `Digests.key`.
        kind: the stage: `convert`, `quantize`, `measure`, `evaluate` ...
        status: `done`, `failed`, `started` or `lost`; only the first `done` of a key counts. `lost` names blobs that
            are gone: a record that refers to one of them counts no longer.
        digests: what the result is of.
        facts: figures and names, flat: what lists, filters and exports show. A number's name ends in its unit.
        result: the whole record of the stage.
        blobs: sha256 of larger data, by name: samples, detections, scores of classes.
        at_us: when it was written, in microseconds since 1970.
        wall_s: how long the stage took, in seconds.
        memory_peak_bytes: peak resident memory of the stage's largest child process; None where it ran none, or it was
            killed.
        host: the machine that ran it.
        detlite: the version that ran it.
    """

    key: str
    kind: str
    status: str
    digests: Digests = field(default_factory=Digests)
    facts: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    blobs: Mapping[str, str] = field(default_factory=dict)
    at_us: int = 0
    wall_s: float = 0.0
    memory_peak_bytes: int | None = None
    host: str = ""
    detlite: str = ""

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise InputError(f"the status of a record is {self.status!r}; want {', '.join(STATUSES)}")

    def to_record(self) -> Record:
        """Return it as plain data."""
        record: Record = to_record(self)
        return record

    @classmethod
    def from_record(cls, record: object) -> ResultRecord:
        """Return the record that `to_record` wrote; `InputError` where *record* is something else."""
        return from_record(cls, record)


def digest_of(value: Any) -> str:
    """Return the sha256 of *value*, which is JSON, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, allow_nan=False).encode()).hexdigest()


def to_line(entry: ResultRecord) -> bytes:
    """Return the line of *entry*: JSON with a line feed, the crc32 of the record's own bytes first."""
    body = json.dumps(entry.to_record(), allow_nan=False, separators=(",", ":")).encode()
    return HEAD % zlib.crc32(body) + body + TAIL


def record_in(line: bytes) -> Record:
    """Return the record in *line* as plain data, as it was written.

    Raises:
        InputError: the line is cut off, its checksum differs, or it is no record.
    """
    body = line[HEAD_LENGTH : -len(TAIL)]
    if not line.endswith(TAIL) or line[:HEAD_LENGTH] != HEAD % zlib.crc32(body):
        raise InputError("its checksum differs: it was cut off or changed")
    record = json.loads(body)  # the checksum says that `to_line` wrote it
    if not isinstance(record, dict):
        raise InputError("it is no record")
    return record


def from_line(line: bytes) -> ResultRecord:
    """Return the record in *line*; `InputError` as `record_in`."""
    return ResultRecord.from_record(record_in(line))


def facts_text(facts: Mapping[str, Any]) -> str:
    """Return *facts* as the index holds them."""
    return json.dumps(facts)


def facts_in(text: str) -> dict[str, Any]:
    """Return the facts that `facts_text` wrote."""
    facts: dict[str, Any] = json.loads(text)
    return facts
