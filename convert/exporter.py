"""What an exporter is: one format that models are written in, a file of its own in `convert/exporters/`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from detlite.convert.artifact import step
from detlite.runtime.errors import InputError
from detlite.runtime.plugins import load_plugin, plugin_names

if TYPE_CHECKING:  # a command line asks for names alone
    from detlite.convert.float_graph import FloatGraph
    from detlite.convert.model import Model

EXPORTERS = "detlite.convert.exporters"

INT8 = "int8"
"""The type of a model whose training was quantization-aware: its ranges come from the checkpoint."""


@dataclass(frozen=True)
class Exporter:
    """One format; its name is its file's name.

    Attributes:
        title: what the format is called.
        suffix: of its files, with the dot.
        from_graph: makes a model with raw heads and no history of a float graph, with weights of one of the types of
            `detlite convert --type`.
        from_tflite: makes a model of a TFLite one: the same heads, the same history.
        nms: makes a model that does its own non-maximum suppression of one with raw heads; None if the format has no
            operator for it.
    """

    title: str
    suffix: str
    from_graph: Callable[[FloatGraph, str], Model]
    from_tflite: Callable[[Model], Model]
    nms: Callable[[Model], Model] | None = None


def exporter_names() -> tuple[str, ...]:
    """Return the names of all formats that models are exported to."""
    return plugin_names(EXPORTERS)


def exporter_called(name: str) -> Exporter:
    """Return the exporter of that *name*.

    Raises:
        UnknownNameError: there is none.
    """
    found: Exporter = load_plugin(EXPORTERS, name)
    return found


def export_model(model: Model, to: str) -> Model:
    """Return *model*, a TFLite one, in the format called *to*.

    Raises:
        UnknownNameError: there is no such exporter.
        InputError: the model is in that format already, is no TFLite model, or has operators that the format lacks.
    """
    exporter = exporter_called(to)
    if model.format == to:
        raise InputError(f"the model is {exporter.title} already; exporters: {', '.join(exporter_names())}")
    done = step("export", input_sha256=model.sha256, to=to)
    return exporter.from_tflite(model).after(done)
