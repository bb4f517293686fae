"""The rules that each TFLite operator imposes on its tensors in int8, and with int16 activations.

Source: https://ai.google.dev/edge/litert/models/quantization_spec; for versions, TensorFlow's
`tools/versioning/op_version.cc`. An operator that is not listed has no int8 form in TFLite, or none that XNNPACK and
the Edge TPU support.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from detlite.runtime.tensors import Quantization


@dataclass(frozen=True)
class WeightInputs:
    """The positions of weights and bias among an operator's inputs, and the axis of the weights with a scale each."""

    weights: int
    bias: int
    axis: int


@dataclass(frozen=True)
class OperatorRule:
    """The quantized form of one operator.

    Attributes:
        version: the first version of the operator that supports it.
        weights: the inputs of an operator with weights, such as a convolution.
        same_scale: whether inputs and outputs share scale and zero point, because it only moves values.
        fixed: the scale and zero point of the output, if the specification fixes them.
    """

    version: int
    weights: WeightInputs | None = None
    same_scale: bool = False
    fixed: Quantization | None = None


UNIT = Quantization(1 / 256, -128)  # 0 to 255/256
SIGNED_UNIT = Quantization(1 / 128, 0)  # -1 to 127/128
INT16_UNIT = Quantization(1 / 32768, 0)  # -1 to 32767/32768

INT8_RULES: Mapping[str, OperatorRule] = {
    "CONV_2D": OperatorRule(3, WeightInputs(1, 2, 0)),
    "DEPTHWISE_CONV_2D": OperatorRule(3, WeightInputs(1, 2, 3)),
    "FULLY_CONNECTED": OperatorRule(4, WeightInputs(1, 2, 0)),
    "TRANSPOSE_CONV": OperatorRule(2, WeightInputs(1, 3, 0)),
    "ADD": OperatorRule(2),
    "SUB": OperatorRule(2),
    "MUL": OperatorRule(2),
    "MEAN": OperatorRule(2),
    "SUM": OperatorRule(2),
    "RELU": OperatorRule(2),
    "RELU6": OperatorRule(2),
    "RELU_N1_TO_1": OperatorRule(2),
    "LEAKY_RELU": OperatorRule(2),
    "PRELU": OperatorRule(1),
    "ELU": OperatorRule(1),
    "GELU": OperatorRule(2),
    "HARD_SWISH": OperatorRule(1),
    "LOGISTIC": OperatorRule(2, fixed=UNIT),
    "SOFTMAX": OperatorRule(2, fixed=UNIT),
    "TANH": OperatorRule(2, fixed=SIGNED_UNIT),
    "L2_NORMALIZATION": OperatorRule(2, fixed=SIGNED_UNIT),
    "AVERAGE_POOL_2D": OperatorRule(2, same_scale=True),
    "MAX_POOL_2D": OperatorRule(2, same_scale=True),
    "BATCH_TO_SPACE_ND": OperatorRule(2, same_scale=True),
    "CONCATENATION": OperatorRule(2, same_scale=True),
    "DEPTH_TO_SPACE": OperatorRule(1, same_scale=True),
    "EXPAND_DIMS": OperatorRule(1, same_scale=True),
    "GATHER": OperatorRule(2, same_scale=True),
    "MAXIMUM": OperatorRule(2, same_scale=True),
    "MINIMUM": OperatorRule(2, same_scale=True),
    "MIRROR_PAD": OperatorRule(2, same_scale=True),
    "PACK": OperatorRule(2, same_scale=True),
    "PAD": OperatorRule(2, same_scale=True),
    "PADV2": OperatorRule(2, same_scale=True),
    "RESHAPE": OperatorRule(1, same_scale=True),
    "RESIZE_BILINEAR": OperatorRule(2, same_scale=True),
    "RESIZE_NEAREST_NEIGHBOR": OperatorRule(2, same_scale=True),
    "SLICE": OperatorRule(2, same_scale=True),
    "SPACE_TO_BATCH_ND": OperatorRule(2, same_scale=True),
    "SPACE_TO_DEPTH": OperatorRule(2, same_scale=True),
    "SPLIT": OperatorRule(2, same_scale=True),
    "SPLIT_V": OperatorRule(2, same_scale=True),
    "SQUEEZE": OperatorRule(1, same_scale=True),
    "STRIDED_SLICE": OperatorRule(2, same_scale=True),
    "TILE": OperatorRule(2, same_scale=True),
    "TRANSPOSE": OperatorRule(2, same_scale=True),
    "UNPACK": OperatorRule(2, same_scale=True),
}

INT16_VERSIONS: Mapping[str, int] = {
    "CONV_2D": 4,
    "DEPTHWISE_CONV_2D": 5,
    "FULLY_CONNECTED": 7,
    "TRANSPOSE_CONV": 3,
    "ADD": 3,
    "SUB": 5,
    "MUL": 4,
    "MEAN": 3,
    "SUM": 2,
    "RELU": 3,
    "RELU6": 3,
    "LEAKY_RELU": 2,
    "LOGISTIC": 3,
    "SOFTMAX": 3,
    "TANH": 3,
    "AVERAGE_POOL_2D": 3,
    "MAX_POOL_2D": 3,
    "BATCH_TO_SPACE_ND": 4,
    "CONCATENATION": 3,
    "EXPAND_DIMS": 1,
    "GATHER": 4,
    "MAXIMUM": 4,
    "MINIMUM": 4,
    "MIRROR_PAD": 3,
    "PACK": 3,
    "PAD": 3,
    "PADV2": 3,
    "RESHAPE": 1,
    "RESIZE_BILINEAR": 4,
    "RESIZE_NEAREST_NEIGHBOR": 4,
    "SLICE": 4,
    "SPACE_TO_BATCH_ND": 4,
    "SPLIT": 4,
    "SPLIT_V": 2,
    "SQUEEZE": 1,
    "STRIDED_SLICE": 2,
    "TILE": 3,
    "TRANSPOSE": 5,
    "UNPACK": 4,
}
"""Operators with an int16 kernel in LiteRT 2; HARD_SWISH, PRELU, ELU, L2_NORMALIZATION and DEPTH_TO_SPACE have none."""

INT16_RULES: Mapping[str, OperatorRule] = {
    kind: replace(INT8_RULES[kind], version=version, fixed=INT16_UNIT if INT8_RULES[kind].fixed else None)
    for kind, version in INT16_VERSIONS.items()
}
