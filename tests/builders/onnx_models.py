"""ONNX models of the TFLite models made in tests, and what ONNX Runtime answers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.onnx.options import OnnxOptions
from detlite.convert.onnx.write import translate
from detlite.convert.tflite.open_file import TfliteFile


def onnx_of(data: bytes, **options: Any) -> Any:
    """The `ModelProto` of the TFLite model *data*; its outputs are called a, b, c and so on. It is checked in full."""
    import onnx

    file = TfliteFile(data)
    names = [chr(ord("a") + number) for number in range(len(file.subgraph.outputs))]
    model, _outputs = translate(file, "image", names, OnnxOptions(**options))
    onnx.checker.check_model(model, full_check=True)
    return model


def run_onnx(model: Any, image: NDArray[Any]) -> list[NDArray[Any]]:
    """The outputs of the `ModelProto` *model* for *image*."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    return [np.asarray(one) for one in session.run(None, {session.get_inputs()[0].name: image})]


def counts(model: Any) -> dict[str, int]:
    """How many nodes of each kind the `ModelProto` *model* has."""
    kinds = [node.op_type for node in model.graph.node]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}
