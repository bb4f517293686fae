"""The explanation as files of the artifact: a page and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from detlite.accuracy.detect import Detected, detected_of
from detlite.convert.model import Model
from detlite.convert.tflite.describe import describe
from detlite.runtime.model_file import model_name
from detlite.studies.report.error_table import error_table
from detlite.studies.report.html import to_html
from detlite.studies.report.report import (
    MOST_SHOWN,
    SHOWN_SCORE,
    AccuracyRow,
    ModelFile,
    Picture,
    PictureSide,
    Report,
    ReportTable,
    Shown,
)
from detlite.studies.search.bench import Bench
from detlite.studies.search.blame import Explanation, short
from detlite.studies.search.losses import Losses

PAGE, RECORD = "explanation.html", "explanation.json"
SCHEMA = {"schema": "detlite.explanation", "schema_version": 1}
PICTURES, CLASSES = 6, 10

FIDELITIES = {
    "map": "the mAP of the int8 model's detections with the float model's (score 0.3 and more) as the truth",
    "top1": "the share of inputs for which both models put the same class first",
    "mask_map": "the mAP of the int8 model's masks with the float model's as the truth",
    "oks_map": "the mAP of the int8 model's keypoints with the float model's as the truth",
    "miou": "the mean IoU of the int8 model's classes of pixels with the float model's as the truth",
}
"""What fidelity is, by `ScoredTask.agreement`."""


@dataclass(frozen=True, eq=False)
class LostBoxes:
    """What an int8 detector lost: the *losses*, and the detections that it *found*."""

    losses: Losses
    found: Detected


def explanation_files(explanation: Explanation, bench: Bench, model: Model, boxes: LostBoxes | None) -> dict[str, str]:
    """Return the text of each file by its name; *boxes*, of a detector, are what it lost."""
    record = {**SCHEMA, **explanation.to_record(), **({} if boxes is None else asdict(boxes.losses))}
    record["images"] = [path.name for path in bench.images.paths]
    page = to_html(_report(explanation, bench, model, boxes))
    return {PAGE: page, RECORD: json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"}


def _report(explanation: Explanation, bench: Bench, model: Model, boxes: LostBoxes | None) -> Report:
    labels, agreement = model.contract.labels, FIDELITIES.get(bench.agreement_kind, bench.agreement_kind)
    return Report(
        title="Where the int8 model loses",
        verdict=explanation.verdict,
        status="info",
        models=(model_file(model),),
        accuracy=tuple(_accuracy(explanation, boxes, bench.count)),
        tables=(
            error_table(explanation.error.to_record()),
            _suspects(explanation),
            *(() if boxes is None else (_classes(boxes.losses),)),
            _tensors(explanation),
        ),
        pictures=() if boxes is None else tuple(_pictures(boxes, bench, labels)),
        notes=(
            f"Fidelity is {agreement}. Each operator is measured alone: its repair undone, and then the operator left "
            "float.",
        ),
    )


def model_file(model: Model) -> ModelFile:
    """Return the facts of the int8 *model* for a report."""
    facts = describe(model.data, "the int8 model")
    return ModelFile(
        name="int8",
        file=model_name(model.format),
        sha256=model.sha256,
        size_bytes=len(model.data),
        operators=facts.operator_count,
        float_operators=facts.float_operators,
        quantization=facts.quantization,
    )


def _accuracy(explanation: Explanation, boxes: LostBoxes | None, images: int) -> Iterator[AccuracyRow]:
    yield AccuracyRow("int8", "fidelity", explanation.fidelity, images)
    yield AccuracyRow("int8, weights only rounded", "fidelity", explanation.unrepaired_fidelity, images)
    for size, value in {} if boxes is None else boxes.losses.by_size.items():
        if value is not None:
            yield AccuracyRow("int8", f"fidelity, {size} objects", value, images)


def _suspects(explanation: Explanation) -> ReportTable:
    rows = [
        (
            short(one.blame.name),
            one.blame.kind,
            f"{one.repairing:+.2f} ({one.repairing_db:+.1f} dB)",
            f"{one.leaving_float:+.2f} ({one.leaving_float_db:+.1f} dB)",
        )
        for one in explanation.suspects
    ]
    columns = ("Operator", "Kind", "Its repair brings", "Leaving it float would bring")
    return ReportTable("Operators, measured", "Points of fidelity, and decibels of both heads.", columns, tuple(rows))


def _classes(lost: Losses) -> ReportTable:
    rows = [(one.label, f"{one.fidelity:.1f}", str(one.count)) for one in lost.by_class[:CLASSES]]
    return ReportTable("Classes", "Those that lost most.", ("Class", "Fidelity", "Found by float"), tuple(rows))


def _tensors(explanation: Explanation) -> ReportTable:
    rows = [
        (short(one.name), one.kind, f"{one.snr_db:.1f}", f"{one.unrepaired_db:.1f}", f"{one.shift:.2f}")
        for one in explanation.tensors
    ]
    lead = "Signal to noise of each operator's output, in dB, and how much of the unrepaired noise is shift."
    return ReportTable("Tensors", lead, ("Operator", "Kind", "Repaired", "Only rounded", "Shift"), tuple(rows))


def _pictures(boxes: LostBoxes, bench: Bench, labels: Sequence[str]) -> Iterator[Picture]:
    for one in boxes.losses.by_image[:PICTURES]:
        if one.gone + one.new:
            sides = [
                PictureSide(name, tuple(_shown(detected, one.image, labels)))
                for name, detected in (("float32", detected_of(bench.reference)), ("int8", boxes.found))
            ]
            yield Picture(bench.images.paths[one.image], tuple(sides), bench.images.upright)


def _shown(detected: Detected, image: int, labels: Sequence[str]) -> list[Shown]:
    boxes, classes, scores = detected.of_image(image)
    rows = zip(boxes.tolist(), classes.tolist(), scores.tolist(), strict=True)
    return [Shown(tuple(box), labels[c], score) for box, c, score in rows if score >= SHOWN_SCORE][:MOST_SHOWN]
