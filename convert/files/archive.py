"""Unpack an untrusted archive: completely or not at all, inside the target folder, and within limits.

Every byte that leaves the decompressor is counted, so a header cannot understate a size. Links are never created: a
link to a file in the archive becomes a copy of that file, and any other link is refused.
"""

from __future__ import annotations

import errno
import gzip
import lzma
import re
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from detlite.convert.files.tar_stream import read_tar
from detlite.runtime.errors import InputError

SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")
BLOCK_BYTES = 1 << 18
NAME_BYTES = 255  # longest path component on common file systems
BROKEN = (
    tarfile.TarError,
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RecursionError,
    NotImplementedError,
    OverflowError,
    struct.error,
    lzma.LZMAError,
)


@dataclass(frozen=True)
class Limits:
    """The most that an archive may unpack to.

    The largest archives of the zoos hold about 1 GB in a dozen files. Weights hardly compress; text such as
    graph.pbtxt compresses 20 times. *ratio* (unpacked over packed bytes) applies only above *ratio_from_bytes*.
    """

    total_bytes: int = 8 << 30
    member_bytes: int = 4 << 30
    members: int = 10_000
    ratio: int = 100
    ratio_from_bytes: int = 16 << 20

    def cap(self, packed_bytes: int) -> int:
        """Return the number of bytes that an archive of *packed_bytes* may unpack to."""
        return min(self.total_bytes, max(self.ratio_from_bytes, self.ratio * packed_bytes))


@dataclass(frozen=True)
class Member:
    """One file in an archive: its name, separated by `/`, and the size that its header states."""

    name: str
    size_bytes: int


@dataclass(frozen=True, eq=False)
class _Entry:
    """One member: *kind* is `file` (with *data*), `folder`, or `link` (with *target*)."""

    name: str
    kind: str
    size_bytes: int
    target: str
    data: IO[bytes] | None


COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")
"""How files of gzip, bzip2 and xz begin."""


def is_archive(path: Path) -> bool:
    """Return whether the file at *path* is an archive that `unpack` takes: by its name, or a tar by its content."""
    if has_archive_name(path.name):
        return True
    try:
        with path.open("rb") as file:
            head = file.read(tarfile.BLOCKSIZE)
        if not head.strip(b"\0"):
            return False  # an empty tar to Python, which would look for a header to the file's end
        with tarfile.open(path, "r" if head.startswith(COMPRESSED) else "r:"):
            return True
    except (tarfile.TarError, OSError, EOFError, zlib.error):
        return False


def has_archive_name(name: str) -> bool:
    """Return whether a file called *name* is, by its suffix, an archive that `unpack` takes."""
    return name.lower().endswith(SUFFIXES)


def members(archive: Path, *, limits: Limits | None = None) -> tuple[Member, ...]:
    """Return the files in *archive*, in its order, without unpacking them.

    Raises:
        InputError: see `unpack`.
    """
    with _input_errors(archive):
        found = _checked(archive, limits or Limits())
        return tuple(Member(entry.name, entry.size_bytes) for entry in found if entry.kind != "folder")


def unpack(archive: Path, target: Path, *, limits: Limits | None = None) -> Path:
    """Unpack *archive* to the new folder *target* and return *target*.

    The content decides whether it is read as .tar, .tar.gz or .zip. Files are written to a hidden folder next to
    *target*, which is renamed once it is complete.

    Raises:
        InputError: *archive* is truncated, corrupt or not an archive; it names a path outside its folder or
            holds a device; it exceeds a limit; or *target* already exists. No file is left over.
    """
    if target.exists() or target.is_symlink():
        raise InputError(f"{target} already exists; {archive.name} is unpacked to a new folder only")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent))
    try:
        with _input_errors(archive):
            _write(archive, partial, limits or Limits())
        partial.chmod(0o755)
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return target


def _write(archive: Path, folder: Path, limits: Limits) -> None:
    left = limits.cap(archive.stat().st_size)
    for entry in _checked(archive, limits):
        place = folder.joinpath(*PurePosixPath(entry.name).parts)
        if entry.kind == "folder":
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        with _opened(entry, folder) as data, place.open("xb") as file:
            left -= _copy(data, file, min(left, limits.member_bytes), entry.name)


@contextmanager
def _opened(entry: _Entry, folder: Path) -> Iterator[IO[bytes]]:
    if entry.data is not None:
        yield entry.data
        return
    pointed_at = folder.joinpath(*PurePosixPath(entry.target).parts)
    if not pointed_at.is_file():
        raise InputError(f"{entry.name} is a link to {entry.target}, which is not a file earlier in the archive")
    with pointed_at.open("rb") as data:
        yield data


def _copy(data: IO[bytes], file: IO[bytes], most_bytes: int, name: str) -> int:
    written = 0
    while block := data.read(BLOCK_BYTES):
        written += len(block)
        if written > most_bytes:
            raise InputError(f"{name} unpacks to more than the {most_bytes} bytes that the limits still allow")
        file.write(block)
    return written


def _checked(archive: Path, limits: Limits) -> Iterator[_Entry]:
    total = 0
    cap = limits.cap(archive.stat().st_size)
    for count, entry in enumerate(_entries(archive, limits), start=1):
        total += entry.size_bytes
        if count > limits.members:
            raise InputError(f"it has more than {limits.members} members, the limit")
        if entry.size_bytes > limits.member_bytes:
            raise InputError(f"{entry.name} has {entry.size_bytes} bytes; the limit is {limits.member_bytes}")
        if total > cap:
            raise InputError(
                f"it unpacks to at least {total} bytes; the limit for an archive of {archive.stat().st_size} bytes "
                f"is {cap}"
            )
        yield entry


def _entries(archive: Path, limits: Limits) -> Iterator[_Entry]:
    with archive.open("rb") as file:
        magic = file.read(4)
    if magic.startswith(b"PK"):
        return _zip_entries(archive)
    return _tar_entries(archive, limits)


def _tar_entries(archive: Path, limits: Limits) -> Iterator[_Entry]:
    for info, data in read_tar(archive, most_bytes=limits.cap(archive.stat().st_size)):
        name = _safe_name(info.name)
        if name == "." and info.isdir():
            continue
        if info.issparse() or not (info.isreg() or info.isdir() or info.islnk() or info.issym()):
            raise InputError(f"{name} is a device, a pipe or a sparse file; want files, folders and links only")
        kind = "file" if data else "folder" if info.isdir() else "link"
        target = _link_target(info) if kind == "link" else ""
        tarfile.data_filter(info, str(archive.parent))  # the standard library's checks, as a second line of defence
        yield _Entry(name, kind, info.size if data else 0, target, data)


def _link_target(info: tarfile.TarInfo) -> str:
    """Return a link's target relative to the archive's root; a symbolic link is relative to its own folder."""
    start = PurePosixPath(info.name).parent if info.issym() else PurePosixPath()
    if info.linkname.startswith(("/", "\\")):
        raise InputError(f"{info.name} is a link to {info.linkname}, outside the archive")
    parts: list[str] = []
    for part in (start / info.linkname).parts:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            raise InputError(f"{info.name} is a link to {info.linkname}, outside the archive")
    return _safe_name("/".join(parts) or ".")


def _zip_entries(archive: Path) -> Iterator[_Entry]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            name = _safe_name(info.filename)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.is_dir():
                yield _Entry(name, "folder", 0, "", None)
                continue
            if kind not in (0, stat.S_IFREG):
                raise InputError(f"{name} is a link or a device; want files and folders only in a .zip")
            if info.flag_bits & 0x1:
                raise InputError(f"{name} is encrypted; unpack it yourself first")
            with file.open(info) as data:
                yield _Entry(name, "file", info.file_size, "", data)


def _safe_name(name: str) -> str:
    parts = re.split(r"[/\\]", name)
    if not name or name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
        raise InputError(f"the member {name!r} has an absolute path")
    if ".." in parts:
        raise InputError(f"the member {name!r} is outside the archive's folder")
    if any(ord(letter) < 32 for letter in name):
        raise InputError(f"the member {name!r} has control characters in its name")
    sizes = [len(part.encode("utf-8", "surrogateescape")) for part in parts]
    if max(sizes) > NAME_BYTES or sum(sizes) > 4 * NAME_BYTES:
        raise InputError(f"the name of the member {name[:40]!r}... is too long")
    return "/".join(part for part in parts if part not in ("", ".")) or "."


@contextmanager
def _input_errors(archive: Path) -> Iterator[None]:
    """Raise every error that a bad archive causes in its reader as an `InputError` that names the archive."""
    try:
        yield
    except InputError as error:
        raise InputError(f"cannot unpack {archive}: {error}") from error
    except FileNotFoundError as error:
        raise InputError(f"{archive} does not exist") from error
    except FileExistsError as error:
        raise InputError(f"cannot unpack {archive}: it holds {Path(str(error.filename)).name} twice") from error
    except (NotADirectoryError, IsADirectoryError) as error:
        raise InputError(f"cannot unpack {archive}: a member is both a file and a folder") from error
    except (*BROKEN, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # the disk's; an offset before the file's start is EINVAL, and a broken bzip2 stream has no number
        raise InputError(
            f"{archive} is truncated, corrupt or not a .tar.gz, .tar or .zip ({error or type(error).__name__}); "
            "download it again"
        ) from error
