"""A model's SignatureDef, by which programs find inputs and outputs by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detlite.convert.tflite.tensors import dtype_name, main_subgraph, name_of, shape_of, text_of

KEY = "serving_default"


def sign(model: Any, inputs: Mapping[str, int], outputs: Mapping[str, int]) -> None:
    """Give *model* one signature, `serving_default`, with these names of tensors of its first subgraph."""
    from ai_edge_litert.schema_py_generated import SignatureDefT

    signature = SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = KEY, 0
    signature.inputs, signature.outputs = _maps(inputs), _maps(outputs)
    model.signatureDefs = [signature]


def signed_outputs(model: Any) -> dict[str, int]:
    """Return the outputs of the first signature by name, `output_2` before `output_10`; empty without a signature."""
    return _signed(model, "outputs")


def signed_inputs(model: Any) -> dict[str, int]:
    """Return the inputs of the first signature by name, sorted as outputs are."""
    return _signed(model, "inputs")


def outputs_said(model: Any) -> str:
    """Return the outputs of *model* by name, dtype and shape, for an error."""
    subgraph = main_subgraph(model)
    names = {index: name for name, index in signed_outputs(model).items()}
    tensors = [(int(index), subgraph.tensors[index]) for index in subgraph.outputs]
    return ", ".join(
        f"{names.get(index) or name_of(tensor) or 'without a name'} {dtype_name(tensor)} {shape_of(tensor)}"
        for index, tensor in tensors
    )


def _signed(model: Any, ends: str) -> dict[str, int]:
    if not model.signatureDefs:
        return {}
    found = [(text_of(item.name), int(item.tensorIndex)) for item in getattr(model.signatureDefs[0], ends)]
    return dict(sorted(found, key=lambda item: (len(item[0]), item[0])))


def _maps(names: Mapping[str, int]) -> list[Any]:
    from ai_edge_litert.schema_py_generated import TensorMapT

    maps = []
    for name, index in names.items():
        item = TensorMapT()
        item.name, item.tensorIndex = name, index
        maps.append(item)
    return maps
