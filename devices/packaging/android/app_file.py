"""A built app as a file: an APK, or an app bundle (AAB), read with care."""

from __future__ import annotations

import hashlib
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from detlite.convert.tflite.appended import ZIP_DAMAGED
from detlite.runtime.errors import InputError

APK, AAB = "APK", "AAB"
BLOCK = 1 << 20
LOCAL_HEADER = struct.Struct("<4s22xHH")  # its signature; the lengths of the name and the extra field
LOCAL_MARK = b"PK\x03\x04"


@dataclass(frozen=True, eq=False)
class AppFile:
    """An open app.

    Attributes:
        path: the file.
        kind: `APK` or `AAB`.
        entries: its files by name.
        archive: the open zip.
    """

    path: Path
    kind: str
    entries: dict[str, zipfile.ZipInfo]
    archive: zipfile.ZipFile

    def read(self, name: str, most_bytes: int) -> bytes:
        """Return the content of the file *name*.

        Raises:
            InputError: it is damaged, or larger than *most_bytes*.
        """
        content = b"".join(self._blocks(name, most_bytes))
        if len(content) > most_bytes:
            raise InputError(f"{name} in {self.path} is over {most_bytes} bytes")
        return content

    def sha256(self, name: str, most_bytes: int) -> str:
        """Return the sha256 of the file *name*; if it is over *most_bytes*, of a part only, which never matches."""
        whole = hashlib.sha256()
        for block in self._blocks(name, most_bytes):
            whole.update(block)
        return whole.hexdigest()

    def data_offset(self, name: str) -> int:
        """Return the offset in the app at which the content of *name* begins, in bytes.

        Raises:
            InputError: the app is damaged at that place.
        """
        entry = self.entries[name]
        with self.path.open("rb") as file:
            file.seek(entry.header_offset)
            header = file.read(LOCAL_HEADER.size)
        if len(header) < LOCAL_HEADER.size or header[:4] != LOCAL_MARK:
            raise InputError(f"{self.path} is damaged: {name} does not begin at its stated offset")
        _mark, name_bytes, extra_bytes = LOCAL_HEADER.unpack(header)
        return int(entry.header_offset + LOCAL_HEADER.size + name_bytes + extra_bytes)

    def _blocks(self, name: str, most_bytes: int) -> Iterator[bytes]:
        """Yield the content of *name*, stopping once it exceeds *most_bytes*."""
        done = 0
        try:
            with self.archive.open(self.entries[name]) as file:
                while done <= most_bytes and (block := file.read(BLOCK)):
                    done += len(block)
                    yield block
        except ZIP_DAMAGED as error:
            raise InputError(f"{name} in {self.path} is damaged: {error}") from error


@contextmanager
def open_app(path: Path) -> Iterator[AppFile]:
    """Give the app at *path*, open.

    Raises:
        InputError: it is neither an APK nor an AAB.
    """
    try:
        archive = zipfile.ZipFile(path)
    except ZIP_DAMAGED as error:
        raise InputError(f"{path} is neither an APK nor an AAB: {error}; give the file that Gradle built") from error
    with archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        if len(entries) != len(archive.infolist()):
            raise InputError(f"{path} contains two files of the same name: Android does not install it")
        yield AppFile(path, _kind(path, entries), entries, archive)


def _kind(path: Path, entries: dict[str, zipfile.ZipInfo]) -> str:
    if "BundleConfig.pb" in entries:
        return AAB
    if "AndroidManifest.xml" not in entries:
        raise InputError(f"{path} is a zip file, but neither an APK nor an AAB: it has no AndroidManifest.xml")
    if "classes.jar" in entries:
        raise InputError(f"{path} is an AAR: its assets can be checked only in the app that includes it; give that")
    return APK
