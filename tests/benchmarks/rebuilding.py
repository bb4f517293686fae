"""How long a checkpoint takes to become float TFLite, beside TensorFlow's import: run by hand.

python tests/benchmarks/rebuilding.py CONFIG CHECKPOINT [--input HxW]
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path


def spent(command: list[str]) -> tuple[float, float]:
    """Processor seconds and peak megabytes of *command* and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return seconds, after.ru_maxrss / 1024  # the largest child so far: measure the smaller command first


def main() -> None:
    """Print both, and what is detlite's own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--input")
    given = parser.parse_args()
    bare, bare_mb = spent([sys.executable, "-c", "import tensorflow"])
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "detlite.cli", "convert", "-o", f"{folder}/out"]
        command += ["--config", str(given.config), "--checkpoint", str(given.checkpoint)]
        whole, whole_mb = spent(command + (["--input", given.input] if given.input else []))
    print(f"import tensorflow: {bare:.2f} s, {bare_mb:.0f} MB")
    print(f"detlite convert: {whole:.2f} s, {whole_mb:.0f} MB; without the import {whole - bare:.2f} s")


if __name__ == "__main__":
    main()
