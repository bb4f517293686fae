"""What the Edge TPU maps: one table of rules for single operators; the first that applies says why one does not map.

The rules and their order follow compiler version 16: its published documentation, and 148 pairs of models
with their compiled files; each rule states its evidence in `source`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from detlite.convert.targets.edgetpu import conditions as c
from detlite.convert.targets.edgetpu.graph import GraphOperator
from detlite.convert.targets.edgetpu.reasons import (
    CONSTANT,
    DATA_TYPE,
    INTERPOLATION,
    LIMITATION,
    NOT_SUPPORTED,
    RANK,
    SUBGRAPHS,
    TWO_DIMENSIONS,
    Reason,
)
from detlite.convert.targets.edgetpu.versions import SUPPORTED

SEEN = "seen in real files or logs"
DOCUMENTED = "documented by Coral"

AT_THE_END = "nothing: the CPU runs it after the Edge TPU; `detlite postprocess --strip` leaves raw heads to the host"
INTEGER_INPUT = "at the input, feed integers: --fix float_input; elsewhere, fix the float operator before it"

ANY: frozenset[str] = frozenset()
WEIGHTED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"})
POOLS = frozenset({"AVERAGE_POOL_2D", "MAX_POOL_2D"})
REDUCTIONS = frozenset({"MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"})
RESIZES = frozenset({"RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"})


@dataclass(frozen=True)
class Rule:
    """One rule: an operator in *names* (empty: any) for which *strikes* is true does not map, for *reason*.

    Attributes:
        names: operator names.
        strikes: a condition of `detlite.convert.targets.edgetpu.conditions`.
        reason: in the compiler's words.
        what: the condition, in our words.
        source: its evidence.
        cure: what to do, if not the reason's own cure.
    """

    names: frozenset[str]
    strikes: Callable[[GraphOperator], bool]
    reason: Reason
    what: str
    source: str
    cure: str = ""


def _one(*names: str) -> frozenset[str]:
    return frozenset(names)


RULES: tuple[Rule, ...] = (
    Rule(ANY, lambda op: op.is_custom, DATA_TYPE, "a custom operator", SEEN, AT_THE_END),
    Rule(ANY, lambda op: op.name not in SUPPORTED and c.not_8_bit(op), DATA_TYPE, "not supported, not 8-bit", SEEN),
    Rule(ANY, lambda op: op.name not in SUPPORTED, NOT_SUPPORTED, "the Edge TPU has no such operator", SEEN),
    Rule(_one("QUANTIZE"), c.float_input, LIMITATION, "quantizes a float input", SEEN, INTEGER_INPUT),
    Rule(ANY, c.not_8_bit, DATA_TYPE, "an activation that is not int8 or uint8", SEEN),
    Rule(ANY, c.over_three_sides, RANK, "over 3 dimensions that differ from 1", SEEN),
    Rule(ANY, c.batched, RANK, "a batch of more than 1", DOCUMENTED),
    Rule(ANY, c.over_four_dimensions, SUBGRAPHS, "a tensor of over 4 dimensions", SEEN, RANK.cure),
    Rule(WEIGHTED, c.weights_not_constant, CONSTANT, "weights or bias are not constant", SEEN),
    Rule(_one("CONV_2D"), c.uneven_dilation, LIMITATION, "dilated differently in x and y", SEEN),
    Rule(_one("CONV_2D"), c.grouped, LIMITATION, "a grouped convolution", SEEN, "--fix grouped_convolution"),
    Rule(_one("DEPTHWISE_CONV_2D"), c.uneven_dilation, LIMITATION, "dilated differently in x and y", DOCUMENTED),
    Rule(_one("FULLY_CONNECTED"), c.shuffled_weights, LIMITATION, "weights in a special format", DOCUMENTED),
    Rule(_one("FULLY_CONNECTED"), c.several_rows, TWO_DIMENSIONS, "more than one row", SEEN),
    Rule(POOLS, c.fused_activation, LIMITATION, "a fused activation", DOCUMENTED),
    Rule(_one("CONCATENATION"), c.fused_activation, LIMITATION, "a fused activation", DOCUMENTED),
    Rule(_one("CONCATENATION"), c.joins_constants, LIMITATION, "a constant input that is not zero", DOCUMENTED),
    Rule(REDUCTIONS, c.reduces_batch, LIMITATION, "reduces the batch", DOCUMENTED),
    Rule(
        _one("MEAN"),
        c.mean_over_uneven_depth,
        LIMITATION,
        "a mean over a depth that is not a multiple of 4",
        DOCUMENTED,
    ),
    Rule(_one("PAD"), c.paddings_not_constant, CONSTANT, "paddings are not constant", DOCUMENTED),
    Rule(_one("PAD"), c.pads_batch, LIMITATION, "pads the batch", DOCUMENTED),
    Rule(_one("PACK"), c.packs_batch, LIMITATION, "packs along the batch", DOCUMENTED),
    Rule(_one("PRELU"), c.alpha_not_constant, CONSTANT, "alpha is not constant", SEEN),
    Rule(_one("PRELU"), c.alpha_of_many_dimensions, LIMITATION, "alpha is not one for each channel", SEEN),
    Rule(RESIZES, c.resizes_too_far, INTERPOLATION, "resizes from 1, or by 16 or more", SEEN),
    Rule(_one("STRIDED_SLICE"), c.strided, LIMITATION, "a stride, an ellipsis or a new axis", DOCUMENTED),
    Rule(_one("SOFTMAX"), c.softmax_of_rows, TWO_DIMENSIONS, "more than one row", SEEN),
    Rule(_one("SOFTMAX"), c.softmax_too_long, LIMITATION, "over 16,384 numbers", SEEN),
    Rule(_one("SPLIT"), c.splits_batch, LIMITATION, "splits the batch", DOCUMENTED),
    Rule(_one("SLICE"), c.slices_batch, LIMITATION, "slices the batch", DOCUMENTED),
    Rule(_one("SQUEEZE"), c.squeezes_batch, LIMITATION, "squeezes the batch away", DOCUMENTED),
    Rule(_one("EXPAND_DIMS"), c.expands_batch, LIMITATION, "adds a batch", DOCUMENTED),
    Rule(_one("TRANSPOSE"), c.transposes_batch, LIMITATION, "moves the batch", DOCUMENTED),
)


def rule_against(operator: GraphOperator) -> Rule | None:
    """Return the first rule that keeps *operator*, taken alone, from mapping; None if it maps."""
    for rule in RULES:
        if (not rule.names or operator.name in rule.names) and rule.strikes(operator):
            return rule
    return None
