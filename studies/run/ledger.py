"""The record of a run's stages, with digests of their inputs and results.

A stage is repeated if its inputs, its settings or detlite's version changed, or if one of its files is missing or
changed. Dates or the mere existence of a file do not count; the date of a stage is for the report alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from detlite.convert.artifact import prepare_output
from detlite.convert.files.write_file import write_file
from detlite.runtime.artifact import sha256_of
from detlite.runtime.errors import InputError
from detlite.runtime.strict_json import parse_json
from detlite.runtime.version import __version__

NAME = "run.json"
SCHEMA, SCHEMA_VERSION = "detlite.run", 1
TIME = "%Y-%m-%d %H:%M UTC"  # the later of two is the greater text

Record = dict[str, Any]


@dataclass
class Ledger:
    """The stages of the run in *folder*.

    Attributes:
        folder: where the run writes.
        stages: by name: `key`, `files` with their digests, `answer`, and when it was `finished`.
        reused: the stages that were already done.
    """

    folder: Path
    stages: dict[str, Record] = field(default_factory=dict)
    reused: list[str] = field(default_factory=list)

    def stage(self, name: str, inputs: Mapping[str, Any], files: Sequence[str], work: Callable[[], Record]) -> Record:
        """Return the answer of the stage *name*, from *work* or from an earlier run with the same *inputs*.

        Args:
            name: unique in the run.
            inputs: everything that the result depends on, as JSON; digests for files.
            files: the files that the stage writes, relative to the folder.
            work: runs the stage, and returns a JSON answer.
        """
        key = hashlib.sha256(json.dumps([__version__, name, inputs], sort_keys=True).encode()).hexdigest()
        known = self.stages.get(name)
        if known is not None and known["key"] == key and self._is_whole(known["files"]):
            self.reused.append(name)
            answer: Record = known["answer"]
            return answer
        self.folder.mkdir(parents=True, exist_ok=True)
        answer = work()
        made = {file: sha256_of(self.folder / file) for file in files}
        finished = datetime.now(UTC).strftime(TIME)
        self.stages[name] = {"key": key, "files": made, "answer": answer, "finished": finished}
        self._save()
        return answer

    def forget(self, name: str) -> None:
        """Do the stage *name* again the next time: its result is not worth keeping."""
        self.stages.pop(name, None)
        self._save()

    @property
    def date(self) -> str:
        """When the newest of its stages was finished; empty if no stage says it."""
        return max((stage.get("finished", "") for stage in self.stages.values()), default="")

    def _is_whole(self, files: Mapping[str, str]) -> bool:
        paths = {file: self.folder / file for file in files}
        return all(path.is_file() and sha256_of(path) == files[file] for file, path in paths.items())

    def _save(self) -> None:
        record = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "stages": self.stages}
        text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
        write_file(self.folder / NAME, text.encode())


def open_ledger(folder: Path) -> Ledger:
    """Return the ledger of the run in *folder*, empty if there is none; the first stage creates the folder.

    Raises:
        InputError: *folder* contains something that no run wrote, or its ledger has another version.
    """
    path = folder / NAME
    if not path.is_file():
        if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
            raise InputError(f"{folder} exists without {NAME}: choose a new folder, or an earlier run's")
        prepare_output(folder, force=False)
        return Ledger(folder)
    try:
        record = parse_json(path.read_bytes())
        version, stages = (record["schema"], record["schema_version"]), dict(record["stages"])
    except (OSError, InputError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged: {error}; remove {folder} to start over") from error
    if version != (SCHEMA, SCHEMA_VERSION):
        raise InputError(f"{path} is {version[0]} version {version[1]}; this detlite reads {SCHEMA} {SCHEMA_VERSION}")
    damaged = next((name for name, stage in stages.items() if not _is_stage(stage)), None)
    if damaged is not None:
        raise InputError(f"{path} is damaged: its stage {damaged!r:.60} is incomplete; remove {folder} to start over")
    return Ledger(folder, stages)


def _is_stage(record: object) -> bool:
    if not isinstance(record, dict) or not all(isinstance(record.get(key), dict) for key in ("files", "answer")):
        return False
    if not isinstance(record.get("finished", ""), str):
        return False
    return isinstance(record.get("key"), str) and all(isinstance(sha256, str) for sha256 in record["files"].values())
