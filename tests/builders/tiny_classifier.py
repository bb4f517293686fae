"""A tiny classifier: an image of one row of grey pixels, whose pixels are the scores of the classes."""

from pathlib import Path

import numpy as np

from detlite.convert.artifact import step
from detlite.convert.model import Model
from detlite.convert.tflite.flatbuffer import dump
from detlite.runtime.artifact import Artifact
from detlite.runtime.contract import Contract
from detlite.runtime.inputs import ImageInput
from detlite.runtime.tasks.classification import Classification
from detlite.runtime.tensors import Output

RESHAPE = 22


def tiny_classifier(classes: int = 6) -> bytes:
    """A float32 model: image [1, 1, classes, 1] to class_scores [1, classes], the same numbers."""
    from ai_edge_litert import schema_py_generated as schema

    model, subgraph = schema.ModelT(), schema.SubGraphT()
    model.version, model.description = 3, "made in a test"
    shape = schema.BufferT()
    shape.data = np.frombuffer(np.array((1, classes), "<i4").tobytes(), np.uint8)
    model.buffers, model.signatureDefs, model.metadata = [schema.BufferT(), shape], [], []
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = RESHAPE
    code.version = 1
    model.operatorCodes = [code]
    rows = (("image", (1, 1, classes, 1), 0, 0), ("shape", (2,), 2, 1), ("class_scores", (1, classes), 0, 0))
    subgraph.name, subgraph.tensors = "main", []
    for name, sides, dtype, buffer in rows:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, np.array(sides, np.int32), dtype, buffer
        subgraph.tensors.append(tensor)
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0, 1], [2]
    operator.builtinOptionsType, operator.builtinOptions = (
        schema.BuiltinOptions.ReshapeOptions,
        schema.ReshapeOptionsT(),
    )
    operator.builtinOptions.newShape = np.array((1, classes), np.int32)
    subgraph.operators, subgraph.inputs, subgraph.outputs = [operator], [0], [2]
    model.subgraphs = [subgraph]
    return dump(model)


def classifier_contract(classes: int = 6) -> Contract:
    """The contract of `tiny_classifier`: classes called kind 0, kind 1 ..."""
    return Contract(
        inputs=(ImageInput("image", 1, classes, "GRAY", "float32", (0.0,), (255.0,), "tf1_bilinear"),),
        outputs=(Output("class_scores", "class_scores", 0, (1, classes), "float32"),),
        labels=tuple(f"kind {number}" for number in range(classes)),
        task=Classification(score_converter="IDENTITY", score_converter_place="model", label_offset=0),
    )


def save_classifier(folder: Path, classes: int = 6) -> Artifact:
    """Write `tiny_classifier` to *folder* as an artifact."""
    history = (step("convert", input_sha256="0" * 64),)
    return Model(tiny_classifier(classes), "tflite", classifier_contract(classes), history).save(folder)


def write_scored_image(path: Path, scores: list[int]) -> Path:
    """Write an image for which the classifier returns *scores*, each 0..255 for 0..1; return *path*, a .npy file."""
    np.save(path, np.repeat(np.array(scores, np.uint8)[None, :, None], 3, axis=2))
    return path
