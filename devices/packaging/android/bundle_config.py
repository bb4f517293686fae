"""What an app bundle says of compression: `BundleConfig.pb`, as bundletool's `config.proto` has it.

The message is small and known, so its wire format is read here: a field is its number and kind in one varint, and
then a varint, 8 bytes, 4 bytes, or a length and as many bytes (https://protobuf.dev/programming-guides/encoding).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from detlite.runtime.errors import InputError

COMPRESSION = 3  # of BundleConfig
UNCOMPRESSED_GLOB, INSTALL_TIME_DEFAULT = 1, 2  # of Compression
COMPRESSED = 2  # of AssetModuleCompression
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_VARINT_BYTES = 10
MAX_GLOB = 200

Field = tuple[int, int | bytes]


@dataclass(frozen=True)
class BundleCompression:
    """What bundletool compresses in the APKs that it makes of a bundle.

    Attributes:
        uncompressed: globs of what it stores.
        compresses_packs: whether it compresses what an install-time asset pack brings.
    """

    uncompressed: tuple[str, ...] = ()
    compresses_packs: bool = False

    def stores(self, path: str, *, in_pack: bool) -> bool:
        """Return whether the file at *path* in an APK, of the base module or of an asset pack, is stored."""
        if any(_pattern(glob).fullmatch(path) for glob in self.uncompressed):
            return True
        return in_pack and not self.compresses_packs


def read_compression(data: bytes) -> BundleCompression:
    """Return what the `BundleConfig.pb` *data* says of compression.

    Raises:
        InputError: it is damaged.
    """
    globs, packs = [], False
    for number, value in _fields(data):
        if number != COMPRESSION or not isinstance(value, bytes):
            continue
        for inner, setting in _fields(value):
            if inner == UNCOMPRESSED_GLOB and isinstance(setting, bytes):
                globs.append(setting.decode("utf-8", errors="replace"))
            elif inner == INSTALL_TIME_DEFAULT:
                packs = setting == COMPRESSED
    return BundleCompression(tuple(globs), packs)


def _fields(data: bytes) -> Iterator[Field]:
    """Yield (number, value) of each field of the message *data*."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        size = {FIXED64: 8, FIXED32: 4}.get(kind)
        if kind == BYTES:
            size, at = _varint(data, at)
        if size is None or at + size > len(data):
            raise InputError(f"the bundle's BundleConfig.pb is damaged at byte {at}")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at *at*, and where the next thing begins."""
    value = 0
    for count, byte in enumerate(data[at : at + MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, at + count + 1
    raise InputError(f"the bundle's BundleConfig.pb is damaged at byte {at}: no number ends there")


def _pattern(glob: str) -> re.Pattern[str]:
    """Return a Java glob as a regular expression: `**` is any path, `*` any name, `[aA]` one of these letters."""
    parts = re.findall(r"\*\*|\*|\?|\[[^\[\]]+\]|.", glob[:MAX_GLOB], re.DOTALL)
    known = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    made = "".join(
        known.get(part) or (f"[{re.escape(part[1:-1])}]" if part.startswith("[") and len(part) > 2 else re.escape(part))
        for part in parts
    )
    return re.compile(made, re.DOTALL)
