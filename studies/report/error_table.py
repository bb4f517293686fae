"""The error of a quantized model's raw outputs as a table of a report."""

from __future__ import annotations

from typing import Any

from detlite.accuracy.output_error import SURE_SCORE, db_text
from detlite.runtime.counts import counted
from detlite.runtime.records import Record
from detlite.studies.report.report import ReportTable


def error_table(record: Record, unit: str = "image") -> ReportTable:
    """Return the table of the error in *record*, which `OutputError.to_record` wrote, on so many of a *unit*."""
    images = record["images"]
    heads: list[tuple[str, dict[str, Any]]] = [(name, one) for name, one in record.items() if name != "images"]
    boxes = ", boxes of these anchors in the units of the box coder" if "boxes" in record else ""
    return ReportTable(
        "Error of the raw outputs",
        f"Against the float model on {counted(images, unit)}, where its score is over {SURE_SCORE}: logits of these "
        f"classes{boxes}. In brackets the 95 % interval over the {unit}s.",
        ("Output", "Error, rms", "Signal over error"),
        tuple((name, f"{one['rms']} [{one['low']}, {one['high']}]", db_text(one["db"])) for name, one in heads),
    )
