"""What leaving operators float costs: latency on this machine, and conversions that end an accelerator's mapping."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from detlite.convert.stage import Model
from detlite.convert.tflite.describe import describe
from detlite.devices.quantization.trials import Trials
from detlite.runtime.artifact import Artifact
from detlite.runtime.latency import Plan, measure, noise, percentile_ms
from detlite.runtime.session import Session

SAMPLES = Plan(40, 0.5)


def cost_record(trials: Trials, floating: Sequence[str]) -> dict[str, Any]:
    """Return the latency of the int8 model and of that with *floating* operators, and the latter's float islands."""
    models = [trials.model(), trials.model(floating)]
    facts = describe(models[1].data, "the mixed model")
    int8, mixed = _medians_ms(models) if floating else (None, None)
    return {
        "operators": facts.operator_count,
        "float_islands": facts.float_islands,
        "int8_latency_ms": int8,
        "mixed_latency_ms": mixed,
    }


def _medians_ms(models: Sequence[Model]) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        sessions = []
        for number, model in enumerate(models):
            path = Path(folder) / f"{number}.tflite"
            path.write_bytes(model.data)
            sessions.append(Session(Artifact(path, model.contract)))
        image = noise(480, 640)
        return [percentile_ms(found.invoke_ms, 50) for found in measure(sessions, image, SAMPLES)]
