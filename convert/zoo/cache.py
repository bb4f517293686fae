"""The cache folder: downloaded files under their sha256, their unpacked content, and the digest of each source.

::

    digests.json           source -> sha256, recorded at first use
    files/<sha256>         the file as published
    unpacked/<sha256>/     its content
    unpacked/<sha256>.sums what the content was when it was unpacked, as sha256sum writes it
    downloads/             partial downloads, and one lock file for each source
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from detlite.convert.files.archive import has_archive_name, unpack
from detlite.convert.files.write_file import write_file
from detlite.convert.zoo.download import discard
from detlite.convert.zoo.folder_sums import changed_since, sums_of
from detlite.convert.zoo.lock import DigestLock, exclusive
from detlite.convert.zoo.sources import ModelSource, part_name
from detlite.runtime.artifact import sha256_of
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Notice, Progress, mute


@dataclass(frozen=True)
class Cached:
    """A file in the cache: its digest and the folder that holds its unpacked content."""

    sha256: str
    folder: Path


@dataclass(frozen=True)
class Cache:
    """A content-addressed store of files under *folder*; any number of processes may use it at once."""

    folder: Path
    notice: Notice = mute

    @property
    def digests(self) -> DigestLock:
        """The digest that each source had at first use."""
        return DigestLock(self.folder / "digests.json")

    def look_up(self, source: ModelSource) -> Cached | None:
        """Return the cached content of *source* after checking its digest again; None if absent or damaged."""
        sha256 = source.sha256 or self.digests.known(source.key)
        if sha256 is None:
            return None
        file = self.folder / "files" / sha256
        if not file.is_file() or sha256_of(file) != sha256:
            return None
        self.digests.check(source.key, sha256, pinned=source.sha256)
        return self.unpacked(file, sha256, source.file_name)

    def obtain(self, source: ModelSource, progress: Progress) -> Cached:
        """Return the content of *source*, downloading it unless another process just has.

        Raises:
            MissingToolError: the source is not available now.
            InputError: its digest is not the expected one, or the archive is damaged; the file is not kept.
        """
        downloads = self.folder / "downloads"
        part = downloads / part_name(source)
        with exclusive(downloads / f"{part.name}.lock"):
            if found := self.look_up(source):
                return found
            source.get(part, progress)
            sha256 = sha256_of(part)
            try:
                self.digests.check(source.key, sha256, pinned=source.sha256)
                found = self.unpacked(part, sha256, source.file_name)
            except InputError as error:
                discard(part)
                raise InputError(f"the file from {source.key} was discarded: {error}") from error
            (self.folder / "files").mkdir(exist_ok=True)
            part.replace(self.folder / "files" / sha256)
            discard(part)
            self.digests.record(source.key, sha256)
            return found

    def adopt(self, file: Path, source: ModelSource) -> Cached:
        """Return the content of *file*, the user's own copy of *source*; the copy itself is left in place.

        Raises:
            InputError: its digest is not the one expected of *source*, or the archive is damaged.
        """
        sha256 = sha256_of(file)
        self.digests.check(source.key, sha256, pinned=source.sha256)
        found = self.unpacked(file, sha256, source.file_name)
        self.digests.record(source.key, sha256)
        return found

    def unpacked(self, file: Path, sha256: str, name: str) -> Cached:
        """Return the content of *file* (called *name*, digest *sha256*), unpacked at first use.

        Later uses check it against the digests of that time; if anything differs, a notice says so and it is unpacked
        again.
        """
        folder = self.folder / "unpacked" / sha256
        with exclusive(self.folder / "unpacked" / f".{sha256}.lock"):
            for stale in folder.parent.glob(f".{sha256}.*.partial"):  # left by a killed run
                shutil.rmtree(stale, ignore_errors=True)
            sums = folder.with_suffix(".sums")
            if folder.is_dir() and (changed := changed_since(sums, folder)):
                self.notice(f"{folder} is not what was unpacked there ({changed}): unpacking {file} again")
                shutil.rmtree(folder.rename(folder.with_name(f".{sha256}.changed.partial")))
            if not folder.is_dir():
                _unpack_or_copy(file, name, folder)
                write_file(sums, sums_of(folder))
        return Cached(sha256, folder)


def _unpack_or_copy(file: Path, name: str, folder: Path) -> None:
    if has_archive_name(name):
        unpack(file, folder)
        return
    partial = folder.with_name(f".{folder.name}.bare.partial")
    partial.mkdir()
    shutil.copyfile(file, partial / name)
    partial.rename(folder)
