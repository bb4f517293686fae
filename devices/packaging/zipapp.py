"""The board's program as one file: a zipapp of `detlite.runtime`, the same bytes for the same inputs.

Its modules are stored in an archive of their own, which is compressed as a whole: see `start.py`, which opens it.
"""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from detlite.convert.tflite.appended import EPOCH
from detlite.devices.packaging.lean import lean_source
from detlite.devices.packaging.start import MODULES
from detlite.runtime.artifact import CONTRACT, HISTORY, LABELS, Artifact, sha256_of
from detlite.runtime.board.packed import ARTIFACT, IMAGES, PACKED
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

SHEBANG = b"#!/usr/bin/env python3\n"
FIRST, START = (Path(__file__).with_name(name) for name in ("first.py", "start.py"))
PACKAGE = b'"""What `detlite package --runtime` packs: the runtime alone."""\n'
RUNTIME = Path(__file__).parents[2] / "runtime"
MOST_BYTES = 1 << 31
MAKING = threading.Lock()  # `ast.parse` in two threads at once is a SystemError of Python 3.11


def board_program(artifact: Artifact | None = None, images: Sequence[Path] = ()) -> bytes:
    """Return the program as one file, including the model of *artifact* and the *images* if given.

    The model and the images are stored uncompressed: they hardly compress, and are read faster.

    Raises:
        InputError: *artifact* is not a detlite folder, two images have the same name, or the file would be too large.
    """
    stored = _artifact_files(artifact) | _image_files(images)
    if sum(map(len, stored.values())) > MOST_BYTES:
        raise InputError(f"the model and {counted(len(images), 'image is', 'images are')} over 2 GB: pack fewer images")
    with MAKING:
        program = _program()
    buffer = io.BytesIO(SHEBANG)
    buffer.seek(0, io.SEEK_END)
    with zipfile.ZipFile(buffer, "a") as archive:
        for name, data in sorted(program.items()):
            archive.writestr(_entry(name), data, zipfile.ZIP_DEFLATED, compresslevel=9)
        if stored:
            archive.writestr(_entry(PACKED), b"")
        for name, data in sorted(stored.items()):
            archive.writestr(_entry(name), data, zipfile.ZIP_STORED)
    return buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.create_system, entry.external_attr = 3, 0o644 << 16  # Unix attributes on every system
    return entry


@cache
def _program() -> Mapping[str, bytes]:
    """Return the files that every program has."""
    modules = _modules()
    first, start = (lean_source(path.read_text(encoding="utf-8")) for path in (FIRST, START))
    digest = hashlib.sha256(modules).hexdigest()[:16]
    start = start.replace('DIGEST = ""', f'DIGEST = "{digest}"')
    return {"__main__.py": first.encode(), "board_start.py": start.encode(), MODULES: modules}


def _modules() -> bytes:
    """Return the archive of the runtime's modules, uncompressed."""
    found = {"detlite/__init__.py": PACKAGE}
    for path in RUNTIME.rglob("*.py"):
        found[f"detlite/runtime/{path.relative_to(RUNTIME).as_posix()}"] = lean_source(
            path.read_text(encoding="utf-8")
        ).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in sorted(found.items()):
            archive.writestr(_entry(name), data, zipfile.ZIP_STORED)
    return buffer.getvalue()


def _artifact_files(artifact: Artifact | None) -> dict[str, bytes]:
    if artifact is None:
        return {}
    folder = artifact.model.parent
    names = (artifact.model.name, CONTRACT, LABELS, HISTORY)
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{folder} holds no {missing[0]}: expected a folder that detlite wrote")
    if sha256_of(artifact.model) != artifact.history[-1].get("output_sha256"):
        raise InputError(f"{artifact.model} was replaced while it was being packed")
    return {ARTIFACT + name: (folder / name).read_bytes() for name in names}


def _image_files(images: Sequence[Path]) -> dict[str, bytes]:
    found = {IMAGES + path.name: path.read_bytes() for path in images}
    if len(found) != len(images):
        raise InputError("two of the images have the same name: rename one")
    return found
