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
LOCAL_HEADER = struct.Struct("<4s22xHH")  # its mark; the lengths of the name and of the extra field
LOCAL_MARK = b"PK\x03\x04"


@dataclass(frozen=True, eq=False)
class AppFile:
    """An open app.

    Attributes:
        path: the file.
        kind: `APK` or `AAB`.
        entries: the files in it, by name.
        archive: the open zip.
    """

    path: Path
    kind: str
    entries: dict[str, zipfile.ZipInfo]
    archive: zipfile.ZipFile

    def read(self, name: str, most_bytes: int) -> bytes:
        """Return the content of the file *name*.

        Raises:
            InputError: it is damaged, or has over *most_bytes*.
        """
        content = b"".join(self._blocks(name, most_bytes))
        if len(content) > most_bytes:
            raise InputError(f"{name} in {self.path} has over {most_bytes} bytes")
        return content

    def sha256(self, name: str, most_bytes: int) -> str:
        """Return the sha256 of the file *name*; of one with over *most_bytes* that of a part, which is another one."""
        whole = hashlib.sha256()
        for block in self._blocks(name, most_bytes):
            whole.update(block)
        return whole.hexdigest()

    def data_offset(self, name: str) -> int:
        """Return where in the app the content of *name* begins, in bytes.

        Raises:
            InputError: the app is damaged there.
        """
        entry = self.entries[name]
        with self.path.open("rb") as file:
            file.seek(entry.header_offset)
            header = file.read(LOCAL_HEADER.size)
        if len(header) < LOCAL_HEADER.size or header[:4] != LOCAL_MARK:
            raise InputError(f"{self.path} is damaged: no file begins where it says that {name} does")
        _mark, name_bytes, extra_bytes = LOCAL_HEADER.unpack(header)
        return int(entry.header_offset + LOCAL_HEADER.size + name_bytes + extra_bytes)

    def _blocks(self, name: str, most_bytes: int) -> Iterator[bytes]:
        """Yield the content of *name*, and no more of it once there are over *most_bytes*."""
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
        InputError: it is no APK and no AAB.
    """
    try:
        archive = zipfile.ZipFile(path)
    except ZIP_DAMAGED as error:
        raise InputError(f"{path} is no APK and no AAB: {error}; give the file that Gradle built") from error
    with archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        if len(entries) != len(archive.infolist()):
            raise InputError(f"{path} has two files of one name in it: Android does not install it")
        yield AppFile(path, _kind(path, entries), entries, archive)


def _kind(path: Path, entries: dict[str, zipfile.ZipInfo]) -> str:
    if "BundleConfig.pb" in entries:
        return AAB
    if "AndroidManifest.xml" not in entries:
        raise InputError(f"{path} is a zip file, but no APK and no AAB: it has no AndroidManifest.xml")
    if "classes.jar" in entries:
        raise InputError(f"{path} is an AAR: what becomes of its assets is seen in the app that takes it in; give that")
    return APK
