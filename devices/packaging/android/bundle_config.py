"""An app bundle's compression settings: `BundleConfig.pb`, defined by bundletool's `config.proto`.

The message is small and known, so it is read without generated classes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from detlite.convert.files.wire_format import fields

COMPRESSION = 3  # of BundleConfig
UNCOMPRESSED_GLOB, INSTALL_TIME_DEFAULT = 1, 2  # of Compression
COMPRESSED = 2  # of AssetModuleCompression
MAX_GLOB = 200
BUNDLE = "the bundle's BundleConfig.pb"


@dataclass(frozen=True)
class BundleCompression:
    """What bundletool compresses in the APKs that it builds from a bundle.

    Attributes:
        uncompressed: globs of the files that it stores.
        compresses_packs: whether it compresses the files of an install-time asset pack.
    """

    uncompressed: tuple[str, ...] = ()
    compresses_packs: bool = False

    def stores(self, path: str, *, in_pack: bool) -> bool:
        """Return whether the file at *path* in an APK, of the base module or an asset pack, is stored uncompressed."""
        if any(_pattern(glob).fullmatch(path) for glob in self.uncompressed):
            return True
        return in_pack and not self.compresses_packs


def read_compression(data: bytes) -> BundleCompression:
    """Return the compression settings in the `BundleConfig.pb` *data*.

    Raises:
        InputError: it is damaged.
    """
    globs, packs = [], False
    for number, value in fields(data, BUNDLE):
        if number != COMPRESSION or not isinstance(value, bytes):
            continue
        for inner, setting in fields(value, BUNDLE):
            if inner == UNCOMPRESSED_GLOB and isinstance(setting, bytes):
                globs.append(setting.decode("utf-8", errors="replace"))
            elif inner == INSTALL_TIME_DEFAULT:
                packs = setting == COMPRESSED
    return BundleCompression(tuple(globs), packs)


def _pattern(glob: str) -> re.Pattern[str]:
    """Return a Java glob as a regular expression: `**` is any path, `*` any name, `[aA]` either letter."""
    parts = re.findall(r"\*\*|\*|\?|\[[^\[\]]+\]|.", glob[:MAX_GLOB], re.DOTALL)
    known = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    made = "".join(
        known.get(part) or (f"[{re.escape(part[1:-1])}]" if part.startswith("[") and len(part) > 2 else re.escape(part))
        for part in parts
    )
    return re.compile(made, re.DOTALL)
