"""How much memory this process had at most."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Optional


def peak_bytes(status: Path = Path("/proc/self/status")) -> Optional[int]:
    """Return the peak of the resident memory (VmHWM), in bytes; None where the system does not say."""
    try:
        found = re.search(r"^VmHWM:\s*(\d+) kB$", status.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None
