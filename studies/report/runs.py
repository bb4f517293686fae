"""A report on finished runs, from their records: measurements, scores, and runs of `detlite run`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from detlite.accuracy.gates import few_images
from detlite.convert.tflite.describe import describe
from detlite.runtime.artifact import sha256_of
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.measure.device_mark import mark_of
from detlite.runtime.measure.results import Measurement
from detlite.runtime.model_file import is_tflite
from detlite.runtime.records import from_record
from detlite.runtime.strict_json import load_json
from detlite.studies.compare.record import read_record, record_file
from detlite.studies.compare.run_kind import RunRecord
from detlite.studies.report.headline import number_text
from detlite.studies.report.report import (
    MOST_PICTURES,
    AccuracyRow,
    GateRow,
    Latencies,
    ModelFile,
    Picture,
    Report,
    ReportTable,
)
from detlite.studies.report.write import JSON_NAME, SCHEMA, SCHEMA_VERSION

HEADLINES = ("map", "top1", "miou", "fidelity")
"""The number quoted for a score, in percent: the first of these that its record has."""

PICTURE_FOLDERS = ("images/evaluation", ".")
"""The folder of a `detlite run`'s pictures, below its folder; other pictures are left out."""

Record = Mapping[str, Any]


def report_of(paths: Sequence[Path]) -> Report:
    """Return one report on the runs at *paths*, in their order; the first model is the one to compare with.

    Args:
        paths: folders that `detlite measure -o` or `detlite run` wrote, or records of `measure` and `evaluate`.

    Raises:
        InputError: one is not a record, or is damaged.
    """
    return merged([_part(path) for path in paths])


def _part(path: Path) -> Report:
    if (path / JSON_NAME).is_file():
        return _of_run(path)
    file = record_file(path)
    if file is None:
        raise InputError(
            f"{path} has no record of a run: give a folder of detlite measure -o or detlite run, or a .json file "
            "that detlite evaluate -o or --json wrote"
        )
    run = read_record(file)
    return _of_measurement(run.result) if isinstance(run.result, Measurement) else _of_score(run)


def merged(parts: Sequence[Report]) -> Report:
    """Return one report from several: each model once, by its sha256; models with the same name are numbered."""
    names: dict[str, str] = {}
    models: list[ModelFile] = []
    renamed: list[Report] = []
    for part in parts:
        mine = {}
        for model in part.models:
            if model.sha256 not in names:
                taken = sum(name.split(" (")[0] == model.name for name in names.values())
                names[model.sha256] = f"{model.name} ({taken + 1})" if taken else model.name
                models.append(replace(model, name=names[model.sha256]))
            mine[model.name] = names[model.sha256]
        renamed.append(_with_names(part, mine))
    verdicts = [f"{part.verdict}" for part in renamed]
    return Report(
        title=renamed[0].title if len(parts) == 1 else f"{counted(len(parts), 'run')} of {_models(len(models))}",
        verdict=" ".join(verdicts),
        status=_status(parts),
        models=tuple(models),
        accuracy=tuple(row for part in renamed for row in part.accuracy),
        latencies=tuple(item for part in renamed for item in part.latencies),
        tables=tuple(table for part in renamed for table in part.tables),
        pictures=tuple(picture for part in renamed for picture in part.pictures)[:MOST_PICTURES],
        steps=tuple(step for part in renamed for step in part.steps),
        repairs=_once(text for part in renamed for text in part.repairs),
        notes=_once(text for part in renamed for text in part.notes),
        machine=tuple(dict.fromkeys(fact for part in renamed for fact in part.machine)),
        gates=tuple(gate for part in renamed for gate in part.gates),
        cautions=_once(text for part in renamed for text in part.cautions),
        speed=renamed[0].speed if len(parts) == 1 else None,
        date=max(part.date for part in parts),
    )


def _status(parts: Sequence[Report]) -> str:
    """Return the worst status of *parts*, else the first's; one that passes has no cautions beside it."""
    if any(part.status == "fail" for part in parts):
        return "fail"
    first = parts[0].status
    return "caution" if first == "pass" and any(part.cautions for part in parts) else first


def _once(texts: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _models(count: int) -> str:
    return counted(count, "model")


def _with_names(part: Report, names: Mapping[str, str]) -> Report:
    return replace(
        part,
        accuracy=tuple(replace(row, name=names.get(row.name, row.name)) for row in part.accuracy),
        latencies=tuple(replace(item, name=names.get(item.name, item.name)) for item in part.latencies),
    )


def _of_measurement(found: Measurement) -> Report:
    model = _model(found.model, found.model_sha256, found.size_bytes)
    median = "" if found.invoke.p50_ms is None else f"{found.invoke.p50_ms:.2f} ms of the interpreter, "
    samples = tuple(time / 1e6 for process in found.samples_ns for time in process.invoke)
    detail = f"{found.runtime}, {counted(found.threads, 'thread')}, {found.scenario}"
    return Report(
        title=f"{model.name}: {found.scenario}",
        verdict=f"{model.name}: {median}{found.validity}.",
        status="fail" if found.reasons else "info",
        models=(model,),
        latencies=(Latencies(model.name, samples, detail),) if samples else (),
        tables=(_figures(model.name, found),),
        machine=_machine(found.device),
        cautions=tuple(f"{model.name}: {text}" for text in (*found.reasons, *found.cautions)),
    )


def _figures(name: str, found: Measurement) -> ReportTable:
    """Return the times of whole queries and of the interpreter, and the scenario's figure."""
    rows = []
    for what, times in (("query", found.latency), ("interpreter", found.invoke)):
        figures = (times.p50_ms, times.p90_ms, times.p99_ms)
        if any(figure is not None for figure in figures):
            rows.append((what, *("–" if figure is None else f"{figure:.3f} ms" for figure in figures)))
    rows += [(key.replace("_", " "), f"{value:g}", "", "") for key, value in found.figures.items()]
    lead = f"{counted(found.samples, 'sample')}, {counted(found.queries, 'query')}, {found.validity}"
    return ReportTable(f"{name}: {found.scenario}", lead, ("", "p50", "p90", "p99"), tuple(rows))


def _of_score(run: RunRecord) -> Report:
    name = next((key for key in HEADLINES if run.at(key) is not None), None)
    value = None if name is None else run.number(name)
    if name is None or value is None or not isinstance(run.at("model"), str):
        raise run.wrong("it has no score of a model")
    model = _model(run.data["model"], str(run.at("model_sha256")), None)
    row = AccuracyRow(
        name=model.name,
        metric=str(run.at("metric")),
        value=value,
        images=int(run.number("images") or 0),
        low=run.number(f"{name}_interval.low"),
        high=run.number(f"{name}_interval.high"),
        unit="image" if run.at("protocol.views") is None else "video",
    )
    gates = tuple(_gates(run, model.name))
    missed = not all(gate.passed for gate in gates)
    return Report(
        title=f"{model.name}: {row.metric}",
        verdict=f"{model.name}: {name} {value:.2f} % on {counted(row.images, row.unit)}"
        f"{', gates missed' if missed else ''}.",
        status="fail" if missed else "info",
        models=(model,),
        accuracy=(row,),
        machine=_machine(run.at("device") or {}),
        gates=gates,
        cautions=tuple(f"{model.name}: {text}" for text in (*_marked(run), *few_images(row.images, row.unit))),
    )


def _marked(run: RunRecord) -> Iterator[str]:
    if mark := mark_of(run.data):
        yield f"the device is {mark}: its figures say nothing of a real one"


def _gates(run: RunRecord, name: str) -> Iterator[GateRow]:
    """Yield the gates of a score, each with the interval of its number where the record has one."""
    for number, gate in enumerate(run.at("gates") or ()):
        if not isinstance(gate, Mapping) or not isinstance(gate.get("number"), str):
            raise run.wrong(f"gates holds {str(gate)[:40]!r}, want a gate")
        gated = replace(run, data=gate)
        wanted, came = gated.number("wanted"), gated.number("came")
        if wanted is None or came is None:
            raise run.wrong(f"gate {number + 1} has no number that was wanted, or none that came")
        ends = (run.number(f"{gate['number']}_interval.{end}") for end in ("low", "high"))
        reached = number_text(came, *ends)
        yield GateRow(f"{name}: {gate['number']}", f"at least {wanted:g}", reached, bool(gate.get("passed", True)))


def _model(file: str, sha256: str, size_bytes: int | None) -> ModelFile:
    """Return the model of a record, with its operators if its file is unchanged."""
    path = Path(file)
    name = path.parent.name if path.stem == "model" else path.stem
    # os.path: a Path raises for a name too long
    if not os.path.isfile(path) or sha256_of(path) != sha256 or not is_tflite(path):  # noqa: PTH113
        return ModelFile(name, path.name, sha256, size_bytes)
    facts = describe(path.read_bytes(), file)
    return ModelFile(
        name=name,
        file=path.name,
        sha256=sha256,
        size_bytes=path.stat().st_size,
        operators=facts.operator_count,
        float_operators=facts.float_operators if facts.quantization != "none" else facts.operator_count,
        quantization=facts.quantization,
    )


def _machine(device: Record) -> tuple[tuple[str, str], ...]:
    return tuple((key.replace("_", " "), str(value)) for key, value in device.items() if isinstance(value, str | int))


def _of_run(folder: Path) -> Report:
    """Return the report that a `detlite run` wrote to *folder*, read from its JSON."""
    path = folder / JSON_NAME
    record = load_json(path)
    if not isinstance(record, dict) or (record.get("schema"), record.get("schema_version")) != (SCHEMA, SCHEMA_VERSION):
        raise InputError(f"{path} is not a report of version {SCHEMA_VERSION} that detlite run wrote")
    pictures = record.get("pictures")
    if isinstance(pictures, list):  # reports without `upright` have pictures as they were stored
        pictures = [{"upright": False, **one} if isinstance(one, dict) else one for one in pictures]
    try:
        report = from_record(Report, {**record, "pictures": pictures})
    except InputError as error:
        raise InputError(f"{path} is damaged: {error}; run detlite run again") from error
    return replace(report, pictures=tuple(_pictures(folder, report.pictures)))


def _pictures(folder: Path, pictures: Sequence[Picture]) -> Iterator[Picture]:
    """Yield the *pictures* whose files are there, with their paths."""
    for picture in pictures:
        places = [folder / place / picture.path.name for place in PICTURE_FOLDERS]
        here = next((place for place in places if place.is_file()), None)
        if here is not None:
            yield replace(picture, path=here)
