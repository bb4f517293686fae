"""Small .tflite files made in a test, tensor by tensor, with the schema alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from detlite.convert.tflite.edit import TYPES
from detlite.convert.tflite.flatbuffer import dump

Shape = Sequence[int]
EXTRA = {"int16": 7, "float16": 1}


class Model:
    """A model in the making: `tensor` and `op` return what the next ones are given, `bytes` ends it."""

    def __init__(self) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.schema = schema
        self.made = schema.ModelT()
        self.made.version, self.made.description = 3, "made in a test"
        self.made.buffers, self.made.operatorCodes = [schema.BufferT()], []
        self.made.signatureDefs, self.made.metadata = [], []
        self.subgraph = schema.SubGraphT()
        self.subgraph.name, self.subgraph.tensors, self.subgraph.operators = "main", [], []

    def tensor(
        self,
        shape: Shape,
        dtype: str = "int8",
        *,
        data: ArrayLike | None = None,
        scale: ArrayLike = 0.5,
        zero: int = 0,
        name: str | None = None,
        signature: Shape | None = None,
        variable: bool = False,
    ) -> int:
        made = self.schema.TensorT()
        made.name = name or f"t{len(self.subgraph.tensors)}"
        made.shape, made.type, made.buffer = np.array(shape, np.int32), TYPES[dtype], 0
        made.isVariable = variable
        if signature is not None:
            made.shapeSignature = np.array(signature, np.int32)
        if dtype in ("int8", "uint8", "int16"):
            made.quantization = self.schema.QuantizationParametersT()
            scales = np.atleast_1d(np.array(scale, np.float32))
            made.quantization.scale = scales
            made.quantization.zeroPoint = np.full(len(scales), zero, np.int64)
        if data is not None:
            buffer = self.schema.BufferT()
            whole = np.broadcast_to(np.asarray(data, np.dtype(dtype)), shape)
            buffer.data = np.frombuffer(np.ascontiguousarray(whole).tobytes(), np.uint8)
            self.made.buffers.append(buffer)
            made.buffer = len(self.made.buffers) - 1
        self.subgraph.tensors.append(made)
        return len(self.subgraph.tensors) - 1

    def op(
        self,
        name: str | int,
        inputs: Sequence[int],
        outputs: Sequence[int],
        *,
        version: int = 1,
        custom: str | None = None,
        **options: Any,
    ) -> int:
        code = self.schema.OperatorCodeT()
        code.builtinCode = name if isinstance(name, int) else getattr(self.schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version, code.customCode = version, custom
        self.made.operatorCodes.append(code)
        made = self.schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = len(self.made.operatorCodes) - 1, list(inputs), list(outputs)
        if isinstance(name, str) and options:
            kind = OPTIONS.get(name) or f"{name.title().replace('_', '')}Options"
            made.builtinOptionsType = getattr(self.schema.BuiltinOptions, kind)
            made.builtinOptions = getattr(self.schema, f"{kind}T")()
            for key, value in options.items():
                setattr(made.builtinOptions, key, value)
        self.subgraph.operators.append(made)
        return outputs[0]

    def bytes(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        self.subgraph.inputs, self.subgraph.outputs = list(inputs), list(outputs)
        self.made.subgraphs = [self.subgraph]
        return dump(self.made)

    def conv(
        self,
        image: int,
        depth: int,
        *,
        kernel: int = 1,
        groups: int = 1,
        version: int = 3,
        dilation: tuple[int, int] = (1, 1),
        constant: bool = True,
        weight_scale: ArrayLike = 0.5,
    ) -> int:
        """Add a convolution of stride 1 and padding SAME, and return its output."""
        shape = tuple(self.subgraph.tensors[image].shape)
        weights = self.tensor(
            (depth, kernel, kernel, shape[3] // groups),
            data=np.arange(kernel, dtype=np.int8)[:, None] + 1 if constant else None,
            scale=weight_scale,
        )
        bias = self.tensor((depth,), "int32", data=7)
        out = self.tensor((*shape[:3], depth), scale=0.75)
        options: dict[str, Any] = {
            "strideW": 1,
            "strideH": 1,
            "dilationHFactor": dilation[0],
            "dilationWFactor": dilation[1],
        }
        return self.op("CONV_2D", [image, weights, bias], [out], version=version, **options)

    def unary(self, name: str, image: int, **options: Any) -> int:
        """Add an operator of one input and one output of the same shape, and return its output."""
        tensor = self.subgraph.tensors[image]
        out = self.tensor(tuple(tensor.shape))
        return self.op(name, [image], [out], **options)


OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    "MEAN": "ReducerOptions",
}


def convolutions(count: int = 3, size: int = 8, depth: int = 16) -> bytes:
    """A model of *count* convolutions in a row."""
    model = Model()
    image = last = model.tensor((1, size, size, depth), name="image")
    for _ in range(count):
        last = model.conv(last, depth)
    return model.bytes([image], [last])
