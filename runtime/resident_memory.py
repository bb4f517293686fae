"""The peak memory of a process."""

import re
import resource
import sys
from pathlib import Path
from typing import Optional

UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss


def peak_bytes(status: Path = Path("/proc/self/status")) -> Optional[int]:
    """Return this process's peak resident memory (VmHWM) in bytes; None if the system does not say.

    ru_maxrss would also count the process that this one was forked from.
    """
    try:
        found = re.search(r"^VmHWM:\s*(\d+) kB$", status.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def family_peak_bytes() -> int:
    """Return the peak resident memory of the larger of this process and its largest child that ended, in bytes."""
    own = peak_bytes() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * UNIT)
