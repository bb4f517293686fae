"""Inputs and outputs in a canonical form, whatever the converter does: named, in a fixed order, with a SignatureDef."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.signature import sign, signed_inputs, signed_outputs
from detlite.convert.tflite.tensors import dtype_name, image_of, main_subgraph, quantization_of, shape_of, text_of
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import ContractError, InputError
from detlite.runtime.stream_inputs import StateInput
from detlite.runtime.tasks.detection import RAW_ROLES
from detlite.runtime.tensors import Output, Quantization

INPUT = "image"


def input_names(contract: Contract) -> tuple[str, ...]:
    """Return the names that the inputs of a canonical model with *contract* have."""
    return (INPUT, *(tensor.name for tensor in contract.tensors[1:]))


def canonicalize(
    file: TfliteFile,
    heads: Sequence[str] = (),
    *,
    outputs: Sequence[str] = RAW_ROLES,
    inputs: Sequence[str] = (INPUT,),
) -> None:
    """Order and name the ends of the converter's model *file*.

    The converter's SignatureDef identifies the outputs: `output_0` and `output_1` are what the
    exporter asked for, box encodings first; a model that is canonical already has the names there. Without a
    signature (the converter writes none for some graphs) the outputs are named like the graph's *heads*. Shapes cannot
    identify them: three classes and a background have as many columns as a box.

    Args:
        file: the model.
        heads: the tensors of the graph that became the outputs.
        outputs: the names of the outputs in order: roles, and states by the names of their inputs.
        inputs: the names of the inputs in order. The first is the picture's; the others are identified by name.

    Raises:
        InputError: the model's ends have neither a signature nor these names.
    """
    model = file.edit()
    subgraph = main_subgraph(model)
    named = {text_of(subgraph.tensors[index].name): index for index in subgraph.outputs}
    nodes = [head.split(":")[0] for head in heads]
    by_name = signed_outputs(model)
    if set(by_name) == set(outputs):  # canonical already: names need not be in the order of the alphabet
        by_name = {name: by_name[name] for name in outputs}
    signed = list(by_name.values()) or [named[node] for node in nodes if node in named]
    if len(signed) != len(outputs):
        raise InputError(
            f"the converted model has the outputs {sorted(named)}; want {len(outputs)}, in a signature or named {nodes}"
        )
    subgraph.inputs = _ordered_inputs(model, subgraph, inputs)
    for name, index in zip(inputs[1:], subgraph.inputs[1:], strict=True):
        subgraph.tensors[index].name = name
    name_heads(model, dict(zip(outputs, signed, strict=True)))  # `output_0` and so on sort in the order of the names


def _ordered_inputs(model: Any, subgraph: Any, names: Sequence[str]) -> list[int]:
    """Return the inputs in the order of *names*: the first is the one that has none of the other names."""
    known = {text_of(subgraph.tensors[index].name): int(index) for index in subgraph.inputs} | signed_inputs(model)
    missing = [name for name in names[1:] if name not in known]
    if missing:
        raise InputError(f"the converted model has no input {missing[0]}; it has {', '.join(sorted(known))}")
    further = [known[name] for name in names[1:]]
    rest = [int(index) for index in subgraph.inputs if index not in further]
    if len(rest) != 1:
        raise InputError(
            f"the converted model has {counted(len(rest), 'input')} besides {list(names[1:])}; want one, the image"
        )
    return [*rest, *further]


def name_heads(model: Any, by_name: Mapping[str, int]) -> None:
    """Make the tensors *by_name* the outputs of *model*, in that order, named and signed; sort its metadata.

    The first input is named too; the others have their names already, and a state's output has its input's name in the
    signature.
    """
    subgraph = main_subgraph(model)
    subgraph.outputs = list(by_name.values())
    given = {INPUT: image_of(subgraph), **further_inputs(subgraph)}
    for name, index in by_name.items():
        if index not in given.values():
            subgraph.tensors[index].name = f"{name}_next" if name in given else name
    subgraph.tensors[given[INPUT]].name = INPUT
    sign(model, given, by_name)
    model.metadata.sort(key=lambda item: text_of(item.name))  # the converter writes them in hash table order


def further_inputs(subgraph: Any) -> dict[str, int]:
    """Return the inputs of *subgraph* after its first, by name."""
    return {text_of(subgraph.tensors[index].name): int(index) for index in subgraph.inputs[1:]}


def outputs_of(model: Any, names: Sequence[str], roles: Sequence[str] | None = None) -> tuple[Output, ...]:
    """Return the outputs of *model*, which have these *names* in this order, that have one of the *roles*; None: all.

    Raises:
        ContractError: their number differs.
    """
    subgraph = main_subgraph(model)
    if len(subgraph.outputs) != len(names):
        raise ContractError(
            f"the model has {counted(len(subgraph.outputs), 'output')}, but the contract {len(names)}: {names}"
        )
    found = []
    for number, (name, index) in enumerate(zip(names, subgraph.outputs, strict=True)):
        if roles is not None and name not in roles:
            continue
        tensor = subgraph.tensors[index]
        dtype, quantization = _stored_as(tensor)
        found.append(Output(name, text_of(tensor.name), number, shape_of(tensor), dtype, quantization))
    return tuple(found)


def _stored_as(tensor: Any) -> tuple[str, Quantization | None]:
    """Return the dtype of *tensor*, and its quantization if it is no float."""
    dtype = dtype_name(tensor)
    return dtype, None if dtype == "float32" else quantization_of(tensor)


def refreshed(contract: Contract, file: TfliteFile) -> Contract:
    """Return *contract* with the dtypes, scales and zero points of the inputs and outputs of the canonical *file*.

    Raises:
        ContractError: the file has other inputs or outputs than *contract*.
        InputError: a state's output has another shape or dtype than its input.
    """
    subgraph, wanted = file.subgraph, contract.tensors
    if len(subgraph.inputs) != len(wanted):
        raise ContractError(f"the model has {counted(len(subgraph.inputs), 'input')}, but the contract {len(wanted)}")
    given = [subgraph.tensors[index] for index in subgraph.inputs]
    for tensor, want in zip(given[1:], wanted[1:], strict=True):
        if shape_of(tensor) != want.shape:
            raise ContractError(f"{want.what} of the model is {shape_of(tensor)}, the contract says {want.shape}")
    dtype, quantization = _stored_as(given[0])
    image = replace(contract.image, name=text_of(given[0].name), dtype=dtype, quantization=quantization)
    inputs, place = [contract.with_image(image).inputs[0]], 1
    for one in contract.inputs[1:]:
        inputs.append(_refreshed_state(one, given[place], subgraph) if isinstance(one, StateInput) else one)
        place += len(one.tensors)
    outputs = outputs_of(file.model, contract.output_names, contract.roles)
    return replace(contract, inputs=tuple(inputs), outputs=outputs)


def _refreshed_state(state: StateInput, given: Any, subgraph: Any) -> StateInput:
    following = subgraph.tensors[subgraph.outputs[state.output]]
    ends = [(dtype_name(tensor), shape_of(tensor)) for tensor in (given, following)]
    if ends[0] != ends[1]:
        (was, shape), (becomes, other) = ends
        raise InputError(
            f"the state {state.name} goes into the model as {was} {shape} and comes out as {becomes} {other}: want the "
            "same, for the output is the next frame's input"
        )
    dtype, quantization = _stored_as(given)
    return replace(state, dtype=dtype, quantization=quantization)
