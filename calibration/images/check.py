"""Checks of calibration images; each is one file in `calibration/images/lint/`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from detlite.calibration.images.confidence import Confidence
from detlite.calibration.images.thumbnail import SIDE, Thumbnails

CHECKS = "detlite.calibration.images.lint"


@dataclass(frozen=True)
class LintFinding:
    """A problem with the images.

    Attributes:
        text: the problem, in one sentence.
        advice: what to do.
        images: the affected files; empty if all are.
    """

    text: str
    advice: str
    images: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class LintedImages:
    """Images to check.

    Attributes:
        paths: the files.
        thumbnails: one for each file.
        broken: why other files cannot be read.
        upright: whether they are turned by their EXIF orientation.
        against: files that must not be among them, such as a validation split.
        against_thumbnails: one for each of these.
        confidence: the float model's confidence in images; None without a model.
    """

    paths: tuple[Path, ...]
    thumbnails: Thumbnails
    broken: tuple[str, ...] = ()
    upright: bool = True
    against: tuple[Path, ...] = ()
    against_thumbnails: Thumbnails = field(default_factory=lambda: np.empty((0, SIDE, SIDE, 3), np.uint8))
    confidence: Confidence | None = None

    def names(self, numbers: Sequence[int]) -> tuple[str, ...]:
        """Return the files of the images with these *numbers*."""
        return tuple(str(self.paths[number]) for number in numbers)


@dataclass(frozen=True)
class LintCheck:
    """One check; its name is its file's name.

    Attributes:
        title: what it looks for, in one line.
        find: returns the findings.
    """

    title: str
    find: Callable[[LintedImages], list[LintFinding]]
