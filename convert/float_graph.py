"""A float network, ready to be exported: what readers and rebuilds make, and exporters read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from detlite.convert.graph.repair import Repaired
from detlite.runtime.contract import Contract


@dataclass(frozen=True, eq=False)
class FloatGraph:
    """A float network with its contract.

    Attributes:
        graph_def: a `tensorflow.GraphDef` from the placeholder `trim.INPUT`, float32 [1, H, W, C], to the outputs.
        outputs: the tensor of each output, by its role in the contract and in the contract's order.
        contract: of the model with raw heads.
        repairs: what was repaired.
        facts: what else the history says of it: `parameters`, `macs`, `random_weights`.
    """

    graph_def: Any
    outputs: Mapping[str, str]
    contract: Contract
    repairs: tuple[Repaired, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def heads(self) -> tuple[str, ...]:
        """The tensors of the outputs, in the contract's order."""
        return tuple(self.outputs.values())
