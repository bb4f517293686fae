"""A quick look at a finished model's file without parsing it: its format, and its input's dtype."""

from __future__ import annotations

from pathlib import Path

from detlite.convert.tflite.edit import TYPES
from detlite.convert.tflite.tables import Table, root_table
from detlite.runtime.errors import InputError
from detlite.runtime.model_file import is_model_file, is_tflite, model_in

SUBGRAPHS, TENSORS, INPUTS, TYPE = 2, 0, 1, 1  # slots of the schema's Model, SubGraph, SubGraph and Tensor
FLOAT = "float32"
QUANTIZED = ("int8", "uint8", "int16")


def check_float(path: Path) -> None:
    """Check quickly that *path* can be quantized: graphs pass, finished models may not.

    Raises:
        InputError: it is a finished model in a format other than TFLite, is damaged, or its input is not float32.
    """
    model = model_in(path) if path.is_dir() else path
    if model is None or not model.is_file():
        return
    if is_tflite(model):
        check_float_input(input_dtype(model.read_bytes()))
    elif is_model_file(model) and path.is_dir():  # a bare .onnx file is a trained graph
        raise InputError(f"{model} is not a TFLite model; expected a float32 one, or a trained graph, to quantize")


def check_float_input(dtype: str) -> None:
    """Raise `InputError` if a model whose input has this *dtype* is quantized already.

    The first input of a stream may be a counter, int32, which says nothing.
    """
    if dtype in QUANTIZED:
        raise InputError(f"the model's input is {dtype} already; give a float32 model to quantize")


def input_dtype(data: bytes) -> str:
    """Return the dtype of the first input of the .tflite file *data*; float32 if that is not one of `TYPES`.

    Raises:
        InputError: the file is damaged.
    """
    subgraphs = root_table(data).tables(SUBGRAPHS)
    tensor = _first_input(subgraphs[0]) if subgraphs else None
    names = {code: name for name, code in TYPES.items()}
    return FLOAT if tensor is None else names.get(tensor.byte(TYPE), FLOAT)


def _first_input(subgraph: Table) -> Table | None:
    start, count = subgraph.vector(INPUTS, 4) or (0, 0)
    if not count:
        return None
    index = int.from_bytes(subgraph.data[start : start + 4], "little")
    tensors = subgraph.tables(TENSORS)
    return tensors[index] if index < len(tensors) else None
