"""LiteRT's interpreter, from ai-edge-litert or from TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

from detlite.runtime.runners.backend import Backend, Settings, Timed
from detlite.runtime.runners.tflite_backend import opener


def _profile(model: Path, settings: Settings) -> Sequence[Timed]:
    from detlite.runtime.runners.litert_profiler import profile

    return profile(model, settings)


PLUGIN = Backend(
    title="LiteRT",
    suffixes=(".tflite",),
    open=opener((("ai_edge_litert.interpreter", "ai-edge-litert"), ("tensorflow.lite", "tensorflow"))),
    profile=_profile,
    package="ai_edge_litert",
    rank=1,
)
