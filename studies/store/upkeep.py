"""The upkeep of a store: what is damaged, and what nothing refers to any more."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from detlite.studies.store.blobs import SCRATCH, blob_path, blobs_in, is_damaged
from detlite.studies.store.entry import DONE
from detlite.studies.store.store import Store

MODELS = "models"
"""The folder of a study with the artifacts of its stages, each named by the stage's key."""


@dataclass(frozen=True)
class Garbage:
    """What nothing refers to: `paths`, and their size in bytes."""

    paths: tuple[Path, ...]
    size_bytes: int


def damage_in(store: Store) -> list[str]:
    """Return one sentence for each damaged line, and for each blob that is missing or damaged."""
    scan = store.scan()
    found = [f"damaged record: {reason}" for reason in scan.damage]
    wanted = {sha256: entry.key for entry in scan.entries if entry.status == DONE for sha256 in entry.blobs.values()}
    for sha256, key in sorted(wanted.items()):
        place = blob_path(store.root, sha256)
        if not place.is_file():
            found.append(f"missing blob: {place.name}, of the record {key[:12]}")
        elif is_damaged(place):
            found.append(f"damaged blob: {place.name}, of the record {key[:12]}")
    return found


def garbage_in(store: Store, *, min_age_s: float) -> Garbage:
    """Return the blobs and models that no record refers to, and scratch files, older than *min_age_s*.

    A running sweep writes blobs and models before their records: the age keeps those.
    """
    entries = store.scan().entries
    blobs = {sha256 for entry in entries for sha256 in entry.blobs.values()}
    keys = {entry.key for entry in entries if entry.status == DONE}
    paths = [path for path in blobs_in(store.root) if path.name not in blobs]
    paths += [path for path in _inside(store.root / MODELS) if path.name not in keys]
    paths += _inside(store.root / SCRATCH)
    newest = time.time() - min_age_s
    old = tuple(path for path in paths if _is_from_before(newest, path))
    return Garbage(old, sum(map(_size, old)))


def remove(garbage: Garbage) -> None:
    """Delete what `garbage_in` found; of a link, the link alone."""
    for path in garbage.paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _is_from_before(newest: float, path: Path) -> bool:
    try:
        return path.lstat().st_mtime <= newest
    except FileNotFoundError:  # a running sweep has just removed its scratch file
        return False


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() and not path.is_symlink() else (path,)
    return sum(one.lstat().st_size for one in files if one.is_file() and not one.is_symlink())
