"""Why the compiler refuses a whole file, in its words, with cause and cure in ours."""

from __future__ import annotations

from dataclasses import dataclass

from detlite.convert.targets.edgetpu.graph import EIGHT_BIT, Graph, GraphOperator
from detlite.convert.targets.edgetpu.versions import KNOWN_CUSTOM, LARGEST_CODE, NEWEST

DYNAMIC = (
    "ERROR: Attempting to use a delegate that only supports static-sized tensors with a graph that has dynamic-sized "
    "tensors.\nCompilation failed: Model failed in Tflite interpreter. Please ensure model can be loaded/run in Tflite "
    "interpreter."
)
SHAPED_BY = {
    "BROADCAST_TO": (1,),
    "EXPAND_DIMS": (1,),
    "FILL": (0,),
    "MEAN": (1,),
    "RANGE": (0, 1, 2),
    "REDUCE_MAX": (1,),
    "REDUCE_MIN": (1,),
    "RESHAPE": (1,),
    "RESIZE_BILINEAR": (1,),
    "RESIZE_NEAREST_NEIGHBOR": (1,),
    "SLICE": (1, 2),
    "STRIDED_SLICE": (1, 2, 3),
    "SUM": (1,),
    "TILE": (1,),
    "TRANSPOSE": (1,),
    "TRANSPOSE_CONV": (0,),
}
"""Inputs that give the output's shape: if one is computed, TFLite allocates the output at every run."""

ALWAYS_DYNAMIC = ("NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5", "UNIQUE", "WHERE")


@dataclass(frozen=True)
class Refusal:
    """Why a file is not compiled at all.

    Attributes:
        text: what edgetpu_compiler version 16 prints.
        cause: the responsible part of the model.
        cure: what to do.
    """

    text: str
    cause: str
    cure: str


def refusal_of(graph: Graph) -> Refusal | None:
    """Return why the compiler would refuse the whole *graph*; None if it would not, as far as is known.

    Not predicted: activations too big for the chip, and the compiler's internal errors.
    """
    for find in (_too_new, _unknown_code, _not_quantized, _unknown_custom, _dynamic):
        found = find(graph)
        if found is not None:
            return found
    return None


def _too_new(graph: Graph) -> Refusal | None:
    for op in graph.operators:
        if not op.is_custom and op.version > NEWEST.get(op.name, op.version):
            text = (
                f"ERROR: Didn't find op for builtin opcode '{op.name}' version '{op.version}'. An older version of "
                "this builtin might be supported. Are you using an old TFLite binary with a newer model?\n"
                "ERROR: Registration failed.\nInvalid model\nModel could not be parsed"
            )
            cause = f"{_place(op)} has version {op.version}, and compiler 16 supports up to {NEWEST[op.name]}"
            grouped = op.name == "CONV_2D"
            cure = "split grouped convolutions: --fix grouped_convolution" if grouped else "convert with fewer features"
            return Refusal(text, cause, cure)
    return None


def _unknown_code(graph: Graph) -> Refusal | None:
    for op in graph.operators:
        if op.code > LARGEST_CODE:
            text = (
                f"Op builtin_code out of range: {op.code}. Are you using old TFLite binary with newer model?\n"
                "ERROR: Registration failed."
            )
            return Refusal(text, f"{_place(op)} is newer than compiler 16", "replace the operator before conversion")
    return None


def _unknown_custom(graph: Graph) -> Refusal | None:
    for op in graph.operators:
        if op.is_custom and op.name not in KNOWN_CUSTOM:
            text = f"ERROR: Encountered unresolved custom op: {op.name}."
            return Refusal(
                text, f"{_place(op)} is unknown to the compiler", "remove it from the model, and do it on the CPU"
            )
    return None


def _not_quantized(graph: Graph) -> Refusal | None:
    for op in graph.operators:
        outputs = any(tensor.dtype in EIGHT_BIT for tensor in op.outputs)
        if outputs and any(t is not None and not t.is_constant and t.dtype in EIGHT_BIT for t in op.inputs):
            return None
    dtypes = sorted({tensor.dtype for op in graph.operators for tensor in op.outputs})
    cause = f"no operator computes in int8 or uint8: they make {', '.join(dtypes) or 'nothing'}"
    return Refusal("Model not quantized", cause, "quantize it to int8, including activations: detlite quantize")


def _dynamic(graph: Graph) -> Refusal | None:
    cure = "give the input a fixed size, and convert again"
    for tensor in graph.inputs:
        if -1 in tensor.signature[1:]:  # a dynamic batch is treated as the 1 in `shape`
            return Refusal(DYNAMIC, f"the input {tensor.name} has the shape {list(tensor.signature)}", cure)
    for op in graph.operators:
        shapes = [op.input(number) for number in SHAPED_BY.get(op.name, ())]
        if op.name in ALWAYS_DYNAMIC or any(tensor is not None and not tensor.is_constant for tensor in shapes):
            return Refusal(DYNAMIC, f"{_place(op)} has a size that is known only at run time", cure)
    return None


def _place(op: GraphOperator) -> str:
    return f"operator {op.index}, {op.name},"
