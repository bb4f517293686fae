"""More tasks that a child may be asked to do in tests."""

import os
import subprocess
import sys
import time


def numpy_version(_request, _progress):
    import numpy

    return {"version": numpy.__version__}


def start_another(_request, progress):
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    progress(str(other.pid), 0, 0)
    time.sleep(60)


def exhaust_memory(_request, _progress):
    raise MemoryError


def abort_with_words(_request, _progress):
    print("this is why", file=sys.stderr)
    print("INFO: a delegate was made", file=sys.stderr, flush=True)
    os.abort()
