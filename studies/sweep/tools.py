"""The formats and targets that a plan names: an exporter or a chip, with options of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from detlite.runtime.errors import InputError


@dataclass(frozen=True)
class ToolChoice:
    """An exporter or a chip with its options.

    Attributes:
        name: of the exporter, or of the chip.
        options: what it is called with, by its own names.
        words: the same as `detlite export` or `detlite compile` takes it.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = ()


ReadTool = Callable[[str, Mapping[str, Any]], ToolChoice]
"""Returns the choice of that name with the options that a plan gives; `InputError` where one is unknown or wrong."""


def without_options(name: str, options: Mapping[str, Any]) -> ToolChoice:
    """Return the tool called *name*, which takes no options."""
    if options:
        raise InputError(f"{name} has no options here, got {', '.join(options)}")
    return ToolChoice(name)


@dataclass(frozen=True)
class ToolReaders:
    """What reads the options of exporters, and those of targets: the command line declares them."""

    formats: ReadTool = without_options
    targets: ReadTool = without_options


@dataclass(frozen=True)
class Tools:
    """The formats and targets of a plan by the names that its axes use."""

    formats: Mapping[str, ToolChoice] = field(default_factory=dict)
    targets: Mapping[str, ToolChoice] = field(default_factory=dict)
