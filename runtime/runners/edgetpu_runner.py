"""A compiled model on the Edge TPU, with the number of operators that run there."""

from __future__ import annotations

from typing import Any, Tuple

from numpy.typing import NDArray

from detlite.runtime.runners.interpreter import Details, Opened
from detlite.runtime.runners.placement import Placement

CUSTOM_OP = "edgetpu-custom-op"


class OpenedEdgeTpu:
    """An `Opened` compiled model.

    Attributes:
        runtime: the interpreter's package and version.
        inputs: the interpreter's details of the inputs.
        outputs: the same for the outputs.
    """

    def __init__(self, opened: Opened) -> None:
        """Run *opened*."""
        self._opened = opened
        self.runtime: str = opened.runtime
        self.inputs: Tuple[Details, ...] = opened.inputs
        self.outputs: Tuple[Details, ...] = opened.outputs
        self.set_input, self.invoke = opened.set_input, opened.invoke

    @property
    def placements(self) -> Tuple[Placement, ...]:
        """Return the number of Edge TPU operators in the compiled file; each replaces many of the model's."""
        names = [operator["op_name"] for operator in self._opened.interpreter._get_ops_details()]
        taken = names.count(CUSTOM_OP)
        return (Placement("edgetpu", taken, len(names), taken),) if taken else ()

    def output(self, index: int) -> NDArray[Any]:
        """Return a copy of the output with the interpreter's *index*."""
        return self._opened.output(index)
