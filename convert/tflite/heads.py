"""Heads in a canonical form, whatever the converter does: named by role, in a fixed order, with a SignatureDef."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.signature import sign, signed_outputs
from detlite.convert.tflite.tensors import dtype_name, image_of, main_subgraph, quantization_of, shape_of, text_of
from detlite.runtime.contract import Contract
from detlite.runtime.errors import ContractError, InputError
from detlite.runtime.tasks.detection import RAW_ROLES
from detlite.runtime.tensors import Output

INPUT = "image"


def canonicalize(file: TfliteFile, heads: Sequence[str] = (), *, roles: Sequence[str] = RAW_ROLES) -> None:
    """Order and name the outputs of the converter's model *file* by *roles*.

    The converter's SignatureDef identifies the outputs: `output_0` and `output_1` are what the
    exporter asked for, box encodings first; a model that is canonical already has the roles there. Without a
    signature (the converter writes none for some graphs) the outputs are named like the graph's *heads*. Shapes cannot
    identify them: three classes and a background have as many columns as a box.

    Raises:
        InputError: the model's outputs have neither a signature nor these names.
    """
    model = file.edit()
    subgraph = main_subgraph(model)
    named = {text_of(subgraph.tensors[index].name): index for index in subgraph.outputs}
    nodes = [head.split(":")[0] for head in heads]
    by_name = signed_outputs(model)
    if set(by_name) == set(roles):  # canonical already: roles need not be in the order of the alphabet
        by_name = {role: by_name[role] for role in roles}
    signed = list(by_name.values()) or [named[node] for node in nodes if node in named]
    if len(signed) != len(roles):
        raise InputError(
            f"the converted model has the outputs {sorted(named)}; want {len(roles)}, in a signature or named {nodes}"
        )
    name_heads(model, dict(zip(roles, signed, strict=True)))  # `output_0` and so on sort in the order of the roles


def name_heads(model: Any, by_role: Mapping[str, int]) -> None:
    """Make the tensors *by_role* the outputs of *model*, in that order, named and signed by role; sort its metadata."""
    subgraph = main_subgraph(model)
    subgraph.outputs = list(by_role.values())
    for role, index in by_role.items():
        subgraph.tensors[index].name = role
    image = image_of(subgraph)
    subgraph.tensors[image].name = INPUT
    sign(model, {INPUT: image}, by_role)
    model.metadata.sort(key=lambda item: text_of(item.name))  # the converter writes them in hash table order


def outputs_of(model: Any, roles: Sequence[str]) -> tuple[Output, ...]:
    """Return the outputs of *model*, which have these *roles*, in this order.

    Raises:
        ContractError: their number differs.
    """
    subgraph = main_subgraph(model)
    if len(subgraph.outputs) != len(roles):
        raise ContractError(f"the model has {len(subgraph.outputs)} outputs, but the contract {len(roles)}: {roles}")
    found = []
    for number, (role, index) in enumerate(zip(roles, subgraph.outputs, strict=True)):
        tensor = subgraph.tensors[index]
        dtype = dtype_name(tensor)
        quantization = None if dtype == "float32" else quantization_of(tensor)
        found.append(Output(role, text_of(tensor.name), number, shape_of(tensor), dtype, quantization))
    return tuple(found)


def refreshed(contract: Contract, file: TfliteFile) -> Contract:
    """Return *contract* with the dtypes, scales and zero points of the input and heads of the canonical *file*."""
    subgraph = file.subgraph
    tensor = subgraph.tensors[image_of(subgraph)]
    dtype = dtype_name(tensor)
    quantization = None if dtype == "float32" else quantization_of(tensor)
    image = replace(contract.image, name=text_of(tensor.name), dtype=dtype, quantization=quantization)
    return replace(contract.with_image(image), outputs=outputs_of(file.model, contract.roles))
