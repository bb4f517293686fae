"""A run on disk: its protocol, and the facts and samples of each process, written immediately.

::

    RUN/protocol.json          how the run is made
    RUN/state.jsonl            clocks, temperatures, power, battery: before, during and after
    RUN/process-1/opened.json  runtime, delegates, load, first inference, images
    RUN/process-1/warm_up.tsv  the same columns as samples.tsv
    RUN/process-1/samples.tsv  one line per sample; see `scenario.COLUMNS`
    RUN/process-1/ended.json   facts at the end; absent if the process did not reach it
    RUN/process-1/samples-cut-1.tsv  samples of an interrupted process that was repeated: kept, not counted
    RUN/detections.jsonl       results of an accuracy run; see `result_lines`
    RUN/measurement.json       everything, with the verdict
    RUN/mlperf_log_*           the same in LoadGen's format

A sample is on disk before the next begins: a killed run loses no finished sample. Truncated lines are ignored.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional

import numpy as np

from detlite.runtime.contents import contents
from detlite.runtime.errors import InputError
from detlite.runtime.measure.scenario import COLUMNS, Rows
from detlite.runtime.strict_json import parse_json

PROTOCOL, STATE, MEASUREMENT = "protocol.json", "state.jsonl", "measurement.json"
DETECTIONS = "detections.jsonl"
OPENED, WARM_UP, SAMPLES, ENDED = "opened.json", "warm_up.tsv", "samples.tsv", "ended.json"
OPENED_KEYS = ("runtime", "model_sha256", "load_ns", "first_ns", "placements", "images", "machine")
ENDED_KEYS = ("model_sha256", "memory_peak_bytes", "wall_clock_step_s")
OWN = re.compile(
    r"protocol\.json|state\.jsonl|measurement\.json|detections\.jsonl"
    r"|mlperf_log_(summary\.txt|detail\.txt|accuracy\.json)"
    r"|process-\d+\.log|process-\d+/((opened|ended)\.json|(warm_up|samples|samples-cut-\d+)\.tsv)?"
)
"""The paths in a run's folder that detlite writes; the log is benchmark_model's."""

HEADER = "\t".join(COLUMNS) + "\n"

Record = Dict[str, Any]


def refuse_strangers(run: Path) -> None:
    """Refuse to replace the folder *run* where it holds a file that is not a run's.

    Raises:
        InputError: it does; nothing was changed.
    """
    strangers = sorted(path for path in contents(run) if not OWN.fullmatch(path))
    if strangers:
        raise InputError(
            f"{run} contains {strangers[0]}, which is no file of a run: it is not replaced; move that away, or choose "
            "another folder"
        )


class Appender:
    """A file that grows line by line, each handed to the system at once."""

    def __init__(self, path: Path, head: Optional[bytes] = HEADER.encode()) -> None:
        """Start the file with the line *head*, the column names; with None, append to the existing file."""
        anew = 0 if head is None else os.O_TRUNC
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | anew, 0o644)
        if head is not None:
            self.write(head)

    def write(self, line: bytes) -> None:
        """Write *line*; `OSError` if the disk is full."""
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
    """Return the record in the file at *path*, which must have the keys *wanted*; None if there is no file.

    Raises:
        InputError: it is damaged, or is another kind of record.
    """
    try:
        record = parse_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, InputError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    missing = [key for key in wanted if key not in record] if isinstance(record, dict) else []
    if not isinstance(record, dict) or missing:
        raise InputError(f"{path} is not such a record{''.join(f': it has no {key!r}' for key in missing[:1])}")
    return record


def read_rows(path: Path) -> Rows:
    """Return the samples in the file at *path*; none if there is no file. A truncated last line is ignored.

    Raises:
        InputError: it contains something else.
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
        raise InputError(f"{path} is not a table of samples: its first line is {lines[0][:60]!r}")
    try:
        values = np.array(b"\t".join(lines[1:]).split(), np.int64)
        return Rows(values.reshape(len(lines) - 1, width))
    except (ValueError, OverflowError) as error:
        raise InputError(f"{path} is damaged: {error}") from error


def process_folder(run: Path, number: int) -> Path:
    """Return the folder of process *number*, from 1."""
    return run / f"process-{number}"


def set_aside(folder: Path) -> None:
    """Rename the samples of an interrupted process: it is repeated, with its warm-up."""
    if len(read_rows(folder / SAMPLES)):
        (folder / SAMPLES).rename(folder / f"samples-cut-{len(_cut(folder)) + 1}.tsv")


def cut_samples(folder: Path) -> int:
    """Return how many samples were set aside."""
    return sum(len(read_rows(path)) for path in _cut(folder))


def _cut(folder: Path) -> List[Path]:
    return sorted(folder.glob("samples-cut-*.tsv"))
