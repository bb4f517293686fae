"""Reference models of the original OD API in the shared data, and the checkpoints that their values make."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

GOLDENS = Path(__file__).resolve().parents[3] / "shared" / "data" / "odapi_goldens"
NAMES = sorted(folder.name for folder in GOLDENS.iterdir() if folder.is_dir()) if GOLDENS.is_dir() else []


def golden_library() -> Any:
    """The module that says which value each variable of a golden has."""
    spec = importlib.util.spec_from_file_location("goldens_lib", GOLDENS / "goldens_lib.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Golden:
    """One reference model: its config, its variables, and the numbers that the original computes."""

    name: str

    @property
    def config(self) -> Path:
        return GOLDENS / self.name / "pipeline.config"

    @cached_property
    def meta(self) -> dict[str, Any]:
        return dict(json.loads((GOLDENS / self.name / "meta.json").read_text()))

    @cached_property
    def arrays(self) -> dict[str, Any]:
        return dict(np.load(GOLDENS / self.name / "golden.npz"))

    @property
    def size(self) -> tuple[int, int]:
        return tuple(self.meta["input"]["shape"][1:3])

    @property
    def is_tf2(self) -> bool:
        return self.name.startswith("tf2_")

    @property
    def rows(self) -> Any:
        """Which anchors the reference keeps: all, or some of very many."""
        return self.arrays.get("rows", slice(None))

    @cached_property
    def variables(self) -> list[tuple[str, tuple[int, ...], str]]:
        return [(name, tuple(shape), dtype) for name, shape, dtype, *_ in self.meta["variables"]]

    def values(self) -> dict[str, Any]:
        """Every variable of the checkpoint, by name."""
        stored = dict(np.load(GOLDENS / self.name / "stored.npz"))
        return dict(golden_library().weights(self.variables, stored))

    def write_checkpoint(self, folder: Path) -> Path:
        """Write the checkpoint to *folder* and return its prefix."""
        prefix = folder / ("ckpt-0" if self.is_tf2 else "model.ckpt")
        if self.is_tf2:
            write_object_checkpoint(prefix, self.values())
        else:
            golden_library().write_tf1_checkpoint(str(prefix), self.variables, _stored(self.name))
        return prefix


def _stored(name: str) -> dict[str, Any]:
    return dict(np.load(GOLDENS / name / "stored.npz"))


def write_object_checkpoint(prefix: Path, values: dict[str, Any]) -> None:
    """Write an object-based checkpoint whose keys are the names of *values*."""
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
        setattr(owner, last, tf.Variable(value))
    root.write(str(prefix))
