"""The ONNX operators that TensorRT's importer takes, by version.

Source: `docs/operators.md` and `docs/Changelog.md` of onnx/onnx-tensorrt, 8.4 to 10.15. An operator that neither table
names is taken by every version since 8.0.
"""

from __future__ import annotations

from collections.abc import Mapping

NEVER = frozenset(
    (
        *("AffineGrid", "Bernoulli", "BitCast", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor"),
        *("CenterCropPad", "Col2Im", "Compress", "ConcatFromSequence", "ConvInteger", "CumProd", "DFT", "Det"),
        *("DynamicQuantizeLinear", "ImageDecoder", "MatMulInteger", "MaxRoiPool", "MaxUnpool", "MelWeightMatrix"),
        *("Multinomial", "NegativeLogLikelihoodLoss", "Optional", "OptionalGetElement", "OptionalHasElement"),
        *("QLinearConv", "QLinearMatMul", "RegexFullMatch", "SequenceAt", "SequenceConstruct", "SequenceEmpty"),
        *("SequenceErase", "SequenceInsert", "SequenceLength", "SequenceMap", "SoftmaxCrossEntropyLoss"),
        *("SplitToSequence", "StringConcat", "StringNormalizer", "StringSplit", "TfIdfVectorizer", "Unique"),
    )
)
"""Operators that no version takes."""

SINCE: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(
        ("Einsum", "GatherND", "IsNaN", "Round", "Scatter", "ScatterElements", "ScatterND", "Sign"), (8, 2)
    ),
    **dict.fromkeys(("Shrink", "Xor"), (8, 4)),
    **dict.fromkeys(
        ("GridSample", "HardSwish", "MeanVarianceNormalization", "Mod", "NonMaxSuppression", "NonZero", "OneHot"),
        (8, 5),
    ),
    **dict.fromkeys(("RandomNormal", "RandomNormalLike", "Reciprocal", "RoiAlign", "Trilu"), (8, 5)),
    **dict.fromkeys(("GroupNormalization", "IsInf", "LayerNormalization"), (8, 6)),
    **dict.fromkeys(("CastLike", "Gelu", "Hardmax", "Mish"), (10, 0)),
    "DeformConv": (10, 1),
    **dict.fromkeys(("BlackmanWindow", "HammingWindow", "HannWindow"), (10, 4)),
    "STFT": (10, 5),
    **dict.fromkeys(("Attention", "RMSNormalization", "RotaryEmbedding"), (10, 15)),
}
"""The first version that takes an operator, where that is after 8.0."""

EFFICIENT_NMS = "EfficientNMS_TRT"
"""The plug-in that detlite writes; it comes with TensorRT."""

CURES: Mapping[str, str] = {
    "NonMaxSuppression": "export with --nms none or --nms efficient_nms",
    "HardSwish": "export with --target tensorrt, which writes HardSigmoid and Mul",
    "QLinearConv": "write QuantizeLinear and DequantizeLinear: detlite export --target tensorrt",
    "ConvInteger": "write QuantizeLinear and DequantizeLinear: detlite export --target tensorrt",
}
"""What to do instead, where there is more to say than to leave the operator out."""
