"""The interface of an exporter: one output format, in its own file in `convert/exporters/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from detlite.convert.artifact import step
from detlite.runtime.errors import InputError
from detlite.runtime.plugins import load_plugin, plugin_names

if TYPE_CHECKING:  # the command line needs only the names
    from detlite.convert.float_graph import FloatGraph
    from detlite.convert.model import Model

EXPORTERS = "detlite.convert.exporters"

NO_OPTIONS: Mapping[str, object] = MappingProxyType({})

INT8 = "int8"
"""The type of a model from quantization-aware training: its ranges come from the checkpoint or the graph."""


@dataclass(frozen=True)
class Exporter:
    """One format; its name is its file's name.

    An exporter with options declares them for the command line in `commands/exporters/`, in a file of its name.

    Attributes:
        title: the format's name.
        suffix: its files' suffix, with the dot.
        from_graph: turns a float graph into a model with raw heads and no history, with weights of a type of
            `detlite convert --type`.
        from_tflite: turns a TFLite model into one of this format, with the same history, by options of its own; without
            options, the heads are the same too.
        nms: adds non-maximum suppression to a model with raw heads; None if the format has no
            operator for it.
        most_proposals: the most regions that a two-stage detector looks at, unless the user says otherwise; None for as
            many as its config says.
    """

    title: str
    suffix: str
    from_graph: Callable[[FloatGraph, str], Model]
    from_tflite: Callable[[Model, Mapping[str, object]], Model]
    nms: Callable[[Model], Model] | None = None
    most_proposals: int | None = None


def exporter_names() -> tuple[str, ...]:
    """Return the names of all output formats."""
    return plugin_names(EXPORTERS)


def exporter_called(name: str) -> Exporter:
    """Return the exporter of that *name*.

    Raises:
        UnknownNameError: there is no such exporter.
    """
    found: Exporter = load_plugin(EXPORTERS, name)
    return found


def export_model(model: Model, to: str, options: Mapping[str, object] = NO_OPTIONS) -> Model:
    """Return the TFLite *model* in the format called *to*, with *options* of that exporter by name.

    Raises:
        UnknownNameError: there is no such exporter, or it has no such option.
        InputError: the model has that format already, is not a TFLite model, or has operators that the format lacks.
    """
    exporter = exporter_called(to)
    if model.format == to:
        raise InputError(f"the model is {exporter.title} already; exporters: {', '.join(exporter_names())}")
    done = step("export", input_sha256=model.sha256, to=to, **options)
    return exporter.from_tflite(model, options).after(done)
