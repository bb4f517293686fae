"""A run on the disk: what was asked, and for each process its facts and its samples, written as they come.

::

    RUN/protocol.json          what was asked
    RUN/state.jsonl            clocks, temperatures, power, battery: before, during and after
    RUN/process-1/opened.json  runtime, delegates, load, first inference, images
    RUN/process-1/warm_up.tsv  the same columns as samples.tsv
    RUN/process-1/samples.tsv  one line a sample; see `scenario.COLUMNS`
    RUN/process-1/ended.json   what was seen at the end; absent where the process did not reach it
    RUN/process-1/samples-cut-1.tsv  those of a process that was cut short and done anew: kept, and not counted
    RUN/detections.jsonl       of an accuracy run; see `result_lines`
    RUN/measurement.json       all of it, with the verdict
    RUN/mlperf_log_*           the same as LoadGen writes it

A sample is on the disk before the next begins: what is killed loses no finished one, and a line that was cut is none.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional

import numpy as np

from detlite.runtime.errors import InputError
from detlite.runtime.measure.scenario import COLUMNS, Rows

PROTOCOL, STATE, MEASUREMENT = "protocol.json", "state.jsonl", "measurement.json"
DETECTIONS = "detections.jsonl"
OPENED, WARM_UP, SAMPLES, ENDED = "opened.json", "warm_up.tsv", "samples.tsv", "ended.json"
OPENED_KEYS = ("runtime", "model_sha256", "load_ns", "first_ns", "placements", "images", "machine")
ENDED_KEYS = ("model_sha256", "memory_peak_bytes", "wall_clock_step_s")
HEADER = "\t".join(COLUMNS) + "\n"

Record = Dict[str, Any]


class Appender:
    """A file that grows by one line at a time, each handed to the system at once."""

    def __init__(self, path: Path, head: Optional[bytes] = HEADER.encode()) -> None:
        """Begin the file anew with the line *head*, the names of the columns; with None, go on with what is there."""
        anew = 0 if head is None else os.O_TRUNC
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | anew, 0o644)
        if head is not None:
            self.write(head)

    def write(self, line: bytes) -> None:
        """Write *line*; `OSError` where the disk has no room for all of it."""
        while line:
            line = line[os.write(self._file, line) :]

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def write_json(path: Path, record: Record) -> None:
    """Write *record* to *path*, whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_json(path: Path, wanted: Iterable[str] = ()) -> Optional[Record]:
    """Return the record in the file at *path*, which has the keys *wanted*; None where there is no file.

    Raises:
        InputError: it is damaged, or another record.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    missing = [key for key in wanted if key not in record] if isinstance(record, dict) else []
    if not isinstance(record, dict) or missing:
        raise InputError(f"{path} holds no such record{''.join(f', for it has no {key!r}' for key in missing[:1])}")
    return record


def read_rows(path: Path) -> Rows:
    """Return the samples in the file at *path*; none where there is no file. A last line that was cut is left out.

    Raises:
        InputError: it holds something else.
    """
    width = len(COLUMNS)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        data = b""
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    lines = data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]
    if not lines:
        return Rows(np.zeros((0, width), np.int64))
    if lines[0].decode(errors="replace") + "\n" != HEADER:
        raise InputError(f"{path} is no table of samples: its first line is {lines[0][:60]!r}")
    try:
        values = np.array(b"\t".join(lines[1:]).split(), np.int64)
        return Rows(values.reshape(len(lines) - 1, width))
    except (ValueError, OverflowError) as error:
        raise InputError(f"{path} is damaged: {error}") from error


def process_folder(run: Path, number: int) -> Path:
    """Return the folder of process *number*, from 1 on."""
    return run / f"process-{number}"


def set_aside(folder: Path) -> None:
    """Keep the samples of a process that was cut short under another name: it is done anew, with its warm-up."""
    if len(read_rows(folder / SAMPLES)):
        (folder / SAMPLES).rename(folder / f"samples-cut-{len(_cut(folder)) + 1}.tsv")


def cut_samples(folder: Path) -> int:
    """Return how many samples were set aside."""
    return sum(len(read_rows(path)) for path in _cut(folder))


def _cut(folder: Path) -> List[Path]:
    return sorted(folder.glob("samples-cut-*.tsv"))
