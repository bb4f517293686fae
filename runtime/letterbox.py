"""How an image keeps its aspect ratio in a model's input; where it then is, `Fit` says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from detlite.runtime.errors import ContractError
from detlite.runtime.fields import check_types, one_of

PADDINGS = ("bottom_right", "center")


@dataclass(frozen=True)
class Letterbox:
    """Resizing that keeps an image's aspect ratio: the image is scaled to fit, then padded.

    Attributes:
        pad: where the padding goes: `bottom_right`, or `center` for half of it on each side (the odd row or column at
            the bottom or right).
        pad_value: value of the padding pixels, RGB, 0..255, before normalization.
    """

    pad: str = "bottom_right"
    pad_value: Tuple[float, ...] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        check_types(self)
        one_of("the padding", self.pad, PADDINGS)
        if len(self.pad_value) != 3 or not all(0 <= value <= 255 for value in self.pad_value):
            raise ContractError(f"a pad value of {self.pad_value}: want three numbers of 0 to 255, in the order RGB")
