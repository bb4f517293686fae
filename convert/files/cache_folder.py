"""The cache folder: files that detlite can download or make again."""

from __future__ import annotations

import os
from pathlib import Path


def default_cache_folder() -> Path:
    """Return $DETLITE_CACHE if set, else the folder `detlite` in $XDG_CACHE_HOME or ~/.cache."""
    if own := os.environ.get("DETLITE_CACHE"):
        return Path(own).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().absolute() / "detlite"
