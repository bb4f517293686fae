"""Studies written by hand: a store with measured and scored cells, as a sweep leaves it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from builders.float_detector import CLASSES, SIDE
from detlite.runtime.records import to_record
from detlite.studies.store.entry import ResultRecord
from detlite.studies.store.store import Store, make_store
from detlite.studies.sweep.saved_cells import FOLDER, SCHEMA, SCHEMA_VERSION, SavedCell, SavedPlan


@dataclass(frozen=True)
class MadeCell:
    """One cell: an accuracy in percent, a latency in ms, and what is said of it."""

    label: str
    accuracy: float
    latency_ms: float
    device: str = "host"
    size_bytes: int = 5_000_000
    reasons: tuple[str, ...] = ()
    simulated: bool = False
    failure: str = ""
    images: int = 150
    energy_mj: float | None = None
    noise: float = 0.1
    protocol: Mapping[str, Any] = field(default_factory=dict)


def write_study(folder: Path, cells: Sequence[MadeCell], gates: Any = None) -> Store:
    """Write a study with *cells* to *folder*; the draws of all accuracies share their spread, as on the same images."""
    store, saved = make_store(folder), []
    for number, cell in enumerate(cells):
        stages = {"measure": f"m{number}", "evaluate": f"e{number}"}
        choices = {"model": cell.label, "device": cell.device, "dataset": "val", "scenario": "single-stream"}
        saved.append(SavedCell(f"c{number}", cell.label, choices, stages))
        store.append(measured(cell, stages["measure"]))
        if not cell.failure:
            store.append(_scored(store, cell, stages["evaluate"], number))
    plan = SavedPlan("a study", tuple(saved)) if gates is None else SavedPlan("a study", tuple(saved), gates)
    (folder / FOLDER).mkdir()
    record = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **to_record(plan)}
    (folder / FOLDER / "plan.json").write_text(json.dumps(record))
    return store


def measured(cell: MadeCell, key: str) -> ResultRecord:
    """The record of the measurement of *cell*; of its failure where it has one."""
    facts = {
        "size_bytes": cell.size_bytes,
        "latency_p90_ms": cell.latency_ms,
        "latency_p90_low_ms": 0.98 * cell.latency_ms,
        "latency_p90_high_ms": 1.02 * cell.latency_ms,
        "valid": not cell.reasons,
        "simulated": cell.simulated,
        **({} if cell.energy_mj is None else {"energy_mj": cell.energy_mj}),
    }
    if cell.failure:
        return ResultRecord(key, "measure", "failed", facts={"error": cell.failure})
    return ResultRecord(key, "measure", "done", facts=facts, result={"reasons": list(cell.reasons)})


def _scored(store: Store, cell: MadeCell, key: str, number: int) -> ResultRecord:
    shared = np.random.default_rng(0).normal(0, 2, 200)
    draws = cell.accuracy + shared + np.random.default_rng(number + 1).normal(0, cell.noise, 200)
    blob = store.put(json.dumps({"map_draws": draws.tolist()}).encode())
    low, high = np.percentile(draws, [2.5, 97.5])
    facts = {"metric": "coco", "images": cell.images, "map": cell.accuracy, "map_low": low, "map_high": high}
    return ResultRecord(
        key, "evaluate", "done", facts=facts, result={"protocol": cell.protocol}, blobs={"scores": blob}
    )


def write_labels(path: Path, images: int) -> None:
    """Write COCO labels for the images of `float_detector.write_images`: three boxes each, of a fixed seed."""
    chance, objects = np.random.default_rng(0), list[dict[str, Any]]()
    for number in range(3 * images):
        x, y, w, h = (float(part) for part in chance.uniform(2, 14, 4))
        truth = {"id": number + 1, "image_id": number // 3 + 1, "category_id": int(chance.integers(CLASSES)) + 1}
        objects.append({**truth, "bbox": [x, y, w, h], "area": w * h, "iscrowd": 0})
    record = {
        "images": [
            {"id": i + 1, "file_name": f"{i:02d}.npy", "height": 2 * SIDE, "width": 2 * SIDE} for i in range(images)
        ],
        "annotations": objects,
        "categories": [{"id": i + 1, "name": f"thing {i}"} for i in range(CLASSES)],
    }
    path.write_text(json.dumps(record))
