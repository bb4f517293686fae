"""The growth of a stream's error as files of the artifact: a page and JSON."""

from __future__ import annotations

import json

from detlite.convert.model import Model
from detlite.studies.report.html import to_html
from detlite.studies.report.report import Report, ReportTable
from detlite.studies.search.blame import short
from detlite.studies.search.growth import Growth
from detlite.studies.search.page import PAGE, RECORD, model_file

SCHEMA = {"schema": "detlite.stream_explanation", "schema_version": 1}


def growth_files(found: Growth, model: Model) -> dict[str, str]:
    """Return the text of each file by its name."""
    record = {**SCHEMA, **found.to_record()}
    return {PAGE: to_html(_report(found, model)), RECORD: json.dumps(record, indent=1, ensure_ascii=False) + "\n"}


def _report(found: Growth, model: Model) -> Report:
    frames = tuple(f"frame {one}" for one in found.frames)
    outputs = ReportTable(
        "Outputs", "Signal to noise in dB, by frame since a stream's begin.", frames, (_db(found.outputs),)
    )
    states = ReportTable(
        "States",
        "A buffer passes frames bit for bit: its error is that of the frames.",
        ("State", "Stored as", "Scale", *frames),
        tuple((one.name, one.dtype, f"{one.scale:.4g}" if one.scale else "", *_db(one.db)) for one in found.states),
    )
    tensors = ReportTable(
        "Operators",
        "Signal to noise of each operator's output in dB, and what it lost against its noisiest input at the end.",
        ("Operator", "Kind", *frames, "Lost"),
        tuple((short(one.name), one.kind, *_db(one.db), f"{one.lost_db:.1f}") for one in found.tensors),
    )
    return Report(
        title="How the error of the int8 stream grows",
        verdict=found.verdict,
        status="info",
        models=(model_file(model),),
        tables=(outputs, states, tensors),
        notes=("Both models run over the same scenes, each with its own states. What is exact or float is left out.",),
    )


def _db(values: tuple[float, ...]) -> tuple[str, ...]:
    return tuple(f"{one:.1f}" for one in values)
