"""What a model takes besides one image: where it is, clips, banks of features, and states that a stream carries."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Callable, ClassVar, Dict, Literal, Mapping, Optional, Tuple, Union

from detlite.runtime.counts import counted
from detlite.runtime.errors import ContractError
from detlite.runtime.fields import check_types, one_of
from detlite.runtime.inputs import ImageInput, Tensor, image_from_record
from detlite.runtime.tensors import DTYPES, Quantization, quantization_from_record

STATE_DTYPES = (*DTYPES, "int32")

Record = Dict[str, Any]


@dataclass(frozen=True)
class ClipInput:
    """A clip's input tensor: *frames* images, each prepared as *image* says, *stride* video frames apart."""

    kind: ClassVar[Literal["clip"]] = "clip"

    image: ImageInput
    frames: int
    stride: int = 1

    def __post_init__(self) -> None:
        check_types(self)
        if self.frames < 1 or self.stride < 1:
            raise ContractError(
                f"a clip of {counted(self.frames, 'frame')}, {self.stride} apart: both must be at least 1"
            )

    @property
    def tensors(self) -> Tuple[Tensor, ...]:
        """The input tensor: [1, frames, height, width, channels]."""
        (frame,) = self.image.tensors
        return (frame._replace(what="the clip", shape=(1, self.frames, *frame.shape[1:])),)

    @property
    def span(self) -> int:
        """The number of video frames that a clip spans."""
        return (self.frames - 1) * self.stride + 1

    def cut(self, count: int) -> Tuple[int, ...]:
        """Return the indices of the frames of the middle clip of a video of *count* frames.

        A video shorter than a clip begins again at its end, as TF-Vision's sample_sequence has it.
        """
        begin = max(0, (count - self.frames * self.stride) // 2)
        return tuple((begin + i * self.stride) % count for i in range(self.frames))

    def to_record(self) -> Record:
        """Return the fields as a JSON record."""
        return {"image": self.image.to_record(), "frames": self.frames, "stride": self.stride}


@dataclass(frozen=True)
class WindowInput:
    """A tensor, float32 [1, 4]: where the image is in a padded input, (y1, x1, y2, x2) in 0..1 of it.

    Source: `true_image_shapes` of the OD API, to which its two-stage detectors clip what they propose.
    """

    kind: ClassVar[Literal["window"]] = "window"

    name: str

    def __post_init__(self) -> None:
        check_types(self)

    @property
    def tensors(self) -> Tuple[Tensor, ...]:
        """The input tensor."""
        return (Tensor(self.name, f"the window {self.name}", (1, 4), "float32"),)

    def to_record(self) -> Record:
        """Return the fields as a JSON record."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class BankInput:
    """Two tensors: a bank of features [1, slots, width], and the number of filled slots, int32 [1].

    Source: Context R-CNN (Beery et al., 2020), `context_features` and `valid_context_size` of the OD API.
    """

    kind: ClassVar[Literal["bank"]] = "bank"

    name: str
    slots: int
    width: int

    def __post_init__(self) -> None:
        check_types(self)
        if self.slots < 1 or self.width < 1:
            raise ContractError(
                f"a bank of {counted(self.slots, 'slot')} of {self.width} numbers: both must be at least 1"
            )

    @property
    def tensors(self) -> Tuple[Tensor, ...]:
        """The two input tensors."""
        bank = Tensor(self.name, f"the bank {self.name}", (1, self.slots, self.width), "float32")
        return (bank, Tensor(f"{self.name}_count", f"the count of the bank {self.name}", (1,), "int32"))

    def to_record(self) -> Record:
        """Return the fields as a JSON record."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class StateInput:
    """A tensor that is carried from frame to frame: the model's output number *output* feeds it.

    Attributes:
        name: the tensor's name.
        shape: with the batch of 1.
        dtype: one of `STATE_DTYPES`.
        output: the number, from 0, of the model's output that is the next frame's state.
        initial: the real value of all its elements before the first frame.
        quantization: of an integer state that holds real values; None if its numbers are used as they are.
    """

    kind: ClassVar[Literal["state"]] = "state"

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
        return (Tensor(self.name, f"the state {self.name}", self.shape, self.dtype, self.quantization),)

    def to_record(self) -> Record:
        """Return the fields as a JSON record."""
        return dataclasses.asdict(self)


Input = Union[ImageInput, ClipInput, WindowInput, BankInput, StateInput]


def _clip_from(record: Mapping[str, Any]) -> ClipInput:
    return ClipInput(**{**record, "image": image_from_record(record["image"])})


def _window_from(record: Mapping[str, Any]) -> WindowInput:
    return WindowInput(**record)


def _bank_from(record: Mapping[str, Any]) -> BankInput:
    return BankInput(**record)


def _state_from(record: Mapping[str, Any]) -> StateInput:
    known = dict(record)
    known["shape"] = tuple(int(side) for side in known["shape"])
    known["quantization"] = quantization_from_record(known["quantization"])
    return StateInput(**known)


READERS: Mapping[str, Callable[[Mapping[str, Any]], Input]] = {
    ImageInput.kind: image_from_record,
    ClipInput.kind: _clip_from,
    WindowInput.kind: _window_from,
    BankInput.kind: _bank_from,
    StateInput.kind: _state_from,
}


def input_from_record(record: Mapping[str, Any]) -> Input:
    """Return the input that the contract's JSON *record* describes, by its `kind`."""
    known = dict(record)
    kind = known.pop("kind")
    one_of("the kind of input", kind, tuple(READERS))
    return READERS[kind](known)
