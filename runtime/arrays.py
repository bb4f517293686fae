"""Type names of arrays that several modules use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Pixels = NDArray[np.uint8]
"""An image: uint8, (height, width, 3), RGB."""
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]
