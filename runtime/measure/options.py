"""From command-line values to a measurement's setup: shared by the board's and the workstation's programs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Mapping, Optional, Sequence

from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.measure.presets import preset_called
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.measure.scenario import scenario_called
from detlite.runtime.runners.backend import Settings, backend_for

CHANGES = ("processes", "queries", "min_duration_s", "sample_count", "offline_samples", "warm_up_s", "interval_ms")


def setup_of(
    model: Path, contract: Optional[Contract], values: Mapping[str, Any], *, images: Sequence[Path] = ()
) -> Setup:
    """Return the setup for *values*: `scenario`, `preset`, `backend`, `threads`, `xnnpack`, `delegates`, `streams`,
    `per_second`, and the optional changes of the preset (`CHANGES`).

    Raises:
        InputError: a name is unknown, or a value is invalid.
    """
    scenario_called(values["scenario"])
    preset, name = preset_called(values["preset"]), values["preset"]
    changes = {key: values[key] for key in CHANGES if values.get(key) is not None}
    if "queries" in changes and values["scenario"] == "offline":
        changes["offline_samples"] = changes.pop("queries")  # the samples of its single query
    if "queries" in changes:
        changes["queries"] = {**preset.queries, values["scenario"]: changes["queries"]}
    if changes:
        preset, name = dataclasses.replace(preset, **changes), f"{name}, changed: {', '.join(sorted(changes))}"
    settings = Settings(values["threads"], values.get("xnnpack"), tuple(values.get("delegates") or ()))
    backend, found = backend_for(model, values.get("backend"))
    if found.measure is not None and (values["scenario"] != "single-stream" or images):
        raise InputError(f"{backend} measures with another program: use single-stream, without images")
    if values.get("profile") and found.profile is None:
        raise InputError(f"{backend} has no profiler: use litert or onnx_runtime")
    if found.measure is not None and model.suffix == ".json":  # one file has one process
        preset = dataclasses.replace(preset, processes=1)
    return Setup(
        model=model,
        contract=contract,
        backend=backend,
        settings=settings,
        scenario=values["scenario"],
        preset_name=name,
        preset=preset,
        images=tuple(images),
        streams=values.get("streams") or 1,
        per_second=values.get("per_second") or 10.0,
        end_to_end=bool(values.get("end_to_end")),
        accuracy=bool(values.get("accuracy")),
        profile=bool(values.get("profile")),
    )
