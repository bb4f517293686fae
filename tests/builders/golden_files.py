"""Reference models of an original framework in the shared data: a folder for each, with its config and its numbers."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@cache
def golden_library(file: Path) -> Any:
    """The module in *file*, which says which value each variable of its goldens has."""
    spec = importlib.util.spec_from_file_location(f"{file.parent.name}_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class GoldenFiles:
    """One reference model: its config, its variables, and the numbers that the original computes.

    Attributes:
        name: of its folder.
        folder: where the reference models are.
        library_file: in that folder, what says which value each variable has.
        config_file: in the model's own folder.
    """

    folder: ClassVar[Path]
    library_file: ClassVar[str] = "goldens_lib.py"
    config_file: ClassVar[str] = "pipeline.config"

    name: str

    @property
    def library(self) -> Any:
        return golden_library(self.folder / self.library_file)

    @property
    def config(self) -> Path:
        return self.folder / self.name / self.config_file

    @cached_property
    def meta(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / self.name / "meta.json").read_text()))

    @cached_property
    def arrays(self) -> dict[str, Any]:
        return dict(np.load(self.folder / self.name / "golden.npz"))

    @property
    def stored(self) -> dict[str, Any]:
        """The values that the library cannot compute, by variable."""
        return dict(np.load(self.folder / self.name / "stored.npz"))

    @property
    def is_tf2(self) -> bool:
        return self.name.startswith("tf2_")

    @cached_property
    def variables(self) -> list[tuple[str, tuple[int, ...], str]]:
        return [(name, tuple(shape), dtype) for name, shape, dtype, *_ in self.meta["variables"]]
