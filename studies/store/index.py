"""The index of a store: a SQLite file in the user's cache folder, which may be deleted at any time.

It holds the place of each record, and its facts. Before each use it reads what was appended since.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from detlite.convert.files.cache_folder import default_cache_folder
from detlite.runtime.errors import DeviceError, InputError
from detlite.studies.store.entry import DONE, LOST, facts_text
from detlite.studies.store.segments import lines_from, segment_sizes

VERSION = 2
WAIT_S = 60.0  # for another process that brings the same index up to date

UNWRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)

TABLES = """
create table segments(name text primary key, size integer not null);
create table records(segment text, offset integer, key text, kind text, status text, at_us integer, facts text,
  blobs text);
create table lost(sha256 text primary key);
create index by_key on records(key, status);
"""

Row = tuple[str, int]
"""The place of a record: its segment, and the offset of its line in bytes."""


class Index:
    """The index of the segments in *folder*; use it in a `with` block."""

    def __init__(self, folder: Path, identity: str) -> None:
        """Open the index of the store with this *identity*; a damaged or older one is made again."""
        name = hashlib.sha256(f"{identity} {folder.absolute()}".encode()).hexdigest()[:32]
        self.path = default_cache_folder() / "stores" / f"{name}.sqlite"
        self._folder = folder
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = self._opened()
        except sqlite3.OperationalError as error:
            raise self._unwritable(error) from error
        except sqlite3.DatabaseError:
            self._delete()
            self._database = self._opened()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_error: object) -> None:
        self._database.close()

    def catch_up(self) -> None:
        """Read what was appended to the segments since the last time, in one transaction.

        Raises:
            OSError: the index cannot be written, as on a full disk.
            DeviceError: other processes keep it for too long.
        """
        try:
            self._catch_up()
        except sqlite3.OperationalError as error:
            raise self._unwritable(error) from error

    def _catch_up(self) -> None:
        database = self._database
        sizes = segment_sizes(self._folder)
        known = dict(database.execute("select name, size from segments"))
        if all(known.get(name) == size for name, size in sizes.items()) and known.keys() <= sizes.keys():
            return
        with self._writing():
            known = dict(database.execute("select name, size from segments"))  # another process may have been first
            if any(name not in sizes or sizes[name] < size for name, size in known.items()):
                known = {}
                self._clear()
            for name, size in sizes.items():
                if known.get(name, 0) < size:
                    self._read(name, known.get(name, 0))
            self._withdraw()

    def forget(self) -> None:
        """Empty the index: the next use reads every segment."""
        with self._writing():
            self._clear()

    def rows(self, where: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return the places of the records that *where* selects, the oldest first."""
        text = f"select segment, offset from records where {where} order by at_us, segment, offset"  # noqa: S608 - ours
        return list(self._database.execute(text, parameters))

    def first_facts(
        self, status: str, conditions: Sequence[str] = (), parameters: Sequence[object] = ()
    ) -> list[tuple[str, str, str]]:
        """Return key, kind and facts, as JSON, of the first record of this *status* of each key, the oldest first.

        A key whose first record does not meet the *conditions*, in SQL with *parameters*, is left out.
        """
        order = "order by at_us, segment, offset"
        ranked = f"select *, row_number() over (partition by key {order}) as place from records where status = ?"  # noqa: S608
        where = " and ".join(["place = 1", *conditions])
        text = f"select key, kind, facts from ({ranked}) where {where} {order}"  # noqa: S608 - *conditions* are ours
        return list(self._database.execute(text, (status, *parameters)))

    def facts_of(self, status: str) -> list[tuple[str, str]]:
        """Return key and facts, as JSON, of every record of this *status*, the oldest first."""
        text = "select key, facts from records where status = ? order by at_us, segment, offset"
        return list(self._database.execute(text, (status,)))

    def keys(self, status: str) -> set[str]:
        """Return the keys of the records of this *status*."""
        return {key for (key,) in self._database.execute("select key from records where status = ?", (status,))}

    def blobs_of(self, status: str) -> list[tuple[str, str]]:
        """Return key and blobs, as JSON, of every record of this *status* that has any, the oldest first."""
        text = "select key, blobs from records where status = ? and blobs != '{}' order by at_us, segment, offset"
        return list(self._database.execute(text, (status,)))

    def averages(self, name: str, status: str) -> dict[str, float]:
        """Return the mean of the fact *name* over the records of this *status*, by kind."""
        text = "select kind, avg(json_extract(facts, ?)) from records where status = ? group by kind"
        return {kind: mean for kind, mean in self._database.execute(text, (f"$.{name}", status)) if mean is not None}

    def fact_names(self) -> set[str]:
        """Return the names of all facts."""
        text = "select distinct names.key from records, json_each(records.facts) as names"
        return {name for (name,) in self._database.execute(text)}

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=WAIT_S, isolation_level=None)
        (version,) = database.execute("pragma user_version").fetchone()
        if version == VERSION:
            return database
        if version:
            database.close()
            raise sqlite3.DatabaseError("an index of another version")
        with self._writing(database):
            if database.execute("pragma user_version").fetchone() == (0,):
                for statement in TABLES.split(";")[:-1]:
                    database.execute(statement)
                database.execute(f"pragma user_version = {VERSION}")
        return database

    @contextlib.contextmanager
    def _writing(self, database: sqlite3.Connection | None = None) -> Iterator[None]:
        database = database or self._database
        database.execute("begin immediate")
        try:
            yield
        except BaseException:
            if database.in_transaction:  # SQLite itself rolls back where the disk is full
                database.execute("rollback")
            raise
        database.execute("commit")

    def _read(self, segment: str, offset: int) -> None:
        rows, end = [], offset
        for line in lines_from(self._folder, segment, offset):
            end = line.offset + len(line.data)
            try:
                record = line.record()
                row = tuple(record[name] for name in ("key", "kind", "status", "at_us"))
            except (InputError, KeyError):  # named by `Store.scan`
                continue
            blobs = record.get("blobs", {})
            if record["status"] == LOST:
                self._database.executemany("insert or ignore into lost values(?)", [(one,) for one in blobs.values()])
            rows.append((segment, line.offset, *row, facts_text(record.get("facts", {})), facts_text(blobs)))
        self._database.executemany("insert into records values(?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._database.execute("insert or replace into segments values(?, ?)", (segment, end))

    def _withdraw(self) -> None:
        """Mark the records as lost that refer to a lost blob."""
        (count,) = self._database.execute("select count(*) from lost").fetchone()
        if count:
            named = "select 1 from json_each(records.blobs) as one join lost on lost.sha256 = one.value"
            text = f"update records set status = ? where status = ? and exists ({named})"  # noqa: S608 - ours
            self._database.execute(text, (LOST, DONE))

    def _clear(self) -> None:
        for table in ("segments", "records", "lost"):
            self._database.execute(f"delete from {table}")  # noqa: S608 - ours

    def _unwritable(self, error: sqlite3.OperationalError) -> Exception:
        """Return what *error* means: the disk is full, or the folder cannot be written to, or others hold the index."""
        text = f"the index of the store cannot be written ({error}); DETLITE_CACHE names another folder for it"
        code = error.sqlite_errorcode & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            return DeviceError(f"the index of the store is in use for over {WAIT_S:.0f} s: {self.path}")
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return OSError(errno.ENOSPC, text, str(self.path))
        return OSError(errno.EACCES, text, str(self.path)) if code in UNWRITABLE else error

    def _delete(self) -> None:
        for path in (self.path, self.path.with_name(f"{self.path.name}-journal")):
            path.unlink(missing_ok=True)
