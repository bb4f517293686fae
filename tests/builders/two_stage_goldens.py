"""Two-stage reference models of the original OD API in the shared data: their checkpoints, images and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from builders.golden_files import DATA, GoldenFiles
from builders.golden_models import write_object_checkpoint


@dataclass(frozen=True)
class TwoStageGolden(GoldenFiles):
    """One two-stage reference model."""

    folder: ClassVar[Path] = DATA / "twostage_goldens"

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
        return 0 if self.is_tf2 else 1

    def image(self) -> Any:
        """The image, uint8 (height, width, 3)."""
        return self.library.image(tuple(self.meta["image"]["size"]), seed=0)

    def write_checkpoint(self, folder: Path) -> Path:
        """Write the checkpoint to *folder* and return its prefix."""
        if self.is_tf2:
            prefix = folder / "ckpt-0"
            write_object_checkpoint(prefix, self.library.weights(self.variables, self.stored))
        else:
            prefix = folder / "model.ckpt"
            self.library.write_tf1_checkpoint(str(prefix), self.variables, self.stored)
        return prefix
