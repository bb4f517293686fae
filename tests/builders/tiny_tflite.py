"""A tiny raw-head .tflite made in the test with the schema alone: one fully connected layer of nothing.

Its two inputs' worth of heads are read straight from the image, so that any encodings and scores can be fed in.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.artifact import step
from detlite.convert.model import Model
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.heads import name_heads
from detlite.runtime.arrays import Floats
from detlite.runtime.artifact import Artifact
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract
from detlite.runtime.inputs import ImageInput
from detlite.runtime.tasks.detection import Detection
from detlite.runtime.tensors import Output

RESHAPE, STRIDED_SLICE = 22, 45


def tiny_contract(anchors: int = 6, classes: int = 3, nms: Nms | None = None) -> Contract:
    """The contract of `tiny_model`: anchors in a row, sigmoid scores with a background column."""
    centres = (np.arange(anchors, dtype=np.float32) + 0.5) / anchors
    boxes = np.stack([centres, centres, np.full(anchors, 0.4), np.full(anchors, 0.4)], axis=1).astype(np.float32)
    return Contract(
        inputs=(ImageInput("image", anchors, classes + 5, "GRAY", "float32", (0.0,), (1.0,), "tf1_bilinear"),),
        outputs=(
            Output("box_encodings", "box_encodings", 0, (1, anchors, 4), "float32"),
            Output("class_scores", "class_scores", 1, (1, anchors, classes + 1), "float32"),
        ),
        labels=tuple(f"class {i}" for i in range(classes)),
        task=Detection(
            anchors=boxes,
            box_coder=BoxCoder(),
            score_converter="SIGMOID",
            score_converter_place="model",
            label_offset=1,
            nms=nms or Nms(),
        ),
    )


def save_tiny(folder: Path, contract: Contract | None = None) -> Artifact:
    """Write `tiny_model` to *folder* as an artifact, with another *contract* if one is given."""
    history = (step("convert", input_sha256="0" * 64),)
    return Model(tiny_model(), "tflite", contract or tiny_contract(), history).save(folder)


def with_anchors(contract: Contract, anchors: Floats) -> Contract:
    """*contract* with other anchors."""
    return contract.with_task(anchors=anchors)


def tiny_model(anchors: int = 6, classes: int = 3) -> bytes:
    """A float32 model: image [1, anchors, classes + 5, 1] to encodings (first 4 columns) and scores (the rest)."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT()
    model.version, model.description = 3, "made in a test"
    model.buffers, model.operatorCodes = [schema.BufferT()], []
    model.signatureDefs, model.metadata = [], []
    subgraph = schema.SubGraphT()
    subgraph.name, subgraph.tensors, subgraph.operators = "main", [], []

    def tensor(name: str, shape: Sequence[int], dtype: int = 0, data: Sequence[int] | None = None) -> int:
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, np.array(shape, np.int32), dtype, 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.asarray(data, "<i4").tobytes(), np.uint8)
            model.buffers.append(buffer)
            made.buffer = len(model.buffers) - 1
        subgraph.tensors.append(made)
        return len(subgraph.tensors) - 1

    def operator(builtin: int, inputs: list[int], outputs: list[int], kind: int, options: Any) -> None:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = builtin
        code.version = 1
        model.operatorCodes.append(code)
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = len(model.operatorCodes) - 1, inputs, outputs
        made.builtinOptionsType, made.builtinOptions = kind, options
        subgraph.operators.append(made)

    columns = classes + 5
    image = tensor("image", (1, anchors, columns, 1))
    flat = tensor("flat", (1, anchors, columns))
    shape = tensor("shape", (3,), 2, (1, anchors, columns))
    options = schema.ReshapeOptionsT()
    options.newShape = np.array((1, anchors, columns), np.int32)
    operator(RESHAPE, [image, shape], [flat], schema.BuiltinOptions.ReshapeOptions, options)
    heads = []
    for name, begin, end in (("boxes", 0, 4), ("scores", 4, columns)):
        limits = [
            tensor(f"{name}_{i}", (3,), 2, v) for i, v in enumerate(((0, 0, begin), (1, anchors, end), (1, 1, 1)))
        ]
        out = tensor(name, (1, anchors, end - begin))
        operator(
            STRIDED_SLICE,
            [flat, *limits],
            [out],
            schema.BuiltinOptions.StridedSliceOptions,
            schema.StridedSliceOptionsT(),
        )
        heads.append(out)
    subgraph.inputs, subgraph.outputs = [image], heads
    model.subgraphs = [subgraph]
    name_heads(model, {"box_encodings": heads[0], "class_scores": heads[1]})
    return dump(model)


def tiny_int8_model(anchors: int = 6, classes: int = 3, scale: float = 0.03125) -> bytes:
    """`tiny_model` in int8, from the image to the heads: real = scale * (q + 3)."""
    from ai_edge_litert import schema_py_generated as schema

    model = load(tiny_model(anchors, classes), "tiny")
    for tensor in model.subgraphs[0].tensors:
        if tensor.type == 0:
            tensor.type, tensor.quantization = 9, schema.QuantizationParametersT()
            tensor.quantization.scale = np.array([scale], np.float32)
            tensor.quantization.zeroPoint = np.array([-3], np.int64)
    return dump(model)


def run_model(data: bytes, image: NDArray[Any]) -> list[NDArray[Any]]:
    """The outputs of the model *data* for *image*, in the model's order."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]
