"""What a model takes: its input tensors, the image first, and how each is filled."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, ClassVar, Dict, Mapping, Optional, Tuple

from detlite.runtime.errors import ContractError
from detlite.runtime.fields import check_types, one_of
from detlite.runtime.tensors import DTYPES, Quantization, quantization_from_record

COLOURS = ("RGB", "BGR", "GRAY")
RESIZE_RULES = ("tf1_bilinear", "half_pixel_bilinear")

Record = Dict[str, Any]


@dataclass(frozen=True)
class ImageInput:
    """The tensor that takes the image, and how a picture becomes it.

    A pixel value p of 0..255 becomes the real `(p - mean) / std`, channel by channel, in the order of *colour*;
    a quantized input then takes `round(real / scale) + zero_point`.
    """

    kind: ClassVar[str] = "image"

    name: str
    height: int
    width: int
    colour: str
    dtype: str
    mean: Tuple[float, ...]
    std: Tuple[float, ...]
    resize: str
    quantization: Optional[Quantization] = None

    def __post_init__(self) -> None:
        check_types(self)
        one_of("the colour order", self.colour, COLOURS)
        one_of("the input's dtype", self.dtype, DTYPES)
        one_of("the resize rule", self.resize, RESIZE_RULES)
        if self.height < 1 or self.width < 1:
            raise ContractError(f"an input of {self.height} x {self.width} pixels: both must be at least 1")
        if len(self.mean) != self.channels or len(self.std) != self.channels:
            raise ContractError(
                f"{len(self.mean)} means and {len(self.std)} stds for {self.channels} channels: one each is wanted"
            )
        if not all(math.isfinite(m) for m in self.mean) or not all(math.isfinite(s) and s > 0 for s in self.std):
            raise ContractError(f"mean {self.mean} and std {self.std}: want finite means, and stds over 0")
        if (self.dtype == "float32") is not (self.quantization is None):
            raise ContractError(f"a {self.dtype} input with quantization {self.quantization}: integers alone have it")

    @property
    def channels(self) -> int:
        """1 for GRAY, else 3."""
        return 1 if self.colour == "GRAY" else 3

    @property
    def shape(self) -> Tuple[int, ...]:
        """The tensor's shape: (1, height, width, channels)."""
        return (1, self.height, self.width, self.channels)

    def to_record(self) -> Record:
        """Return the fields as JSON carries them, in the order of the contract's version 2."""
        return dataclasses.asdict(self)


def image_from_record(record: Mapping[str, Any]) -> ImageInput:
    """Return the image input in the contract's JSON *record*."""
    known = dict(record)
    known["mean"], known["std"] = tuple(map(float, known["mean"])), tuple(map(float, known["std"]))
    known["quantization"] = quantization_from_record(known["quantization"])
    return ImageInput(**known)


def input_from_record(record: Mapping[str, Any]) -> ImageInput:
    """Return the input in the contract's JSON *record*, by its `kind`."""
    known = dict(record)
    one_of("the kind of input", known.pop("kind"), (ImageInput.kind,))
    return image_from_record(known)
