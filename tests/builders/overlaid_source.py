"""detlite with files added to it: a tree of links to its source, in which a test puts files of its own."""

import os
import tomllib
from pathlib import Path

from builders.command_line import Detlite
from builders.source_tree import ROOT


class OverlaidSource:
    """The source of detlite as links in *folder*; what `add` writes is there besides, and no file is another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.package = folder / "detlite"
        shipped = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
        for name in shipped["only-include"]:
            _link(ROOT / name, self.package / name)

    def add(self, path: str, text: str) -> None:
        """Add a file at *path*, relative to the package; it must not be there already."""
        with (self.package / path).open("x", encoding="utf-8") as file:
            file.write(text)

    def command_line(self, folder: Path) -> Detlite:
        """Return the command line of this detlite, in *folder*."""
        made = Detlite(folder)
        made.environment["PYTHONPATH"] = str(self.folder)
        made.environment["PYTHONPYCACHEPREFIX"] = str(self.folder / "compiled")
        return made


def _link(source: Path, place: Path) -> None:
    if source.is_file():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(source)
        return
    for folder, folders, files in os.walk(source):
        folders[:] = [name for name in folders if name != "__pycache__"]
        inner = place / Path(folder).relative_to(source)
        inner.mkdir(parents=True, exist_ok=True)
        for name in files:
            (inner / name).symlink_to(Path(folder) / name)
