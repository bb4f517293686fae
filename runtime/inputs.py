"""What a model takes first: an image, and how a picture becomes it.

Letterboxes are in `letterbox`; clips, banks and states in `stream_inputs`. Both are imported only for a model that has
them: a board starts sooner.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Dict, Literal, Mapping, NamedTuple, Optional, Tuple

import numpy as np

from detlite.runtime.arrays import Floats
from detlite.runtime.counts import counted
from detlite.runtime.errors import ContractError
from detlite.runtime.fields import check_types, one_of
from detlite.runtime.tensors import DTYPES, Quantization, quantization_from_record

if TYPE_CHECKING:
    from detlite.runtime.letterbox import Letterbox

COLOURS = ("RGB", "BGR", "GRAY")
LAYOUTS = ("NHWC", "NCHW")
RESIZE_RULES = ("tf1_bilinear", "half_pixel_bilinear")

Record = Dict[str, Any]
Size = Tuple[int, int]
"""(height, width), in pixels."""


class Tensor(NamedTuple):
    """What a model must declare for one input tensor; *what* says in errors which it is."""

    name: str
    what: str
    shape: Tuple[int, ...]
    dtype: str
    quantization: Optional[Quantization] = None


class Fit(NamedTuple):
    """Where an image is in the model's input, all in pixels.

    Attributes:
        image: (height, width) of the image.
        input: (height, width) of the input.
        top: the input's first row of the image.
        left: its first column.
        height: the rows of the input that the image fills.
        width: the columns.
    """

    image: Size
    input: Size
    top: int
    left: int
    height: int
    width: int

    @property
    def is_whole(self) -> bool:
        """Whether the image fills the input, so that boxes need no mapping."""
        return (self.height, self.width) == self.input

    @property
    def window(self) -> Tuple[float, float, float, float]:
        """Where the image is in the input: (y1, x1, y2, x2), 0..1 of it."""
        rows, columns = self.input
        bottom, right = (self.top + self.height) / rows, (self.left + self.width) / columns
        return self.top / rows, self.left / columns, bottom, right

    def to_image(self, boxes: Floats) -> Floats:
        """Return *boxes*, (n, 4) in 0..1 of the input, in 0..1 of the image; unchanged if the image fills the input."""
        if self.is_whole:
            return boxes
        scale = np.array((self.input[0] / self.height, self.input[1] / self.width) * 2, np.float32)
        offset = np.array((self.top / self.height, self.left / self.width) * 2, np.float32)
        return boxes * scale - offset


@dataclass(frozen=True)
class ImageInput:
    """The image's input tensor, and how an image is turned into it.

    A pixel value p of 0..255 becomes the real `(p - mean) / std`, channel by channel, in the order of *colour*;
    a quantized input then takes `round(real / scale) + zero_point`. *layout* is the order of the tensor's axes. *crop*
    is the side of the central square of an image that the input shows, as a share of the shorter side; None shows all
    of it. *batch* is the number of images that one run takes.
    """

    kind: ClassVar[Literal["image"]] = "image"

    name: str
    height: int
    width: int
    colour: str
    dtype: str
    mean: Tuple[float, ...]
    std: Tuple[float, ...]
    resize: str
    quantization: Optional[Quantization] = None
    letterbox: Optional[Letterbox] = None
    layout: str = "NHWC"
    crop: Optional[float] = None
    batch: int = 1

    def __post_init__(self) -> None:
        check_types(self)
        one_of("the colour order", self.colour, COLOURS)
        one_of("the input's dtype", self.dtype, DTYPES)
        one_of("the resize rule", self.resize, RESIZE_RULES)
        one_of("the layout", self.layout, LAYOUTS)
        if self.batch < 1:
            raise ContractError(f"a batch of {counted(self.batch, 'image')}: want 1 or more")
        if self.height < 1 or self.width < 1:
            raise ContractError(f"an input of {self.height} x {self.width} pixels: both must be at least 1")
        if len(self.mean) != self.channels or len(self.std) != self.channels:
            raise ContractError(
                f"{counted(len(self.mean), 'mean')} and {counted(len(self.std), 'std')} for "
                f"{counted(self.channels, 'channel')}: want one for each"
            )
        if not all(math.isfinite(m) for m in self.mean) or not all(math.isfinite(s) and s > 0 for s in self.std):
            raise ContractError(f"mean {self.mean} and std {self.std}: want finite means, and stds over 0")
        if (self.dtype == "float32") is not (self.quantization is None):
            raise ContractError(f"a {self.dtype} input with quantization {self.quantization}: integers alone have it")
        if self.crop is not None and (self.letterbox is not None or not 0 < self.crop <= 1):
            raise ContractError(
                f"a crop of {self.crop} and the letterbox {self.letterbox}: want a share of 0 to 1, alone"
            )

    @property
    def channels(self) -> int:
        """1 for GRAY, else 3."""
        return 1 if self.colour == "GRAY" else 3

    @property
    def tensors(self) -> Tuple[Tensor, ...]:
        """The input tensor: [batch, height, width, channels], or [batch, channels, height, width] in NCHW."""
        sides = (self.height, self.width)
        shape = (self.channels, *sides) if self.layout == "NCHW" else (*sides, self.channels)
        return (Tensor(self.name, "the input", (self.batch, *shape), self.dtype, self.quantization),)

    def fit(self, size: Optional[Size] = None) -> Fit:
        """Return where an image of *size* is in the input; None means an image of the input's size.

        The side with the larger ratio fills the input; the other is rounded half up, in integers, or as
        `Letterbox.rounding` says. A crop counts as the whole image.
        """
        whole = (self.height, self.width)
        rows, columns = size or whole
        if self.letterbox is None:
            return Fit((rows, columns), whole, 0, 0, *whole)
        if self.letterbox.rounding == "half_even":
            height, width = self.letterbox.scaled((rows, columns), whole)
        elif rows * self.width >= columns * self.height:
            height, width = self.height, max(1, (2 * columns * self.height + rows) // (2 * rows))
        else:
            height, width = max(1, (2 * rows * self.width + columns) // (2 * columns)), self.width
        is_centred = self.letterbox.pad == "center"
        top, left = ((self.height - height) // 2, (self.width - width) // 2) if is_centred else (0, 0)
        return Fit((rows, columns), whole, top, left, height, width)

    def to_record(self) -> Record:
        """Return the fields as a JSON record, without a letterbox, layout, crop or batch that version 2 implies."""
        record = dataclasses.asdict(self)
        for name in ("letterbox", "crop"):
            if record[name] is None:
                del record[name]
        if self.letterbox is not None and self.letterbox.rounding == "half_up":
            del record["letterbox"]["rounding"]
        if self.layout == LAYOUTS[0]:
            del record["layout"]
        if self.batch == 1:
            del record["batch"]
        return record


def image_from_record(record: Mapping[str, Any]) -> ImageInput:
    """Return the image input in the contract's JSON *record*."""
    known = dict(record)
    known["mean"], known["std"] = tuple(map(float, known["mean"])), tuple(map(float, known["std"]))
    known["quantization"] = quantization_from_record(known["quantization"])
    if "letterbox" in known:
        from detlite.runtime.letterbox import Letterbox

        pad_value = tuple(map(float, known["letterbox"]["pad_value"]))
        known["letterbox"] = Letterbox(**{**known["letterbox"], "pad_value": pad_value})
    return ImageInput(**known)
