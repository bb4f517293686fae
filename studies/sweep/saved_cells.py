"""The cells of a study's plans, kept beside the store for its report: `cells/PLAN.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from detlite.convert.files.write_file import write_file
from detlite.runtime.errors import InputError
from detlite.runtime.records import from_record, to_record
from detlite.runtime.strict_json import load_json
from detlite.studies.store.condition import Condition
from detlite.studies.store.entry import digest_of
from detlite.studies.sweep.axes import Value
from detlite.studies.sweep.graph import EVALUATE, SweepGraph
from detlite.studies.sweep.plan_file import PlanFile

FOLDER = "cells"
SCHEMA, SCHEMA_VERSION = "detlite.sweep_cells", 1


@dataclass(frozen=True)
class SavedCell:
    """One cell: its choices without those that are None, and the key of each of its stages by kind."""

    key: str
    label: str
    choices: Mapping[str, object]
    stages: Mapping[str, str]

    def __post_init__(self) -> None:
        if EVALUATE in self.stages and "dataset" not in self.choices:
            raise InputError(f"the cell {self.label!r:.60} is scored, and has no dataset")


@dataclass(frozen=True)
class SavedPlan:
    """What a report needs of a plan: its name, its gates and its cells."""

    name: str
    cells: tuple[SavedCell, ...]
    gates: Condition = field(default_factory=Condition)


def save_cells(study: Path, plan: PlanFile, graph: SweepGraph) -> Path:
    """Write the cells of *plan* to the study in the folder *study*, in place of an earlier version of the same plan."""
    cells = []
    for cell in graph.cells:
        stages = {graph.stages[key].kind: key for key in graph.of_cell[cell.key]}
        choices: dict[str, Value] = {name: value for name, value in cell.choices.items() if value is not None}
        cells.append(SavedCell(cell.key, cell.label, choices, stages))
    saved = SavedPlan(plan.name, tuple(cells), plan.gates)
    record = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **to_record(saved)}
    folder = study / FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / f"{_file_name(plan.name)}.json"
    write_file(path, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())
    return path


def _file_name(name: str) -> str:
    """Return *name* as a file's; where that changes it, with a digest: "a b" and "a_b" are two plans."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:100].lstrip(".")
    return plain if plain == name else f"{plain}-{digest_of(name)[:8]}"


def saved_plans(study: Path) -> tuple[SavedPlan, ...]:
    """Return the plans of the study in the folder *study*, by name.

    Raises:
        InputError: there are none, or one is damaged or of another version.
    """
    found = []
    for path in sorted((study / FOLDER).glob("*.json")):
        record = load_json(path)
        version = (record.get("schema"), record.get("schema_version")) if isinstance(record, dict) else None
        if version != (SCHEMA, SCHEMA_VERSION):
            raise InputError(f"{path} is {version}; this detlite reads {SCHEMA} version {SCHEMA_VERSION}")
        try:
            found.append(from_record(SavedPlan, record))
        except InputError as error:
            raise InputError(f"{path} is damaged: {error}; run its sweep again") from error
    if not found:
        raise InputError(f"{study} has no cells: run `detlite sweep PLAN -o {study}` first")
    return tuple(found)
