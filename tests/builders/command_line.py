"""`detlite` run as users run it: a process of its own, in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from builders.json_schemas import check_record


@dataclass(frozen=True)
class Ran:
    """A finished `detlite`: its exit status and what it wrote to stdout and stderr."""

    status: int
    out: str
    err: str


class Detlite:
    """`detlite` in a scratch folder with a cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "DETLITE_CACHE": str(folder / "cache"), "NO_COLOR": "1"}

    def command(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "detlite.cli", *map(str, arguments)]

    def __call__(self, *arguments: object) -> Ran:
        done = subprocess.run(
            self.command(*arguments), cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300
        )
        if done.stdout.startswith("{"):
            check_record(json.loads(done.stdout))  # every `--json` is as its schema says
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=heed_interrupts,
        )


def heed_interrupts() -> None:
    """Undo an ignored SIGINT, which a process in the background inherits."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
