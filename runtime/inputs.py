"""What a model takes: its input tensors, the image first, and how each is filled."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Callable, ClassVar, Dict, Mapping, NamedTuple, Optional, Tuple, Union

import numpy as np

from detlite.runtime.arrays import Floats
from detlite.runtime.errors import ContractError
from detlite.runtime.fields import check_types, one_of
from detlite.runtime.tensors import DTYPES, Quantization, quantization_from_record

COLOURS = ("RGB", "BGR", "GRAY")
RESIZE_RULES = ("tf1_bilinear", "half_pixel_bilinear")
PADDINGS = ("bottom_right", "center")
STATE_DTYPES = (*DTYPES, "int32")

Record = Dict[str, Any]
Size = Tuple[int, int]
"""(height, width), in pixels."""


class Tensor(NamedTuple):
    """What a model must declare of one input tensor."""

    what: str
    shape: Tuple[int, ...]
    dtype: str
    quantization: Optional[Quantization] = None


@dataclass(frozen=True)
class Letterbox:
    """How an image keeps its aspect ratio in the input: resized to fit, and padded.

    Attributes:
        pad: where the padding goes: `bottom_right`, or `center` for half of it on each side (the odd row or column at
            the bottom or right).
        pad_value: of the pixels there, 0..255, in the order RGB, before they are normalized.
    """

    pad: str = "bottom_right"
    pad_value: Tuple[float, ...] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        check_types(self)
        one_of("the padding", self.pad, PADDINGS)
        if len(self.pad_value) != 3 or not all(0 <= value <= 255 for value in self.pad_value):
            raise ContractError(f"a pad value of {self.pad_value}: want three numbers of 0 to 255, in the order RGB")


@dataclass(frozen=True)
class Fit:
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
        """Whether the image fills the input: then there is nothing to map back."""
        return (self.height, self.width) == self.input

    def to_image(self, boxes: Floats) -> Floats:
        """Return *boxes*, (n, 4) in 0..1 of the input, in 0..1 of the image; unchanged where that fills the input."""
        if self.is_whole:
            return boxes
        scale = np.array((self.input[0] / self.height, self.input[1] / self.width) * 2, np.float32)
        offset = np.array((self.top / self.height, self.left / self.width) * 2, np.float32)
        return boxes * scale - offset


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
    letterbox: Optional[Letterbox] = None

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
    def tensors(self) -> Tuple[Tensor, ...]:
        """The model's one input for it: [1, height, width, channels]."""
        shape = (1, self.height, self.width, self.channels)
        return (Tensor("the input", shape, self.dtype, self.quantization),)

    def fit(self, size: Optional[Size] = None) -> Fit:
        """Return where an image of *size* is in the input; None stands for an image of the input's own size.

        All in integers, so that every machine finds the same: the longer side, by its ratio, fills the input, and the
        other is rounded half up.
        """
        whole = (self.height, self.width)
        rows, columns = size or whole
        if self.letterbox is None:
            return Fit((rows, columns), whole, 0, 0, *whole)
        if rows * self.width >= columns * self.height:
            height, width = self.height, max(1, (2 * columns * self.height + rows) // (2 * rows))
        else:
            height, width = max(1, (2 * rows * self.width + columns) // (2 * columns)), self.width
        is_centred = self.letterbox.pad == "center"
        top, left = ((self.height - height) // 2, (self.width - width) // 2) if is_centred else (0, 0)
        return Fit((rows, columns), whole, top, left, height, width)

    def to_record(self) -> Record:
        """Return the fields as JSON carries them; a letterbox only where there is one, as version 2 knows none."""
        record = dataclasses.asdict(self)
        if self.letterbox is None:
            del record["letterbox"]
        return record


@dataclass(frozen=True)
class ClipInput:
    """The tensor that takes a clip: *frames* images, each as *image* says, *stride* frames of the video apart."""

    kind: ClassVar[str] = "clip"

    image: ImageInput
    frames: int
    stride: int = 1

    def __post_init__(self) -> None:
        check_types(self)
        if self.frames < 1 or self.stride < 1:
            raise ContractError(f"a clip of {self.frames} frames, {self.stride} apart: both must be at least 1")

    @property
    def tensors(self) -> Tuple[Tensor, ...]:
        """The model's one input for it: [1, frames, height, width, channels]."""
        (frame,) = self.image.tensors
        return (frame._replace(what="the clip", shape=(1, self.frames, *frame.shape[1:])),)

    @property
    def span(self) -> int:
        """How many frames of the video a clip reaches over."""
        return (self.frames - 1) * self.stride + 1

    def cut(self, count: int) -> Tuple[int, ...]:
        """Return which of a video's *count* frames make its middle clip.

        Where the video is shorter than a clip, its first and last frames stand for those before and after it.
        """
        begin = (count - self.span) // 2
        return tuple(min(max(begin + i * self.stride, 0), count - 1) for i in range(self.frames))

    def to_record(self) -> Record:
        """Return the fields as JSON carries them."""
        return {"image": self.image.to_record(), "frames": self.frames, "stride": self.stride}


@dataclass(frozen=True)
class BankInput:
    """Two tensors: a memory of features [1, slots, width], and how many of its slots are filled, int32 [1].

    Source: Context R-CNN (Beery et al., 2020), `context_features` and `valid_context_size` of the OD API.
    """

    kind: ClassVar[str] = "bank"

    name: str
    slots: int
    width: int

    def __post_init__(self) -> None:
        check_types(self)
        if self.slots < 1 or self.width < 1:
            raise ContractError(f"a bank of {self.slots} slots of {self.width} numbers: both must be at least 1")

    @property
    def tensors(self) -> Tuple[Tensor, ...]:
        """The model's two inputs for it."""
        bank = Tensor(f"the bank {self.name}", (1, self.slots, self.width), "float32")
        return (bank, Tensor(f"the count of the bank {self.name}", (1,), "int32"))

    def to_record(self) -> Record:
        """Return the fields as JSON carries them."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class StateInput:
    """A tensor that a stream carries from frame to frame: the model's *output*, by its number, feeds it.

    Attributes:
        name: the tensor's name.
        shape: with the batch of 1.
        dtype: one of `STATE_DTYPES`.
        output: the number of the model's output that is the state of the next frame, from 0.
        initial: the real value of all its elements before the first frame.
        quantization: of an integer state that holds reals; None where its numbers count as they are.
    """

    kind: ClassVar[str] = "state"

    name: str
    shape: Tuple[int, ...]
    dtype: str
    output: int
    initial: float = 0.0
    quantization: Optional[Quantization] = None

    def __post_init__(self) -> None:
        check_types(self)
        one_of("the state's dtype", self.dtype, STATE_DTYPES)
        if self.output < 0:
            raise ContractError(f"state {self.name} is fed by output number {self.output}; want 0 or more")
        if not math.isfinite(self.initial):
            raise ContractError(f"state {self.name} begins with {self.initial}; want a finite number")

    @property
    def tensors(self) -> Tuple[Tensor, ...]:
        """The model's one input for it."""
        return (Tensor(f"the state {self.name}", self.shape, self.dtype, self.quantization),)

    def to_record(self) -> Record:
        """Return the fields as JSON carries them."""
        return dataclasses.asdict(self)


Input = Union[ImageInput, ClipInput, BankInput, StateInput]


def _image_from(record: Mapping[str, Any]) -> ImageInput:
    known = dict(record)
    known["mean"], known["std"] = tuple(map(float, known["mean"])), tuple(map(float, known["std"]))
    known["quantization"] = quantization_from_record(known["quantization"])
    if "letterbox" in known:
        pad_value = tuple(map(float, known["letterbox"]["pad_value"]))
        known["letterbox"] = Letterbox(**{**known["letterbox"], "pad_value": pad_value})
    return ImageInput(**known)


def _clip_from(record: Mapping[str, Any]) -> ClipInput:
    return ClipInput(**{**record, "image": _image_from(record["image"])})


def _bank_from(record: Mapping[str, Any]) -> BankInput:
    return BankInput(**record)


def _state_from(record: Mapping[str, Any]) -> StateInput:
    known = dict(record)
    known["shape"] = tuple(int(side) for side in known["shape"])
    known["quantization"] = quantization_from_record(known["quantization"])
    return StateInput(**known)


READERS: Mapping[str, Callable[[Mapping[str, Any]], Input]] = {
    ImageInput.kind: _image_from,
    ClipInput.kind: _clip_from,
    BankInput.kind: _bank_from,
    StateInput.kind: _state_from,
}


def input_from_record(record: Mapping[str, Any]) -> Input:
    """Return the input in the contract's JSON *record*, by its `kind`."""
    known = dict(record)
    kind = known.pop("kind")
    one_of("the kind of input", kind, tuple(READERS))
    return READERS[kind](known)
