"""The request for a quantization that is judged: with budgets, explained, or over several numbers of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from detlite.calibration.recipe import QuantizeRequest
from detlite.calibration.weights.twin_choice import NONE
from detlite.runtime.counts import counted

REFERENCE, SEARCH, EXPLAIN = "run the float model", "find the operators to keep in float", "explain the loss"
"""The further steps of a quantization that is judged."""

MOST_MACS = 2.0
"""The most multiply-adds with twin channels under a budget, as a multiple, unless the user says another number."""


def curve_step(count: int, sample: str) -> str:
    """Return the step of a curve that uses *count* samples, each an `image` or a `clip`."""
    return f"quantize with {counted(count, sample)}, and judge"


@dataclass(frozen=True)
class JudgedRequest(QuantizeRequest):
    """A quantization whose result is compared with the float model on images.

    Attributes:
        held_out: the images that models are scored on.
        held_out_are_others: whether none of these is a calibration image.
        annotations: the folder of the COCO images and the file of their labels, for the gate on mAP; or None.
        gates: `min_fidelity` and `max_map_drop`, where asked for.
        max_error: the most error of raw outputs, root mean square, by what records call them, such as `logits`.
        explain: whether an explanation page is written.
        counts: the numbers of images of a curve.
    """

    held_out: tuple[Path, ...] = ()
    held_out_are_others: bool = False
    annotations: tuple[Path, Path] | None = None
    gates: Mapping[str, float] = field(default_factory=dict)
    max_error: Mapping[str, float] = field(default_factory=dict)
    explain: bool = False
    counts: tuple[int, ...] = ()

    @property
    def has_gates(self) -> bool:
        """Whether there is a budget."""
        return bool(self.gates or self.max_error)

    @property
    def twins(self) -> bool:
        """Whether twin channels reach the budget."""
        return self.recipe.twin_channels != NONE
