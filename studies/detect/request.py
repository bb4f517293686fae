"""What a child process that detects is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from detlite.studies.detect.inputs import Input


@dataclass(frozen=True)
class VideoOptions:
    """How videos are read.

    Attributes:
        fps: frames a second that are taken, by their time stamps; None: each frame once.
        scenes: whether a stream begins anew at each scene.
    """

    fps: float | None = None
    scenes: bool = False


EACH_FRAME = VideoOptions()
"""Each frame once, in one scene."""


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
        out: the file of the results, a line of JSON for each image or frame, and for each video at its end.
        bank: the file of the bank of features that the model reads; None for an empty one.
        video: how videos are read.
    """

    model: Path
    contract: str
    inputs: tuple[Input, ...]
    threads: int
    threshold: float
    masks: bool
    out: Path
    bank: Path | None = None
    video: VideoOptions = EACH_FRAME
