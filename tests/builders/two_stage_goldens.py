"""Two-stage reference models of the original OD API in the shared data: their checkpoints, images and numbers."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from builders.golden_models import write_object_checkpoint

GOLDENS = Path(__file__).resolve().parents[3] / "shared" / "data" / "twostage_goldens"


def two_stage_library() -> Any:
    """The module that says which value each variable of a golden has, and makes its image."""
    spec = importlib.util.spec_from_file_location("two_stage_goldens_lib", GOLDENS / "goldens_lib.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class TwoStageGolden:
    """One reference model."""

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
        """(height, width) of the network's input."""
        rows, columns = self.meta["preprocessed_shape"][1:3]
        return int(rows), int(columns)

    @property
    def proposals(self) -> int:
        """How many of the proposals are boxes."""
        return int(self.arrays["num_proposals"].ravel()[0])

    @property
    def proposal_boxes(self) -> Any:
        """The proposals that are boxes: float32 (n, 4), 0..1 of the input."""
        return self.arrays["proposal_boxes_normalized"].reshape(-1, 4)[: self.proposals]

    @property
    def first_class(self) -> int:
        """The number of the first class: those of TF1 come from the exporter, which counts from 1."""
        return 0 if self.name.startswith("tf2_") else 1

    def image(self) -> Any:
        """The image, uint8 (height, width, 3)."""
        return two_stage_library().image(tuple(self.meta["image"]["size"]), seed=0)

    def write_checkpoint(self, folder: Path) -> Path:
        """Write the checkpoint to *folder* and return its prefix."""
        library = two_stage_library()
        stored = dict(np.load(GOLDENS / self.name / "stored.npz"))
        variables = [entry[:3] for entry in self.meta["variables"]]
        if self.name.startswith("tf2_"):
            prefix = folder / "ckpt-0"
            write_object_checkpoint(prefix, library.weights(variables, stored))
        else:
            prefix = folder / "model.ckpt"
            library.write_tf1_checkpoint(str(prefix), variables, stored)
        return prefix
