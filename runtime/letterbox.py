"""How an image keeps its aspect ratio in a model's input; where it then is, `Fit` says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import numpy as np

from detlite.runtime.errors import ContractError
from detlite.runtime.fields import check_types, one_of

PADDINGS = ("bottom_right", "center")
ROUNDINGS = ("half_up", "half_even")


@dataclass(frozen=True)
class Letterbox:
    """Resizing that keeps an image's aspect ratio: the image is scaled to fit, then padded.

    Attributes:
        pad: where the padding goes: `bottom_right`, or `center` for half of it on each side (the odd row or column at
            the bottom or right).
        pad_value: value of the padding pixels, RGB, 0..255, before normalization.
        rounding: how the sides of the scaled image become whole pixels: `half_up`, in integers, or `half_even`, in
            float32, as TF-Vision does (`tf.round`).
    """

    pad: str = "bottom_right"
    pad_value: Tuple[float, ...] = (0.0, 0.0, 0.0)
    rounding: str = "half_up"

    def __post_init__(self) -> None:
        check_types(self)
        one_of("the padding", self.pad, PADDINGS)
        one_of("the rounding of a letterbox", self.rounding, ROUNDINGS)
        if len(self.pad_value) != 3 or not all(0 <= value <= 255 for value in self.pad_value):
            raise ContractError(f"a pad value of {self.pad_value}: want three numbers of 0 to 255, in the order RGB")

    def scaled(self, size: Tuple[int, int], whole: Tuple[int, int]) -> Tuple[int, int]:
        """Return the (height, width) of an image of *size* scaled to fit into *whole*, by `half_even`."""
        sides = np.array(size, np.float32)
        scale = (np.array(whole, np.float32) / sides).min()
        height, width = np.rint(sides * scale).astype(int).tolist()
        return min(max(1, height), whole[0]), min(max(1, width), whole[1])
