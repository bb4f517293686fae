"""Commands are run as users run them: a process of their own, in a folder of their own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "convert"))


@dataclass(frozen=True)
class Ran:
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
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def detlite(tmp_path):
    return Detlite(tmp_path)


@pytest.fixture(scope="session")
def detlite_in():
    """Gives `detlite` in any folder."""
    return Detlite


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A tiny detector, converted and quantized once: `source`, `float`, `int8`, `photos`."""
    from model_files import write_frozen, write_photos

    folder = tmp_path_factory.mktemp("made")
    run = Detlite(folder)
    write_frozen(folder / "source")
    write_photos(folder / "photos")
    assert run("convert", "source", "-o", "float").status == 0
    assert run("quantize", "float", "-o", "int8", "--images", "photos", "--count", 4).status == 0
    return folder
