"""A finished .tflite of video: its image, its states and its scores, by the names in its signature.

TensorFlow's exporters name a state's input and its output alike; nothing else tells which output feeds which input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.signature import sign, signed_outputs
from detlite.convert.tflite.tensors import dtype_name, main_subgraph, quantization_of, shape_of, text_of
from detlite.runtime.boxes.scores import SCORES
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.stream_inputs import STATE_DTYPES, StateInput

OTHERS = ("image", SCORES)
"""What detlite calls the other ends of a model of video: a state of such a name is called something else."""

CHANNELS = (1, 3)
CLIP_SIDES = 5  # [1, frames, height, width, channels]


@dataclass(frozen=True)
class Stream:
    """The ends of a model that takes video.

    Attributes:
        image: the number of the image, or clip, among the model's inputs.
        frames: of a clip; None if the model takes one image, without an axis for frames.
        states: the states, by name.
        input_order: the number among the model's inputs of the image and of each state.
        output: the number of the scores among the model's outputs.
    """

    image: int
    frames: int | None
    states: tuple[StateInput, ...]
    input_order: tuple[int, ...]
    output: int


def find_stream(model: Any, subgraph: Any) -> Stream | None:
    """Return the ends of a classifier of clips, or of a stream with states; None for any other model.

    Raises:
        InputError: it has states, and one of them is fed by no output, or by one of another shape or dtype.
    """
    inputs, outputs = _signed(model, subgraph)
    carried = sorted(set(inputs) & set(outputs))
    images = {name: number for name, number in inputs.items() if name not in carried}
    pictures = [number for number in images.values() if _is_picture(subgraph.tensors[subgraph.inputs[number]])]
    if len(pictures) != 1:
        return None
    picture = subgraph.tensors[subgraph.inputs[pictures[0]]]
    shape = shape_of(picture)
    if not carried and (len(shape) != CLIP_SIDES or len(inputs) != 1 or len(outputs) != 1):
        return None
    _refuse_unfed(images, pictures[0])
    if picture.shapeSignature is not None and min(picture.shapeSignature[1:]) < 0:
        raise InputError(
            f"the input {text_of(picture.name)!r} leaves its size open: convert the model with a fixed one"
        )
    states = tuple(_state(name, subgraph, inputs[name], outputs[name]) for name in carried)
    order = (pictures[0], *(inputs[name] for name in carried))
    rest = [number for name, number in outputs.items() if name not in carried]
    if len(rest) != 1:
        raise InputError(
            f"the model has {counted(len(rest), 'output')} besides its {counted(len(carried), 'state')}: want one, the "
            "scores of its classes"
        )
    return Stream(
        image=pictures[0],
        frames=shape[1] if len(shape) == CLIP_SIDES else None,
        states=states,
        input_order=() if order == tuple(range(len(order))) else order,
        output=rest[0],
    )


def with_image_first(file: TfliteFile, contract: Contract) -> Contract:
    """Put the inputs of *file* into the order of *contract*, the image first; return the contract of the result.

    The ends of a stream get the names that they have in it, by which all that follows finds them.
    """
    if contract.input_order:
        subgraph = main_subgraph(file.edit())
        subgraph.inputs = [int(subgraph.inputs[number]) for number in contract.input_order]
    if contract.is_stream and set(signed_outputs(file.model)) != set(contract.output_names):
        _name_ends(file.edit(), contract)
    return replace(contract, input_order=())


def _name_ends(model: Any, contract: Contract) -> None:
    """Give the states and the outputs of *model*, whose inputs are in order, their names in *contract*."""
    subgraph = main_subgraph(model)
    image, *states = map(int, subgraph.inputs)
    names = [one.name for one in contract.tensors[1:]]
    for name, index in zip(names, states, strict=True):
        subgraph.tensors[index].name = name
    inputs = {OTHERS[0]: image, **dict(zip(names, states, strict=True))}
    sign(model, inputs, dict(zip(contract.output_names, map(int, subgraph.outputs), strict=True)))


def _signed(model: Any, subgraph: Any) -> tuple[dict[str, int], dict[str, int]]:
    """Return the numbers of the inputs and of the outputs by their names in the signature, or by their tensors'."""
    named = []
    for ends, which in ((subgraph.inputs, "inputs"), (subgraph.outputs, "outputs")):
        signed = {
            int(item.tensorIndex): text_of(item.name)
            for signature in (model.signatureDefs or [])[:1]
            for item in getattr(signature, which)
        }
        named.append({signed.get(int(index), text_of(subgraph.tensors[index].name)): n for n, index in enumerate(ends)})
    return named[0], named[1]


def _is_picture(tensor: Any) -> bool:
    shape = shape_of(tensor)
    return len(shape) in (CLIP_SIDES - 1, CLIP_SIDES) and shape[0] == 1 and shape[-1] in CHANNELS and min(shape) > 0


def _refuse_unfed(images: Mapping[str, int], picture: int) -> None:
    unfed = [name for name, number in images.items() if number != picture]
    if unfed:
        raise InputError(
            f"the model's input {unfed[0]} is neither its image nor a state, for no output has its name: export the "
            "model with a signature that names each state's output like its input"
        )


def _state(name: str, subgraph: Any, into: int, out: int) -> StateInput:
    given, following = subgraph.tensors[subgraph.inputs[into]], subgraph.tensors[subgraph.outputs[out]]
    ends = [(dtype_name(tensor), shape_of(tensor)) for tensor in (given, following)]
    (dtype, shape), (other, becomes) = ends
    if ends[0] != ends[1]:
        raise InputError(
            f"the state {name} goes into the model as {dtype} {shape} and comes out as {other} {becomes}: want the "
            "same, for the output is the next frame's input"
        )
    if dtype not in STATE_DTYPES:
        raise InputError(f"the state {name} is {dtype}: want one of {', '.join(STATE_DTYPES)}")
    quantization = None if dtype in ("float32", "int32") else quantization_of(given)
    if name in OTHERS:
        name = f"state_{name}"
    return StateInput(name, shape, dtype, out, quantization=quantization)
