"""Float .tflite files made in a test with the schema alone: one operator after another."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detlite.convert.tflite.edit import TYPES
from detlite.convert.tflite.flatbuffer import dump
from detlite.convert.tflite.signature import sign
from detlite.runtime.arrays import Floats

Array = NDArray[Any]
Shape = Sequence[int]
SAME, VALID = 0, 1
NONE, RELU, RELU6 = 0, 1, 3


class FloatNet:
    """A network that is built operator by operator; tensors are numbers."""

    def __init__(self, shape: Shape = (1, 8, 8, 3), name: str = "image") -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.schema = schema
        self.model = schema.ModelT()
        self.model.version, self.model.description = 3, "made in a test"
        self.model.buffers, self.model.operatorCodes = [schema.BufferT()], []
        self.model.signatureDefs, self.model.metadata = [], []
        self.subgraph = schema.SubGraphT()
        self.subgraph.name, self.subgraph.tensors, self.subgraph.operators = "main", [], []
        self.model.subgraphs = [self.subgraph]
        self.image = self.tensor(name, shape)
        self.chance = np.random.default_rng(0)

    def tensor(self, name: str, shape: Shape, dtype: str = "float32", data: ArrayLike | None = None) -> int:
        made = self.schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, np.array(shape, np.int32), TYPES[dtype], 0
        if data is not None:
            buffer = self.schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            made.buffer = len(self.model.buffers) - 1
        self.subgraph.tensors.append(made)
        return len(self.subgraph.tensors) - 1

    def shape(self, index: int) -> tuple[int, ...]:
        return tuple(int(side) for side in self.subgraph.tensors[index].shape)

    def constant(self, value: ArrayLike, name: str | None = None) -> int:
        value = np.asarray(value)
        value = value.astype("<i4" if value.dtype.kind == "i" else "<f4")
        return self.tensor(
            name or f"constant_{len(self.subgraph.tensors)}", value.shape, value.dtype.name, np.atleast_1d(value)
        )

    def add(
        self,
        kind: str,
        inputs: Sequence[int],
        shapes: Sequence[Shape],
        options: str | None = None,
        *,
        name: str | None = None,
        version: int = 1,
        **settings: Any,
    ) -> list[int]:
        """Add the operator *kind* and return its outputs, one for each of *shapes*."""
        builtin = getattr(self.schema.BuiltinOperator, kind)
        code = self.schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = builtin, min(builtin, 127), version
        self.model.operatorCodes.append(code)
        made = self.schema.OperatorT()
        made.opcodeIndex, made.inputs = len(self.model.operatorCodes) - 1, list(inputs)
        if options is not None:
            made.builtinOptionsType = getattr(self.schema.BuiltinOptions, options)
            made.builtinOptions = getattr(self.schema, f"{options}T")()
            for setting, value in settings.items():
                assert hasattr(made.builtinOptions, setting), setting
                setattr(made.builtinOptions, setting, value)
        label = name or f"{kind.lower()}_{len(self.subgraph.operators)}"
        outputs = [self.tensor(f"{label}{i or ''}", shape) for i, shape in enumerate(shapes)]
        made.outputs = outputs
        self.subgraph.operators.append(made)
        return outputs

    def conv(
        self,
        x: int,
        filters: int,
        *,
        window: int = 3,
        stride: int = 1,
        activation: int = NONE,
        weights: ArrayLike | None = None,
        bias: ArrayLike | None = None,
        name: str | None = None,
    ) -> int:
        n, height, width, channels = self.shape(x)
        if weights is None:
            weights = self.chance.normal(0, 0.3, (filters, window, window, channels))
        bias = self.chance.normal(0, 0.3, filters) if bias is None else bias
        out = (n, -(-height // stride), -(-width // stride), filters)
        return self.add(
            "CONV_2D",
            [x, self.constant(np.asarray(weights, np.float32)), self.constant(np.asarray(bias, np.float32))],
            [out],
            "Conv2DOptions",
            name=name,
            strideH=stride,
            strideW=stride,
            padding=SAME,
            fusedActivationFunction=activation,
        )[0]

    def depthwise(
        self,
        x: int,
        *,
        window: int = 3,
        stride: int = 1,
        activation: int = NONE,
        weights: ArrayLike | None = None,
        bias: ArrayLike | None = None,
        name: str | None = None,
    ) -> int:
        n, height, width, channels = self.shape(x)
        if weights is None:
            weights = self.chance.normal(0, 0.3, (1, window, window, channels))
        bias = self.chance.normal(0, 0.3, channels) if bias is None else bias
        out = (n, -(-height // stride), -(-width // stride), channels)
        return self.add(
            "DEPTHWISE_CONV_2D",
            [x, self.constant(np.asarray(weights, np.float32)), self.constant(np.asarray(bias, np.float32))],
            [out],
            "DepthwiseConv2DOptions",
            name=name,
            strideH=stride,
            strideW=stride,
            padding=SAME,
            depthMultiplier=1,
            fusedActivationFunction=activation,
        )[0]

    def reshape(self, x: int, shape: Shape) -> int:
        return self.add(
            "RESHAPE",
            [x, self.constant(np.array(shape))],
            [shape],
            "ReshapeOptions",
            newShape=np.array(shape, np.int32),
        )[0]

    def finish(self, *outputs: int) -> bytes:
        self.subgraph.inputs, self.subgraph.outputs = [self.image], list(outputs)
        sign(self.model, {"image": self.image}, {f"output_{i}": index for i, index in enumerate(outputs)})
        return dump(self.model)


def images(shape: Shape = (1, 8, 8, 3), count: int = 4, seed: int = 1) -> list[Floats]:
    """Float inputs of -1 to 1."""
    chance = np.random.default_rng(seed)
    return [chance.uniform(-1, 1, shape).astype(np.float32) for _ in range(count)]


def run(data: bytes, image: Array) -> list[Array]:
    """The real outputs of the model *data* for the real *image*, whatever its dtypes are."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    detail = interpreter.get_input_details()[0]
    interpreter.set_tensor(detail["index"], _stored(image, detail))
    interpreter.invoke()
    return [_real(interpreter.get_tensor(one["index"]), one) for one in interpreter.get_output_details()]


def _stored(image: Array, detail: Mapping[str, Any]) -> Array:
    if detail["dtype"] == np.float32:
        return image
    scale, zero_point = detail["quantization"]
    limits = np.iinfo(detail["dtype"])
    stored: Array = np.clip(np.rint(image / scale) + zero_point, limits.min, limits.max).astype(detail["dtype"])
    return stored


def _real(value: Array, detail: Mapping[str, Any]) -> Array:
    if detail["dtype"] == np.float32:
        return value
    scale, zero_point = detail["quantization"]
    real: Array = (value.astype(np.float64) - zero_point) * scale
    return real


def snr_db(want: ArrayLike, got: ArrayLike) -> float:
    """Signal to noise of *got* against *want*, in dB."""
    wanted = np.asarray(want, np.float64)
    noise = ((wanted - np.asarray(got)) ** 2).sum()
    return float(10 * np.log10((wanted**2).sum() / max(noise, 1e-30)))
