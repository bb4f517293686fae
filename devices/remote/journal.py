"""What came from a device so far, on this machine's disk line by line: being killed or lost costs no finished image."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.convert.files.cache_folder import default_cache_folder
from detlite.runtime.errors import InputError
from detlite.runtime.strict_json import parse_json

Record = dict[str, Any]


@dataclass(frozen=True)
class Journal:
    """The lines of one job that is not finished, in the file at *path*."""

    path: Path

    def read(self) -> list[Record]:
        """Return the whole lines; one that was cut is none, and goes.

        Raises:
            InputError: the file is damaged.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        if whole != data:
            with self.path.open("r+b") as file:
                file.truncate(len(whole))
        try:
            return [dict(parse_json(line)) for line in whole.splitlines()]
        except (InputError, ValueError, TypeError) as error:
            raise InputError(f"{self.path} is damaged: {error}; remove it to begin anew") from error

    def append(self, line: bytes) -> None:
        """Add a line that ends in a newline; it is on the disk when this returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            while line:
                line = line[os.write(file, line) :]
        finally:
            os.close(file)

    def remove(self) -> None:
        """Remove the file: the job is finished."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()


def journal(device: str, job: Record) -> Journal:
    """Return the journal of *job*, which JSON can carry, on *device*."""
    key = hashlib.sha256(json.dumps([device, job], sort_keys=True).encode()).hexdigest()[:32]
    return Journal(default_cache_folder() / "devices" / f"{key}.jsonl")
