"""What a child process that detects is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from detlite.studies.detect.inputs import Input


@dataclass(frozen=True)
class DetectRequest:
    """One run.

    Attributes:
        model: the model file.
        contract: of the model, as JSON.
        inputs: the images and videos, in this order.
        threads: of the interpreter.
        threshold: lowest score that is drawn, 0..1.
        masks: whether the pixels of instances are written too.
        out: the file of the results, a line of JSON for each image or frame.
        bank: the file of the bank of features that the model reads; None for an empty one.
    """

    model: Path
    contract: str
    inputs: tuple[Input, ...]
    threads: int
    threshold: float
    masks: bool
    out: Path
    bank: Path | None = None
