"""More tasks that a child may be asked to do in tests."""

import os
import subprocess
import sys
import time

from builders.child_tasks import Record
from detlite.runtime.progress import Progress


def numpy_version(_request: Record, _progress: Progress) -> Record:
    """Return the version of numpy that the child imports."""
    import numpy

    return {"version": numpy.__version__}


def start_another(_request: Record, progress: Progress) -> None:
    """Start a process, report its id, and hang for a minute."""
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    progress(str(other.pid), 0, 0)
    time.sleep(60)


def exhaust_memory(_request: Record, _progress: Progress) -> None:
    """Fail as without memory."""
    raise MemoryError


def abort_with_words(_request: Record, _progress: Progress) -> None:
    """Write why, a stack trace and a notice to stderr, and abort."""
    print("this is why", file=sys.stderr)
    print("*** Check failure stack trace: ***", file=sys.stderr)
    print("    @     0x7f075cece564  absl::LogMessage::Flush()", file=sys.stderr)
    print("INFO: a delegate was made", file=sys.stderr, flush=True)
    os.abort()
