"""What each TFLite operator wants of its tensors in int8, and with int16 activations.

From https://ai.google.dev/edge/litert/models/quantization_spec, and for versions `tools/versioning/op_version.cc` of
TensorFlow. An operator that is not here has no int8 form in TFLite, or none that XNNPACK and the Edge TPU take.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from detlite.runtime.tensors import Quantization


@dataclass(frozen=True)
class Weights:
    """Where an operator has its weights, and its bias, and along which axis the weights have a scale each."""

    weights: int
    bias: int
    axis: int


@dataclass(frozen=True)
class Rule:
    """One operator's quantized form.

    Attributes:
        version: the first version of the operator that takes it.
        weights: of a convolution and its like.
        same_scale: whether inputs and outputs share scale and zero point: it moves values and computes none.
        fixed: the scale and zero point of the output, where the specification fixes them.
    """

    version: int
    weights: Weights | None = None
    same_scale: bool = False
    fixed: Quantization | None = None


UNIT = Quantization(1 / 256, -128)  # 0 to 255/256
SIGNED_UNIT = Quantization(1 / 128, 0)  # -1 to 127/128
INT16_UNIT = Quantization(1 / 32768, 0)  # -1 to 32767/32768

INT8_RULES: Mapping[str, Rule] = {
    "CONV_2D": Rule(3, Weights(1, 2, 0)),
    "DEPTHWISE_CONV_2D": Rule(3, Weights(1, 2, 3)),
    "FULLY_CONNECTED": Rule(4, Weights(1, 2, 0)),
    "TRANSPOSE_CONV": Rule(2, Weights(1, 3, 0)),
    "ADD": Rule(2),
    "SUB": Rule(2),
    "MUL": Rule(2),
    "MEAN": Rule(2),
    "SUM": Rule(2),
    "RELU": Rule(2),
    "RELU6": Rule(2),
    "RELU_N1_TO_1": Rule(2),
    "LEAKY_RELU": Rule(2),
    "PRELU": Rule(1),
    "ELU": Rule(1),
    "HARD_SWISH": Rule(1),
    "LOGISTIC": Rule(2, fixed=UNIT),
    "SOFTMAX": Rule(2, fixed=UNIT),
    "TANH": Rule(2, fixed=SIGNED_UNIT),
    "L2_NORMALIZATION": Rule(2, fixed=SIGNED_UNIT),
    "AVERAGE_POOL_2D": Rule(2, same_scale=True),
    "MAX_POOL_2D": Rule(2, same_scale=True),
    "BATCH_TO_SPACE_ND": Rule(2, same_scale=True),
    "CONCATENATION": Rule(2, same_scale=True),
    "DEPTH_TO_SPACE": Rule(1, same_scale=True),
    "EXPAND_DIMS": Rule(1, same_scale=True),
    "GATHER": Rule(2, same_scale=True),
    "MAXIMUM": Rule(2, same_scale=True),
    "MINIMUM": Rule(2, same_scale=True),
    "MIRROR_PAD": Rule(2, same_scale=True),
    "PACK": Rule(2, same_scale=True),
    "PAD": Rule(2, same_scale=True),
    "PADV2": Rule(2, same_scale=True),
    "RESHAPE": Rule(1, same_scale=True),
    "RESIZE_BILINEAR": Rule(2, same_scale=True),
    "RESIZE_NEAREST_NEIGHBOR": Rule(2, same_scale=True),
    "SLICE": Rule(2, same_scale=True),
    "SPACE_TO_BATCH_ND": Rule(2, same_scale=True),
    "SPACE_TO_DEPTH": Rule(2, same_scale=True),
    "SPLIT": Rule(2, same_scale=True),
    "SPLIT_V": Rule(2, same_scale=True),
    "SQUEEZE": Rule(1, same_scale=True),
    "STRIDED_SLICE": Rule(2, same_scale=True),
    "TILE": Rule(2, same_scale=True),
    "TRANSPOSE": Rule(2, same_scale=True),
    "UNPACK": Rule(2, same_scale=True),
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
"""Those with a kernel for int16 in LiteRT 2: none has HARD_SWISH, PRELU, ELU, L2_NORMALIZATION or DEPTH_TO_SPACE."""

INT16_RULES: Mapping[str, Rule] = {
    kind: replace(INT8_RULES[kind], version=version, fixed=INT16_UNIT if INT8_RULES[kind].fixed else None)
    for kind, version in INT16_VERSIONS.items()
}
