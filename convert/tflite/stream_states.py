"""What a stream's file does to its states: their scales inside the model, and what is wrong with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from detlite.convert.tflite.tensors import dtype_name, is_constant, operator_name, quantization_of
from detlite.runtime.contract import Contract
from detlite.runtime.counts import agreed, counted
from detlite.runtime.inputs import ImageInput
from detlite.runtime.stream_inputs import StateInput
from detlite.runtime.tensors import Quantization

PASSING = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "STRIDED_SLICE", "SLICE", "QUANTIZE", "DEQUANTIZE")
"""Operators that move or convert numbers, and leave their meaning."""

SAME = 1e-6  # relative: scales are float32
EIGHT_BIT = ("int8", "uint8")
FEW_LEVELS = 128  # of 256: an image that uses less than half of its levels
BUFFER, SUM, MEAN, COUNT, OTHER = "buffer", "sum", "mean", "count", "other"


@dataclass(frozen=True)
class StateRange:
    """An integer tensor's scale and zero point, and the reals that it can hold."""

    dtype: str
    scale: float
    zero_point: int

    @property
    def low(self) -> float:
        """The lowest real."""
        return (int(np.iinfo(self.dtype).min) - self.zero_point) * self.scale

    @property
    def high(self) -> float:
        """The highest real."""
        return (int(np.iinfo(self.dtype).max) - self.zero_point) * self.scale


@dataclass(frozen=True)
class StateScales:
    """One state of a stream, as the file computes it.

    Attributes:
        name: of the state.
        kind: `buffer`, frames that move on; `sum`, to which each frame adds; `mean`, which each frame moves by a share
            of the difference; `count`, of the frames; or `other`.
        dtype: of its input and output.
        into: its range inside the model where it comes in; None if it is not quantized there.
        out: the same where it leaves.
        added: of a sum, the range of what a frame adds; None if that is not quantized.
    """

    name: str
    kind: str
    dtype: str
    into: StateRange | None
    out: StateRange | None
    added: StateRange | None = None

    @property
    def rescaling(self) -> float | None:
        """The scale out over the scale in, where the two or their zero points differ; None where they are the same."""
        if self.into is None or self.out is None:
            return None
        is_same = abs(self.out.scale - self.into.scale) <= SAME * self.into.scale
        return None if is_same and self.out.zero_point == self.into.zero_point else self.out.scale / self.into.scale

    @property
    def is_coarse(self) -> bool:
        """Whether it is a sum of 8 bits whose steps are larger than those of what is added."""
        if self.kind != SUM or self.out is None or self.added is None or self.out.dtype not in EIGHT_BIT:
            return False
        return self.added.high > 0 and self.out.scale > self.added.scale

    @property
    def frames_to_end(self) -> float | None:
        """After how many frames that add most a coarse sum has reached the end of its range; None for other states."""
        if not self.is_coarse or self.out is None or self.added is None:
            return None
        return self.out.high / self.added.high

    def to_record(self) -> dict[str, Any]:
        """Return it as plain data, for JSON."""
        record: dict[str, Any] = {"name": self.name, "kind": self.kind, "dtype": self.dtype}
        for name, found in (("in", self.into), ("out", self.out), ("added", self.added)):
            if found is not None:
                record[name] = {**dataclasses.asdict(found), "low": found.low, "high": found.high}
        if self.rescaling is not None:
            record["rescaling"] = self.rescaling
        if self.frames_to_end is not None:
            record["frames_to_end"] = self.frames_to_end
        return record


def stream_findings(states: Sequence[StateScales], image: str | None) -> tuple[str, ...]:
    """Return what is wrong with *states*, one sentence for each kind of fault, after the one about the *image*."""
    found = [] if image is None else [image]
    ratios = [one.rescaling for one in states if one.rescaling is not None]
    if ratios:
        found.append(
            f"{counted(len(ratios), 'state leaves', 'states leave')} with another scale than "
            f"{agreed(len(ratios), 'it comes', 'they come')} in with ({_span(ratios)} times): rounded anew at each "
            f"frame, such as {next(one.name for one in states if one.rescaling is not None)}"
        )
    coarse = [one for one in states if one.is_coarse]
    if coarse:
        steps = [one.out.scale for one in coarse if one.out is not None]
        ends = [one.frames_to_end for one in coarse if one.frames_to_end is not None]
        found.append(
            f"{counted(len(coarse), 'sum over frames is', 'sums over frames are')} in 8 bits with steps of "
            f"{_span(steps)}: a frame that adds less than half a step adds nothing"
        )
        found.append(
            f"the ranges of these sums end after {_span(ends)} frames of those that add most: a sum at its end stays "
            "there, and its mean falls from frame to frame"
        )
    return tuple(found)


def hard_swish_finding(model: Any, subgraph: Any) -> str | None:
    """Return, in one sentence, that hard swishes in 8 bits split the graph for XNNPACK; None if there are none.

    Measured with MoViNet A0 on one thread of x86.
    """
    count = sum(
        operator_name(model, one) == "HARD_SWISH" and dtype_name(subgraph.tensors[int(one.inputs[0])]) in EIGHT_BIT
        for one in subgraph.operators
    )
    if not count:
        return None
    return (
        f"HARD_SWISH is in 8 bits, {count} times: XNNPACK does not run it, and the graph is split there; so written, "
        "MoViNet A0 takes 2.1 to 2.3 times as long as in float, and 0.54 to 0.58 times with x * RELU6(x + 3), as "
        "`detlite convert` writes it from the checkpoint"
    )


def _span(numbers: Sequence[float]) -> str:
    low, high = (f"{number:.3g}" for number in (min(numbers), max(numbers)))
    return low if low == high else f"{low} to {high}"


def states_of(model: Any, subgraph: Any, contract: Contract) -> tuple[StateScales, ...]:
    """Return what the file of a stream with *contract* does to each of its states, in the contract's order."""
    graph = _Graph(model, subgraph)
    order = contract.input_order or tuple(range(len(subgraph.inputs)))
    found, place = [], len(contract.inputs[0].tensors)
    for one in contract.inputs[1:]:
        if isinstance(one, StateInput):
            found.append(_state(graph, one, int(subgraph.inputs[order[place]])))
        place += len(one.tensors)
    return tuple(found)


def _state(graph: _Graph, state: StateInput, given: int) -> StateScales:
    following = int(graph.subgraph.outputs[state.output])
    inner, maker = graph.first(given), graph.maker_before(following)
    name = "" if maker is None else graph.name(maker)
    kind, added = OTHER, None
    if maker is not None and name == "ADD" and (other := graph.other_operand(maker, given)) is not None:
        kind, added = (COUNT, None) if graph.is_constant(other) else (SUM, graph.range(other))
    elif name == "SUB" and maker is not None and graph.comes_from(maker.inputs[0], given):
        kind = MEAN
    elif name == "CONCATENATION" and maker is not None and any(graph.comes_from(one, given) for one in maker.inputs):
        kind = BUFFER
    return StateScales(state.name, kind, state.dtype, graph.range(inner), graph.range(graph.last(following)), added)


def image_finding(model: Any, subgraph: Any, contract: Contract) -> str | None:
    """Return, in one sentence, that the image uses few of the levels that its range has; None if it does not."""
    graph = _Graph(model, subgraph)
    found = graph.range(graph.first(int(subgraph.inputs[contract.image_place])))
    if found is None:
        return None
    low, high = _reals(contract.image)
    levels = round((min(high, found.high) - max(low, found.low)) / found.scale) + 1
    if levels >= FEW_LEVELS:
        return None
    return (
        f"the image's range is {found.low:.2f} to {found.high:.2f}, and pixels become {low:.2f} to {high:.2f}: they "
        f"use {levels} of 256 levels; the model was calibrated on other images, or takes pixels in another way"
    )


def _reals(image: ImageInput) -> tuple[float, float]:
    """Return the lowest and the highest real that a pixel of 0..255 becomes."""
    ends = [(pixel - mean) / std for mean, std in zip(image.mean, image.std, strict=True) for pixel in (0.0, 255.0)]
    return min(ends), max(ends)


class _Graph:
    """Who makes and who reads each tensor."""

    def __init__(self, model: Any, subgraph: Any) -> None:
        self.model, self.subgraph = model, subgraph

    @cached_property
    def _makers(self) -> Mapping[int, Any]:
        return {int(tensor): one for one in self.subgraph.operators for tensor in one.outputs}

    @cached_property
    def _readers(self) -> Mapping[int, list[Any]]:
        found: dict[int, list[Any]] = {}
        for one in self.subgraph.operators:
            for tensor in one.inputs:
                found.setdefault(int(tensor), []).append(one)
        return found

    def name(self, operator: Any) -> str:
        return operator_name(self.model, operator)

    def range(self, index: int) -> StateRange | None:
        tensor = self.subgraph.tensors[index]
        dtype, found = dtype_name(tensor), self._quantization(tensor)
        return None if found is None or dtype not in ("int8", "uint8", "int16") else StateRange(dtype, *found)

    def _quantization(self, tensor: Any) -> tuple[float, int] | None:
        found: Quantization | None = quantization_of(tensor)
        return None if found is None else (found.scale, found.zero_point)

    def first(self, index: int) -> int:
        """Return the tensor that the input *index* becomes: after its conversion, if that is its one reader."""
        readers = self._readers.get(index, [])
        return int(readers[0].outputs[0]) if len(readers) == 1 and self.name(readers[0]) == "QUANTIZE" else index

    def last(self, index: int) -> int:
        """Return the nearest quantized tensor that the output *index* is made from by passing it on; or *index*."""
        return next((one for one in self._passed(index) if self.range(one) is not None), index)

    def maker_before(self, index: int) -> Any:
        """Return the operator that makes *index*, before those that only pass it on; None if nothing does."""
        *_others, first = self._passed(index)
        return self._makers.get(first)

    def comes_from(self, index: int, given: int) -> bool:
        """Return whether *index* is *given*, passed on."""
        return given in self._passed(int(index))

    def _passed(self, index: int) -> Iterator[int]:
        """Yield *index*, and the tensors that become it by operators that only pass them on, the nearest first."""
        seen: set[int] = set()
        while index not in seen:  # a damaged file may go round in a circle
            seen.add(index)
            yield index
            maker = self._makers.get(index)
            if maker is not None and self.name(maker) in PASSING and len(maker.inputs):
                index = int(maker.inputs[0])

    def other_operand(self, add: Any, given: int) -> int | None:
        """Return what *add* adds to the state *given*; None if it adds something else."""
        sides = [int(index) for index in add.inputs]
        others = [index for index in sides if not self.comes_from(index, given)]
        return others[0] if len(sides) == 2 and len(others) == 1 else None

    def is_constant(self, index: int) -> bool:
        return is_constant(self.model, self.subgraph.tensors[index])
