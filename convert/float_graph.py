"""A float network, ready to be exported: the result of readers and rebuilds, the input of exporters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from detlite.convert.graph.repair import Repaired
from detlite.convert.graph.trim import INPUT
from detlite.runtime.contract import Contract


@dataclass(frozen=True, eq=False)
class FloatGraph:
    """A float network with its contract.

    Attributes:
        graph_def: a `tensorflow.GraphDef` from the placeholder `trim.INPUT`, float32 [1, H, W, C] or a clip's
            [1, frames, H, W, C], and one placeholder for each further input tensor of the contract, which has its
            name, shape and dtype, to the outputs.
        outputs: each output's tensor, in the contract's order, by its role or by the name of the state it becomes.
        contract: of the model with raw heads.
        repairs: the repairs that were made.
        facts: further facts for the history: `parameters`, `macs`, `random_weights`.
        is_frozen: whether TFLite's converter takes it as a frozen graph: half the memory, and the same file for a
            network whose tensors get the same names that way.
    """

    graph_def: Any
    outputs: Mapping[str, str]
    contract: Contract
    repairs: tuple[Repaired, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    is_frozen: bool = False

    @property
    def heads(self) -> tuple[str, ...]:
        """The tensors of the outputs, in the contract's order."""
        return tuple(self.outputs.values())

    @property
    def inputs(self) -> tuple[str, ...]:
        """The placeholders of the inputs, in the contract's order."""
        return (INPUT, *(tensor.name for tensor in self.contract.tensors[1:]))
