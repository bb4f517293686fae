"""The store of a study: one small interface over its segments, its blobs and its index."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.convert.files.write_file import write_file
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.strict_json import load_json
from detlite.studies.store.blobs import blobs_in, get_blob, put_blob
from detlite.studies.store.condition import ANY, Condition
from detlite.studies.store.entry import DONE, FAILED, LOST, STARTED, ResultRecord, facts_in
from detlite.studies.store.index import Index
from detlite.studies.store.segments import FOLDER, line_at, lines_from, segment_sizes, writer_of

NAME = "store.json"
SCHEMA, SCHEMA_VERSION = "detlite.store", 1


@dataclass(frozen=True)
class Listed:
    """A record as a list shows it: without its result."""

    key: str
    kind: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Scan:
    """All records of a store that count, of any status, and a sentence for each damaged line, which is skipped."""

    entries: tuple[ResultRecord, ...]
    damage: tuple[str, ...]


class Store:
    """The store in a folder; see `open_store`. Many processes may use one at once."""

    def __init__(self, root: Path, identity: str) -> None:
        """Use the store at *root*, which has this *identity*."""
        self.root = root
        self.identity = identity
        self._writer = writer_of((root / FOLDER).absolute())

    def append(self, entry: ResultRecord) -> None:
        """Keep *entry*; it is on the disk when this returns.

        Raises:
            OSError: there is no room, or the folder cannot be written to.
        """
        self._writer.append(entry)

    def put(self, data: bytes) -> str:
        """Keep *data*, and return its sha256 in hex."""
        return put_blob(self.root, data)

    def get(self, sha256: str) -> bytes:
        """Return the data with this digest; `InputError` where it is missing or damaged."""
        return get_blob(self.root, sha256)

    def find(self, key: str) -> ResultRecord | None:
        """Return the first record of *key* that is done; None if there is none."""
        found = self._entries("key = ? and status = ?", (key, DONE))
        return found[0] if found else None

    def last_failure(self, key: str) -> ResultRecord | None:
        """Return the newest record of *key* that says why it failed; None if there is none."""
        found = self._entries("key = ? and status = ?", (key, FAILED))
        return found[-1] if found else None

    def failures(self) -> dict[str, str]:
        """Return why each stage failed that is not done, by its key: the newest reason."""
        with self._index() as index:
            found = {key: str(facts_in(facts).get("error", "")) for key, facts in index.facts_of(FAILED)}
            for key in index.keys(DONE):
                found.pop(key, None)
        return found

    def starts(self, key: str) -> int:
        """Return how often the stage *key* was started."""
        with self._index() as index:
            return len(index.rows("key = ? and status = ?", (key, STARTED)))

    def done(self) -> set[str]:
        """Return the keys of all stages that are done."""
        with self._index() as index:
            return index.keys(DONE)

    def incomplete(self) -> set[str]:
        """Return the keys of the stages that are done and whose record refers to a blob that is missing."""
        there = {path.name for path in blobs_in(self.root)}
        with self._index() as index:
            first: dict[str, str] = {}
            for key, blobs in index.blobs_of(DONE):
                first.setdefault(key, blobs)
        return {key for key, blobs in first.items() if not there.issuperset(facts_in(blobs).values())}

    def select(self, condition: Condition = ANY, *, kinds: Sequence[str] = ()) -> list[Listed]:
        """Return the records that are done and meet *condition*, of *kinds* where given, the oldest first.

        Raises:
            UnknownNameError: *condition* names a fact that no record has.
        """
        parts = [one.sql() for one in condition.comparisons]
        conditions = [text for text, _values in parts]
        values: tuple[object, ...] = tuple(value for _text, each in parts for value in each)
        if kinds:
            conditions.append(f"kind in ({', '.join('?' * len(kinds))})")
            values += tuple(kinds)
        with self._index() as index:
            found = [
                Listed(key, kind, facts_in(facts)) for key, kind, facts in index.first_facts(DONE, conditions, values)
            ]
            if not found and condition.comparisons:
                condition.check_names(index.fact_names())
        return found

    def entries(self, keys: Iterable[str]) -> Iterator[ResultRecord]:
        """Yield the first record that is done of each of *keys*; a key without one is left out."""
        wanted = set(keys)
        for entry in self._entries("status = ?", (DONE,)):
            if entry.key in wanted:
                wanted.remove(entry.key)
                yield entry

    def starting_with(self, prefix: str) -> ResultRecord:
        """Return the record that is done whose key begins with *prefix*.

        Raises:
            InputError: there is none, or more than one.
        """
        with self._index() as index:
            known = sorted(key for key in index.keys(DONE) if key.startswith(prefix))
        if len(known) != 1:
            some = counted(len(known), "record begins", "records begin") if known else "no record begins"
            raise InputError(f"{prefix!r} is no key of {self.root}: {some} with it; see detlite results list")
        (key,) = known
        entry = self.find(key)
        assert entry is not None  # the index has it
        return entry

    def durations_s(self) -> dict[str, float]:
        """Return how long the stages of each kind took on average, in seconds."""
        with self._index() as index:
            return index.averages("wall_s", DONE)

    def scan(self) -> Scan:
        """Read every record from the files themselves, without the index."""
        entries, damage = [], []
        for name in segment_sizes(self.root / FOLDER):
            for line in lines_from(self.root / FOLDER, name):
                try:
                    entries.append(line.entry())
                except InputError as error:
                    damage.append(str(error))
        lost = {sha256 for entry in entries if entry.status == LOST for sha256 in entry.blobs.values()}
        counting = (one for one in entries if one.status != DONE or lost.isdisjoint(one.blobs.values()))
        return Scan(tuple(counting), tuple(damage))

    def _index(self) -> Index:
        index = Index(self.root / FOLDER, self.identity)
        index.catch_up()
        return index

    def _entries(self, where: str, parameters: tuple[object, ...]) -> list[ResultRecord]:
        """Return the records that *where* selects; a record that was damaged since it was indexed is left out."""
        with self._index() as index:
            try:
                return [line_at(self.root / FOLDER, *place).entry() for place in index.rows(where, parameters)]
            except InputError:
                index.forget()
                index.catch_up()
                return [line_at(self.root / FOLDER, *place).entry() for place in index.rows(where, parameters)]


def is_store(folder: Path) -> bool:
    """Return whether *folder* has a store."""
    return (folder / NAME).is_file()


def open_store(folder: Path) -> Store:
    """Return the store in *folder*.

    Raises:
        InputError: there is none, it is damaged, or a newer detlite wrote it.
    """
    path = folder / NAME
    if not path.is_file():
        raise InputError(f"{folder} has no {NAME}: give the folder that `detlite sweep -o` wrote")
    record = load_json(path)
    if not isinstance(record, dict) or record.get("schema") != SCHEMA or not isinstance(record.get("identity"), str):
        raise InputError(f"{path} is not the head of a store: want {SCHEMA} with an identity")
    if record.get("schema_version") != SCHEMA_VERSION:
        raise InputError(
            f"{path} is {SCHEMA} version {record.get('schema_version')}; this detlite reads version {SCHEMA_VERSION}: "
            "use the detlite that wrote it"
        )
    return Store(folder, record["identity"])


def make_store(folder: Path) -> Store:
    """Return the store in *folder*, which is made if it is missing or empty.

    Raises:
        InputError: the folder holds something else, or a newer store.
    """
    if is_store(folder):
        return open_store(folder)
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise InputError(f"{folder} exists without {NAME}: choose a new folder, or an earlier sweep's")
    folder.mkdir(parents=True, exist_ok=True)
    record = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "identity": secrets.token_hex(16)}
    write_file(folder / NAME, (json.dumps(record, indent=1) + "\n").encode())
    return open_store(folder)
