"""The cache folder: every file under its sha256, unpacked beside it, and the digests of all sources.

::

    digests.json           source -> sha256, from first use on
    files/<sha256>         as it was published
    unpacked/<sha256>/     the same, unpacked
    downloads/             parts, and one lock file for each source
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from detlite.convert.files.archive import is_archive, unpack
from detlite.convert.zoo.download import forget
from detlite.convert.zoo.lock import DigestLock, alone
from detlite.convert.zoo.sources import Source, part_name
from detlite.runtime.artifact import sha256_of
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress


@dataclass(frozen=True)
class Cached:
    """A file in the cache: its digest, and the folder with its unpacked content."""

    sha256: str
    folder: Path


@dataclass(frozen=True)
class Cache:
    """Files by their content, under *folder*; any number of processes may use it at once."""

    folder: Path

    @property
    def digests(self) -> DigestLock:
        """Which content each source had at first use."""
        return DigestLock(self.folder / "digests.json")

    def look_up(self, source: Source) -> Cached | None:
        """Return what is here of *source*, its digest checked anew; None where nothing whole is here."""
        sha256 = source.sha256 or self.digests.known(source.key)
        if sha256 is None:
            return None
        file = self.folder / "files" / sha256
        if not file.is_file() or sha256_of(file) != sha256:
            return None
        self.digests.check(source.key, sha256, pinned=source.sha256)
        return self.unpacked(file, sha256, source.file_name)

    def obtain(self, source: Source, progress: Progress) -> Cached:
        """Return *source*'s content, got from it unless another process just did.

        Raises:
            MissingToolError: the source cannot be had now.
            InputError: it has other content than it must have, or is no whole archive; it is not kept.
        """
        downloads = self.folder / "downloads"
        part = downloads / part_name(source)
        with alone(downloads / f"{part.name}.lock"):
            if found := self.look_up(source):
                return found
            source.get(part, progress)
            sha256 = sha256_of(part)
            try:
                self.digests.check(source.key, sha256, pinned=source.sha256)
                found = self.unpacked(part, sha256, source.file_name)
            except InputError as error:
                forget(part)
                raise InputError(f"what came from {source.key} is not kept: {error}") from error
            (self.folder / "files").mkdir(exist_ok=True)
            part.replace(self.folder / "files" / sha256)
            forget(part)
            self.digests.record(source.key, sha256)
            return found

    def adopt(self, file: Path, source: Source) -> Cached:
        """Return the content of the user's own copy of *source*'s *file*, which stays where it is.

        Raises:
            InputError: it is not the file that *source* must be, or no whole archive.
        """
        sha256 = sha256_of(file)
        self.digests.check(source.key, sha256, pinned=source.sha256)
        found = self.unpacked(file, sha256, source.file_name)
        self.digests.record(source.key, sha256)
        return found

    def unpacked(self, file: Path, sha256: str, name: str) -> Cached:
        """Return *file* (called *name*, its digest *sha256*) unpacked, once for each content."""
        folder = self.folder / "unpacked" / sha256
        with alone(self.folder / "unpacked" / f".{sha256}.lock"):
            for left_over in folder.parent.glob(f".{sha256}.*.partial"):  # of a run that was killed
                shutil.rmtree(left_over, ignore_errors=True)
            if not folder.is_dir():
                _place(file, name, folder)
        return Cached(sha256, folder)


def _place(file: Path, name: str, folder: Path) -> None:
    if is_archive(Path(name)):
        unpack(file, folder)
        return
    partial = folder.with_name(f".{folder.name}.bare.partial")
    partial.mkdir()
    shutil.copyfile(file, partial / name)
    partial.rename(folder)
