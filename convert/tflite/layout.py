"""The TFLite schema's offset fields: those that lead from one table to other parts of the file.

For each table, slot number to its content: `text`; `[4]`, a vector of items of four bytes; `Tensor`, a table;
`[Tensor]`, a vector of tables; `|BuiltinOptions`, a union whose kind is in the slot before. A table without an
entry has only plain numbers. From the schema in ai_edge_litert 2.x; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping

OFFSETS: Mapping[str, Mapping[int, str]] = {
    "Model": {
        1: "[OperatorCode]",
        2: "[SubGraph]",
        3: "text",
        4: "[Buffer]",
        5: "[4]",
        6: "[Metadata]",
        7: "[SignatureDef]",
        8: "[ExternalBufferGroup]",
        9: "[ExternalBuffer]",
    },
    "OperatorCode": {1: "text"},
    "SubGraph": {0: "[Tensor]", 1: "[4]", 2: "[4]", 3: "[Operator]", 4: "text"},
    "Buffer": {0: "[1]"},
    "Metadata": {0: "text"},
    "SignatureDef": {0: "[TensorMap]", 1: "[TensorMap]", 2: "text"},
    "TensorMap": {0: "text"},
    "ExternalBufferGroup": {0: "text"},
    "ExternalBuffer": {4: "text"},
    "Tensor": {
        0: "[4]",
        3: "text",
        4: "QuantizationParameters",
        6: "SparsityParameters",
        7: "[4]",
        9: "[VariantSubType]",
    },
    "QuantizationParameters": {0: "[4]", 1: "[4]", 2: "[4]", 3: "[8]", 5: "|QuantizationDetails"},
    "CustomQuantization": {0: "[1]"},
    "BlockwiseQuantization": {3: "[4]"},
    "MultiAxisQuantization": {3: "[4]"},
    "SparsityParameters": {0: "[4]", 1: "[4]", 2: "[DimensionMetadata]"},
    "DimensionMetadata": {3: "|SparseIndexVector", 5: "|SparseIndexVector"},
    "Int32Vector": {0: "[4]"},
    "Uint16Vector": {0: "[2]"},
    "Uint8Vector": {0: "[1]"},
    "VariantSubType": {0: "[4]"},
    "Operator": {
        1: "[4]",
        2: "[4]",
        4: "|BuiltinOptions",
        5: "[1]",
        7: "[1]",
        8: "[4]",
        12: "|BuiltinOptions2",
    },
    "BucketizeOptions": {0: "[4]"},
    "ConcatEmbeddingsOptions": {1: "[4]", 2: "[4]"},
    "FullyConnectedOptions": {5: "[1]"},
    "ReshapeOptions": {0: "[4]"},
    "SqueezeOptions": {0: "[4]"},
    "VarHandleOptions": {0: "text", 1: "text"},
    "StableHLOCompositeOptions": {0: "text", 2: "[1]"},
    "StablehloBroadcastInDimOptions": {0: "[8]"},
    "StablehloCaseOptions": {0: "[4]"},
    "StablehloConvolutionOptions": {
        0: "[8]",
        1: "[8]",
        2: "[8]",
        3: "[8]",
        4: "[1]",
        7: "[8]",
        10: "[8]",
        13: "[8]",
        16: "[4]",
    },
    "StablehloCustomCallOptions": {0: "text", 2: "text", 4: "[4]", 5: "[1]"},
    "StablehloDotGeneralOptions": {0: "[8]", 1: "[8]", 2: "[8]", 3: "[8]", 4: "[4]"},
    "StablehloDynamicSliceOptions": {0: "[8]"},
    "StablehloGatherOptions": {0: "[8]", 1: "[8]", 2: "[8]", 4: "[8]"},
    "StablehloPadOptions": {0: "[8]", 1: "[8]", 2: "[8]"},
    "StablehloReduceOptions": {0: "[8]"},
    "StablehloReduceWindowOptions": {0: "[8]", 1: "[8]", 2: "[8]", 3: "[8]", 4: "[8]"},
    "StablehloScatterOptions": {1: "[8]", 2: "[8]", 3: "[8]"},
    "StablehloSliceOptions": {0: "[8]", 1: "[8]", 2: "[8]"},
    "StablehloTransposeOptions": {0: "[8]"},
}
