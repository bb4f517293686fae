"""What `python3 board.pyz` runs first: its modules, compiled once and kept in the user's cache if possible.

Python compiles the modules of a zip at each start, which takes longer than a detection. If the cache cannot be
written, or Python must write no bytecode (`-B`, PYTHONDONTWRITEBYTECODE), they run from the zip.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

DIGEST = ""  # of the modules, filled in when the program is built: each program has its own folder


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
    import shutil
    import tempfile
    import zipfile

    part = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = tempfile.mkdtemp(dir=folder.parent)
        with zipfile.ZipFile(program) as archive:
            archive.extractall(part, [name for name in archive.namelist() if name.endswith(".py")])
        Path(part).rename(folder)
    except OSError:  # no home, no space, or another start was first
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)


if __name__ == "__main__":
    found = unpacked(Path(sys.argv[0]), DIGEST)
    if found is not None:
        sys.path.insert(0, str(found))
    from detlite.runtime.board.main import main

    sys.exit(main())
