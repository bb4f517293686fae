"""What the files, the Kotlin classes and the packs of one package are called."""

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
"""Words of Kotlin and of Java that cannot stand in a package's name."""


@dataclass(frozen=True)
class Naming:
    """The names of one package.

    Attributes:
        name: of the asset folder: small letters, digits and underscores.
        package: of the Kotlin classes.
    """

    name: str
    package: str = DEFAULT_PACKAGE

    def __post_init__(self) -> None:
        if NAME.fullmatch(self.name) is None:
            raise InputError(
                f"the name {self.name!r:.60}: want a small letter, then at most 39 small letters, digits or "
                "underscores, such as --name street_signs"
            )
        parts = self.package.split(".")
        if len(parts) < 2 or not all(SEGMENT.fullmatch(part) and not RESERVED.fullmatch(part) for part in parts):
            raise InputError(
                f"the Kotlin package {self.package!r:.80}: want names with dots between, none of them a word of the "
                "language, such as --kotlin-package com.example.models"
            )

    @property
    def prefix(self) -> str:
        """What the Kotlin classes begin with: `street_signs` gives `StreetSigns`."""
        return "".join(part.capitalize() for part in self.name.split("_"))

    @property
    def source_folder(self) -> str:
        """Where the Kotlin files go in a module."""
        return f"src/main/kotlin/{self.package.replace('.', '/')}"

    @property
    def asset_folder(self) -> str:
        """Where the assets go in a module."""
        return f"src/main/assets/{self.name}"


def name_of_model(path: Path) -> str:
    """Return a name for the package of the model at *path*: of its folder or file, what is no letter as underscore."""
    stem = path.absolute().name.removesuffix(MODEL_SUFFIX)
    return re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")[:40]
