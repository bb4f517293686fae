"""Why an operator stays on the CPU, in the compiler's words, and what to do about it, in ours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """One reason.

    Attributes:
        text: exactly as edgetpu_compiler prints it in its operation log.
        cure: what a user can do.
    """

    text: str
    cure: str


MAPPED = "Mapped to Edge TPU"

DATA_TYPE = Reason(
    "Operation is working on an unsupported data type",
    "the Edge TPU computes only in 8-bit integers: quantize the whole model to int8; what must stay float or integer "
    "(post-processing, casts) belongs at the end",
)
NOT_SUPPORTED = Reason("Operation not supported", "replace the operator: the Edge TPU has no equivalent")
LIMITATION = Reason(
    "Operation is otherwise supported, but not mapped due to some unspecified limitation",
    "the operator is used in a way that the Edge TPU does not support: see the rule",
)
SUBGRAPHS = Reason(
    "More than one subgraph is not supported",
    "it comes after an operator that does not map: fix that one first, or compile with --multiple-subgraphs",
)
RANK = Reason(
    "Tensor has unsupported rank (up to 3 innermost dimensions mapped)",
    "use a batch of 1 and tensors of at most 4 dimensions: for upsampling, a native resize",
)
CONSTANT = Reason(
    "Filter, bias, or other param is not constant at compile-time",
    "weights, biases, alphas and paddings must be constants: freeze the graph",
)
VERSION = Reason("Operation version not supported", "convert the model with an older converter")
INTERPOLATION = Reason(
    "Image-interpolation layer won't run precisely enough on Edge TPU",
    "resize by a factor under 16, in two steps if necessary, and not from a single pixel",
)
TWO_DIMENSIONS = Reason(
    "For example, a fully-connected or softmax layer with 2D output",
    "one row at a time: use a 1x1 convolution for several rows",
)
