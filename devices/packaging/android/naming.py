"""The names of a package's files, Kotlin classes and packs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from detlite.runtime.errors import InputError

MODEL_SUFFIX = ".tflite"
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
SEGMENT = re.compile(r"[a-z][a-z0-9_]*")
DEFAULT_PACKAGE = "org.detlite.models"
RESERVED = re.compile(
    "abstract|as|assert|boolean|break|byte|case|catch|char|class|const|continue|default|do|"
    "double|else|enum|extends|final|finally|float|for|fun|goto|if|implements|import|in|"
    "instanceof|int|interface|is|long|native|new|null|object|package|private|protected|"
    "public|return|short|static|strictfp|super|switch|synchronized|this|throw|throws|"
    "transient|true|false|try|typealias|typeof|val|var|void|volatile|when|while"
)
"""Kotlin and Java keywords, which cannot be part of a package name."""


@dataclass(frozen=True)
class Naming:
    """The names of one package.

    Attributes:
        name: the asset folder's: lower-case letters, digits and underscores.
        package: the Kotlin classes' package.
    """

    name: str
    package: str = DEFAULT_PACKAGE

    def __post_init__(self) -> None:
        if NAME.fullmatch(self.name) is None:
            raise InputError(
                f"the name {self.name!r:.60}: expected a lower-case letter, then up to 39 lower-case letters, "
                "digits or underscores; for example --name street_signs"
            )
        parts = self.package.split(".")
        if len(parts) < 2 or not all(SEGMENT.fullmatch(part) and not RESERVED.fullmatch(part) for part in parts):
            raise InputError(
                f"the Kotlin package {self.package!r:.80}: expected names separated by dots, no keyword among them; "
                "for example --kotlin-package com.example.models"
            )

    @property
    def prefix(self) -> str:
        """The prefix of the Kotlin classes: `street_signs` gives `StreetSigns`."""
        return "".join(part.capitalize() for part in self.name.split("_"))

    @property
    def source_folder(self) -> str:
        """The folder of the Kotlin files in a module."""
        return f"src/main/kotlin/{self.package.replace('.', '/')}"

    @property
    def asset_folder(self) -> str:
        """The folder of the assets in a module."""
        return f"src/main/assets/{self.name}"


def name_of_model(path: Path) -> str:
    """Return a package name for the model at *path*: its folder's or file's, with underscores for other characters."""
    stem = path.absolute().name.removesuffix(MODEL_SUFFIX)
    return re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")[:40]
