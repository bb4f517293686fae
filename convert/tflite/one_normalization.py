"""One mean and one std for all channels: a per-channel normalization becomes part of the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detlite.convert.tflite.appended import appended_files, with_files
from detlite.convert.tflite.edit import ADD, MUL, Edit
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.heads import INPUT, further_inputs
from detlite.convert.tflite.signature import sign, signed_outputs
from detlite.convert.tflite.tensors import image_of, main_subgraph, shape_of
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError

MIDDLE = 127.5  # of 0..255: the mean and the std of an input in -1..1
NORMALIZED = "image_normalized"


def has_one_normalization(contract: Contract) -> bool:
    """Return whether all channels of the image have the same mean and the same std."""
    return len(set(contract.image.mean)) == 1 and len(set(contract.image.std)) == 1


def with_one_normalization(data: bytes, contract: Contract) -> tuple[bytes, Contract]:
    """Return the float model *data* for an image in -1..1 in every channel, and its contract.

    MediaPipe has no per-channel normalization. A multiplication and an addition before the first operator
    convert such an image to the model's training input: (p - mean) / std = x * 127.5 / std + (127.5 - mean) / std,
    with x = (p - 127.5) / 127.5.

    Raises:
        InputError: the input is not float32.
    """
    image = contract.image
    if image.dtype != "float32":
        raise InputError(f"the model's input is {image.dtype}, normalized channel by channel; want a float32 one")
    model = load(data, "the model")
    subgraph = main_subgraph(model)
    inner, edit = image_of(subgraph), Edit(model, subgraph)
    mean, std = np.array(image.mean), np.array(image.std)
    shape = shape_of(subgraph.tensors[inner])
    outer, scaled = edit.tensor(INPUT, shape), edit.tensor(f"{INPUT}_scaled", shape)
    factor = edit.constant(f"{INPUT}_factor", (MIDDLE / std).astype(np.float32))
    offset = edit.constant(f"{INPUT}_offset", ((MIDDLE - mean) / std).astype(np.float32))
    edit.operator(ADD, [scaled, offset], [inner], first=True)
    edit.operator(MUL, [outer, factor], [scaled], first=True)
    subgraph.tensors[inner].name = NORMALIZED
    subgraph.inputs = [outer, *subgraph.inputs[1:]]
    if outputs := signed_outputs(model):
        sign(model, {INPUT: outer, **further_inputs(subgraph)}, outputs)
    middle = (MIDDLE,) * image.channels
    changed = replace(image, name=INPUT, mean=middle, std=middle)
    return with_files(dump(model), appended_files(data)), contract.with_image(changed)
