"""The table of all TFLite operators that the ONNX writer knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from detlite.convert.onnx.operators import convolutions, elementwise, moving, numbers, reductions, regions, resizing
from detlite.convert.onnx.operators.writer import Writer
from detlite.runtime.errors import InputError

MODULES = (convolutions, elementwise, moving, numbers, reductions, regions, resizing)
"""The files of `WRITERS`; each operator is in one of them."""

WRITERS: Mapping[str, Writer] = MappingProxyType(
    {kind: writer for module in MODULES for kind, writer in module.WRITERS.items()}
)


def check_known(kinds: Iterable[str]) -> None:
    """Raise `InputError` if the writer does not know one of the operators *kinds*; all of these are named."""
    unknown = sorted(set(kinds) - set(WRITERS))
    if unknown:
        raise InputError(
            f"the ONNX writer does not know the operators {', '.join(unknown)} of this model: export is not possible"
        )
