"""The output of `trtexec --exportLayerInfo`: the layers of an engine, and what each computes in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from detlite.devices.recording import Format
from detlite.runtime.errors import InputError
from detlite.runtime.runners.engine_layers import EngineLayerInfo, read_layers

BLOCK = re.compile(r"^\{.*^\}|^\{.*\}$", re.M | re.S)


@dataclass(frozen=True)
class EngineLayers:
    """The layers of an engine in order of execution, and how many compute in each type."""

    layers: tuple[EngineLayerInfo, ...]
    by_precision: Mapping[str, int]
    problems: tuple[str, ...] = ()


def parse(text: str) -> tuple[EngineLayers, ...]:
    """Return the layers in *text*; the file has one engine.

    Raises:
        InputError: there are none.
    """
    block = BLOCK.search(text)
    if block is None:
        raise InputError('found no layers of trtexec: expected {"Layers": [...]}, from { to }')
    layers = read_layers(block[0])
    counts = Counter(layer.precision for layer in layers if layer.precision)
    problems = () if counts else ("it tells only names: build with --profilingVerbosity=detailed",)
    return (EngineLayers(layers, dict(sorted(counts.items())), problems),)


PLUGIN = Format(title="TensorRT's layers", recognize=lambda text: '"Layers"' in text, parse=parse)
