"""The digest that each source must have: pinned in the catalogue, or recorded at first use and checked from then on."""

from __future__ import annotations

import fcntl
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from detlite.runtime.errors import InputError
from detlite.runtime.strict_json import parse_json

SCHEMA = "detlite.digests"
SCHEMA_VERSION = 1


@contextmanager
def exclusive(file: Path) -> Iterator[None]:
    """Hold an exclusive lock on *file*, created if missing; the system releases it however this process ends."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"cannot create {file.parent}: {error.strerror}; choose another cache folder") from error
    with file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class DigestLock:
    """A JSON file with the sha256 that each source had at first use."""

    file: Path

    def known(self, key: str) -> str | None:
        """Return the sha256 recorded for *key*, or None.

        Raises:
            InputError: the file is damaged.
        """
        return self._read().get(key)

    def check(self, key: str, sha256: str, *, pinned: str | None = None) -> None:
        """Check *sha256*, the digest of *key*, against the *pinned* and the recorded one, if any.

        Raises:
            InputError: they differ; the message states both.
        """
        if pinned is not None and sha256 != pinned:
            raise InputError(
                f"{key} is not the file that the catalogue lists: its sha256 is {sha256}, expected {pinned}"
            )
        recorded = self.known(key)
        if recorded is not None and sha256 != recorded:
            raise InputError(
                f"{key} has changed: its sha256 is {sha256}, and was {recorded} at first use; if you expected "
                f"this, delete its line in {self.file}"
            )

    def record(self, key: str, sha256: str) -> None:
        """Record *sha256* as the digest of *key*."""
        with exclusive(self.file.with_suffix(".lock")):
            files = self._read()
            if files.get(key) == sha256:
                return
            record = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "files": {**files, key: sha256}}
            with tempfile.NamedTemporaryFile("w", dir=self.file.parent, suffix=".new", delete=False) as new:
                new.write(json.dumps(record, indent=1, sort_keys=True) + "\n")
            Path(new.name).replace(self.file)

    def _read(self) -> dict[str, str]:
        try:
            record = parse_json(self.file.read_bytes())
        except FileNotFoundError:
            return {}
        except InputError as error:
            raise self._damaged(error) from error
        try:
            if record["schema"] != SCHEMA or record["schema_version"] != SCHEMA_VERSION:
                raise InputError(f"{self.file} has another version; delete it, or choose another cache folder")
            return {str(key): str(sha256) for key, sha256 in record["files"].items()}
        except (KeyError, TypeError, AttributeError) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> InputError:
        return InputError(f"{self.file} is damaged ({error}); delete it to record the digests again")
