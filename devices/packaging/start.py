"""What `python3 board.pyz` runs once Python is new enough: it makes the program's modules importable, and starts it.

The modules are one archive inside the program: 100 small entries would make the file a third larger, and each start
slower. Python compiles the modules of an archive at each start, which takes longer than a detection, so they are
unpacked once in the user's cache, where they stay compiled. If the cache cannot be written, or Python must write no
bytecode (`-B`, PYTHONDONTWRITEBYTECODE), they run from a temporary copy of the archive.
"""

from __future__ import annotations

import contextlib
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

DIGEST = ""  # of the modules, filled in when the program is built: each program has its own folder
MODULES = "modules.zip"
INTERPRETERS = ("ai_edge_litert", "tflite_runtime", "tensorflow", "onnxruntime")


def unpacked(program: Path, digest: str) -> Path | None:
    """Return the folder of *program*'s modules, unpacked at the first start; None if it cannot be written."""
    if sys.dont_write_bytecode:
        return None
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(cache) / "detlite" / f"board-{digest}"
    if not folder.is_dir():
        _unpack(program, folder)
    return folder if folder.is_dir() else None


def _unpack(program: Path, folder: Path) -> None:
    import io
    import shutil
    import tempfile
    import zipfile

    part = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = tempfile.mkdtemp(dir=folder.parent)
        with zipfile.ZipFile(io.BytesIO(_archive(program))) as archive:
            archive.extractall(part)
        Path(part).rename(folder)
    except OSError:  # no home, no space, or another start was first
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)


def _archive(program: Path) -> bytes:
    """Return the archive of *program*'s modules."""
    import zipfile

    with zipfile.ZipFile(program) as archive:
        return archive.read(MODULES)


def start(modules: Path) -> int:
    """Run the program whose modules are in *modules*, a folder or an archive, and return its exit status."""
    sys.path.insert(0, str(modules))
    from detlite.runtime.board.main import main

    return main()


def start_from_copy(program: Path) -> int:
    """Run *program* from a temporary copy of its archive, and return its exit status."""
    import tempfile

    try:
        temporary = tempfile.TemporaryDirectory(prefix="board-")
        copy = Path(temporary.name) / MODULES
        copy.write_bytes(_archive(program))
    except OSError as error:
        sys.stderr.write(f"{program.name}: no folder for its modules: {error}; set XDG_CACHE_HOME or TMPDIR to one\n")
        return 3
    with temporary:
        return start(copy)


def end(status: int) -> NoReturn:
    """End with *status*, without dismantling the interpreter: that takes 5 ms, and all that was opened is closed."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)  # the interpreter says why the output cannot be written


def lacking() -> str | None:
    """Return what this Python must have and lacks, with the command that installs it; None if it can run models."""
    if find_spec("numpy") is not None:
        return None
    import shlex

    is_old = sys.version_info < (3, 10)
    packages = ["numpy<2" if is_old else "numpy"]
    if not any(find_spec(name) for name in INTERPRETERS):
        packages.append("tflite-runtime" if is_old else "ai-edge-litert")
    if find_spec("PIL") is None:
        packages.append("pillow")
    install = [sys.executable, "-m", "pip", "install", *packages]
    return f"{sys.executable} lacks {', '.join(packages)}: {shlex.join(install)}"


def run() -> NoReturn:
    """Run the program, and end with its exit status."""
    program = Path(sys.argv[0])
    lacks = lacking()
    if lacks is not None:
        sys.stderr.write(f"{program.name}: {lacks}\n")
        end(3)
    found = unpacked(program, DIGEST)
    end(start_from_copy(program) if found is None else start(found))
