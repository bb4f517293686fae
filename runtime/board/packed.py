"""The model and images that `detlite package --runtime` packs into the program's file."""

from __future__ import annotations

import sys
import zipimport
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Callable, Optional, Type

from detlite.runtime.artifact import CONTRACT, Artifact, artifact_folder, read_artifact
from detlite.runtime.errors import InputError
from detlite.runtime.hashing import sha256_of

ARTIFACT, IMAGES = "artifact/", "images/"
PACKED = "packed"
"""A marker file in the program: it also contains files other than Python's."""

if TYPE_CHECKING:
    import tempfile


class Packed:
    """The program's non-Python files, unpacked to a folder that is deleted when the program ends."""

    def __init__(self, archive: Optional[Path] = None) -> None:
        """Open *archive*, or the running file; without a packed model there are no files."""
        home = Path(sys.argv[0]) if archive is None else archive
        self._folder: Optional[tempfile.TemporaryDirectory[str]] = None
        self.model: Optional[Path] = None
        self.images: Optional[Path] = None
        if not home.is_file() or not _has_files(home):
            return
        import tempfile  # imported here, like zipfile, because a program without a model does not need them
        import zipfile

        with zipfile.ZipFile(home) as opened:
            names = [name for name in opened.namelist() if name.startswith((ARTIFACT, IMAGES))]
            self._folder = tempfile.TemporaryDirectory(prefix="board-")
            opened.extractall(self._folder.name, names)
        root = Path(self._folder.name)
        self.model = root / ARTIFACT if (root / ARTIFACT).is_dir() else None
        self.images = root / IMAGES if (root / IMAGES).is_dir() else None

    def __enter__(self) -> Packed:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._folder is not None:
            self._folder.cleanup()


def _has_files(home: Path) -> bool:
    try:
        zipimport.zipimporter(str(home)).get_data(PACKED)
    except (OSError, zipimport.ZipImportError):  # no packed files, or not running from a single file
        return False
    return True


def find_model(given: Optional[str], packed: Packed) -> Path:
    """Return the path that was *given*, or the packed model.

    Raises:
        InputError: no path was given, and no model is packed.
    """
    if given is not None:
        path = Path(given)
        if not path.exists():
            raise InputError(f"{path} does not exist: give an artifact folder or a model file")
        return path
    if packed.model is None:
        raise InputError(f"want a MODEL: {Path(sys.argv[0]).name} has none packed in it")
    return packed.model


def open_model(path: Path, *, sha256: Callable[[Path], str] = sha256_of) -> Artifact:
    """Return the artifact at *path*, after checking its model's *sha256* against its history.

    Raises:
        InputError: it is not an artifact.
    """
    folder = artifact_folder(path)
    if folder is not None:
        return read_artifact(folder, sha256=sha256)
    raise InputError(f"{path} has no {CONTRACT} beside it, which describes the model: give an artifact folder")
