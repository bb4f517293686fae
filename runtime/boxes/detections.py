"""What a detector found in one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Floats


@dataclass(frozen=True, eq=False)
class Detections:
    """Detections of one image, best score first.

    Attributes:
        boxes: float32, (n, 4): (y1, x1, y2, x2), 0..1 of the image.
        classes: int64, (n,): from 0 on, without the background.
        scores: float32, (n,), in 0..1.
    """

    boxes: Floats
    classes: NDArray[np.int64]
    scores: Floats
