"""Reference models of the original OD API in the shared data, and the checkpoints that their values make."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from builders.golden_files import DATA, GoldenFiles

GOLDENS = DATA / "odapi_goldens"
NAMES = sorted(folder.name for folder in GOLDENS.iterdir() if folder.is_dir()) if GOLDENS.is_dir() else []


@dataclass(frozen=True)
class Golden(GoldenFiles):
    """One reference model of the OD API."""

    folder: ClassVar[Path] = GOLDENS

    @property
    def size(self) -> tuple[int, int]:
        return tuple(self.meta["input"]["shape"][1:3])

    @property
    def rows(self) -> Any:
        """Which anchors the reference keeps: all, or some of very many."""
        return self.arrays.get("rows", slice(None))

    def values(self) -> dict[str, Any]:
        """Every variable of the checkpoint, by name."""
        return dict(self.library.weights(self.variables, self.stored))

    def write_checkpoint(self, folder: Path) -> Path:
        """Write the checkpoint to *folder* and return its prefix."""
        prefix = folder / ("ckpt-0" if self.is_tf2 else "model.ckpt")
        if self.is_tf2:
            write_object_checkpoint(prefix, self.values())
        else:
            self.library.write_tf1_checkpoint(str(prefix), self.variables, self.stored)
        return prefix


def write_object_checkpoint(prefix: Path, values: dict[str, Any]) -> None:
    """Write an object-based checkpoint whose keys are the names of *values*; None stands for zeros."""
    import tensorflow as tf

    root = tf.train.Checkpoint()
    for name, value in values.items():
        *path, last = name.split("/")
        owner = root
        for part in path:
            child = getattr(owner, part.replace(".S", "/"), None)
            if child is None:
                child = tf.Module()
                setattr(owner, part.replace(".S", "/"), child)
            owner = child
        setattr(owner, last, tf.Variable(np.zeros(3, np.float32) if value is None else value))
    root.write(str(prefix))
