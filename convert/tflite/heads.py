"""Heads in one canonical form: named by role, in one order, with a SignatureDef, whatever the converter does."""

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
    """Put the outputs of the converter's model *file* in the order and under the names of *roles*.

    Which output is which is what the converter's own SignatureDef says: `output_0` and `output_1` are what the
    exporter asked for, box encodings first; a model that is canonical already has the roles there. Without a
    signature (the converter writes none for some graphs) the outputs are called as the graph's *heads*. Shapes do not
    tell: three classes and a background are as many columns as a box.

    Raises:
        InputError: the model's outputs are neither signed nor called so.
    """
    model = file.edit()
    subgraph = main_subgraph(model)
    named = {text_of(subgraph.tensors[index].name): index for index in subgraph.outputs}
    nodes = [head.split(":")[0] for head in heads]
    signed = list(signed_outputs(model).values()) or [named[node] for node in nodes if node in named]
    if len(signed) != len(roles):
        raise InputError(
            f"the converted model has the outputs {sorted(named)}; want {len(roles)}, signed or called {nodes}"
        )
    name_heads(model, dict(zip(roles, signed, strict=True)))  # both namings sort in the order of the roles


def name_heads(model: Any, by_role: Mapping[str, int]) -> None:
    """Make the tensors *by_role* the outputs of *model*, in that order, named and signed so; sort its metadata."""
    subgraph = main_subgraph(model)
    subgraph.outputs = list(by_role.values())
    for role, index in by_role.items():
        subgraph.tensors[index].name = role
    image = image_of(subgraph)
    subgraph.tensors[image].name = INPUT
    sign(model, {INPUT: image}, by_role)
    model.metadata.sort(key=lambda item: text_of(item.name))  # the converter writes them in the order of a hash table


def outputs_of(model: Any, roles: Sequence[str]) -> tuple[Output, ...]:
    """Return the outputs of *model*, which are what *roles* says, in this order.

    Raises:
        ContractError: there are more or fewer of them.
    """
    subgraph = main_subgraph(model)
    if len(subgraph.outputs) != len(roles):
        raise ContractError(f"the model has {len(subgraph.outputs)} outputs, and the contract {len(roles)}: {roles}")
    found = []
    for number, (role, index) in enumerate(zip(roles, subgraph.outputs, strict=True)):
        tensor = subgraph.tensors[index]
        dtype = dtype_name(tensor)
        quantization = None if dtype == "float32" else quantization_of(tensor)
        found.append(Output(role, text_of(tensor.name), number, shape_of(tensor), dtype, quantization))
    return tuple(found)


def refreshed(contract: Contract, file: TfliteFile) -> Contract:
    """Return *contract* with dtype, scale and zero point of input and heads as the canonical model *file* has them."""
    subgraph = file.subgraph
    tensor = subgraph.tensors[image_of(subgraph)]
    dtype = dtype_name(tensor)
    quantization = None if dtype == "float32" else quantization_of(tensor)
    image = replace(contract.image, name=text_of(tensor.name), dtype=dtype, quantization=quantization)
    return replace(contract.with_image(image), outputs=outputs_of(file.model, contract.roles))
