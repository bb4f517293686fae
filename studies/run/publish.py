"""A run's results as a report; every figure comes from a stage's answer."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.convert.tflite.describe import describe
from detlite.runtime.artifact import CONTRACT, Artifact
from detlite.runtime.artifact import Step as HistoryStep
from detlite.runtime.counts import counted
from detlite.runtime.measure.host import host_facts
from detlite.runtime.plugins import load_plugin
from detlite.runtime.tasks.detection import Detection
from detlite.studies.report.contract_table import contract_table
from detlite.studies.report.error_table import error_table
from detlite.studies.report.headline import megabytes
from detlite.studies.report.report import (
    AccuracyRow,
    Latencies,
    ModelFile,
    Picture,
    PictureSide,
    Report,
    ReportTable,
    Shown,
    Step,
)
from detlite.studies.run.judge import Judgement
from detlite.studies.run.ledger import Record
from detlite.studies.run.parity import differences_text
from detlite.studies.run.run import Results


def to_report(results: Results, judgement: Judgement, name: str, date: str) -> Report:
    """Return the report on the run of the model *name*, with its *judgement* and its *date*."""
    artifacts = (results.float32, results.quantized)
    return Report(
        title=f"{name}: {results.names[0]} to {results.name}",
        verdict=judgement.verdict,
        status=judgement.status,
        models=tuple(_model(name, artifact) for name, artifact in zip(results.names, artifacts, strict=True)),
        accuracy=tuple(_accuracy(results)),
        tables=(*_errors(results), *_contracts(results)),
        latencies=tuple(_latencies(results)),
        pictures=tuple(_pictures(results)),
        steps=tuple(_steps(results)),
        repairs=tuple(_repairs(results)),
        notes=tuple(_notes(results)),
        machine=_machine(results),
        gates=judgement.rows,
        cautions=judgement.cautions,
        speed=judgement.speed,
        date=date,
    )


def _machine(results: Results) -> tuple[tuple[str, str], ...]:
    """Return what measured: this machine, or a device as its record describes it."""
    first = results.measurements[0]
    if "name" not in first.device:
        return host_facts()
    texts = (str, int)
    return tuple((key.replace("_", " "), str(value)) for key, value in first.device.items() if isinstance(value, texts))


def _model(name: str, artifact: Artifact) -> ModelFile:
    facts = describe(artifact.model.read_bytes(), str(artifact.model))
    return ModelFile(
        name=name,
        file=f"{artifact.model.parent.name}/{artifact.model.name}",
        sha256=artifact.history[-1]["output_sha256"],
        size_bytes=artifact.model.stat().st_size,
        operators=facts.operator_count,
        float_operators=facts.float_operators if name != "float32" else facts.operator_count,
        quantization=facts.quantization,
    )


def _accuracy(results: Results) -> Iterator[AccuracyRow]:
    fidelity = results.scores["fidelity"]
    interval = fidelity["interval"] or {}
    yield AccuracyRow(
        name=results.name,
        metric="fidelity",
        value=fidelity["value"],
        images=fidelity["images"],
        low=interval.get("low"),
        high=interval.get("high"),
        note=_fidelity_note(results),
        unit=results.images.unit,
    )
    if coco := results.scores["coco"]:
        for name in results.names:
            yield AccuracyRow(name=name, metric="COCO mAP", value=coco[name]["map"], images=fidelity["images"])
        if coco["ratio_percent"] is not None:
            ends = coco["ratio_percent_interval"]
            yield AccuracyRow(
                name=results.name,
                metric="COCO mAP over the float model's",
                value=coco["ratio_percent"],
                images=fidelity["images"],
                low=ends["low"],
                high=ends["high"],
                note="paired bootstrap over the images",
            )
        yield AccuracyRow(
            name=results.name,
            metric="COCO mAP against float32",
            value=(coco[results.name]["map"] or 0.0) - (coco[results.names[0]]["map"] or 0.0),
            images=fidelity["images"],
            low=coco["difference"]["low"],
            high=coco["difference"]["high"],
            note="paired bootstrap over the images",
        )


def _fidelity_note(results: Results) -> str:
    found = results.scores["fidelity"]
    if results.images.footage is None:
        detections = counted(found["reference_count"], "detection")
        return f"{found['matched_count']} of the float model's {detections} found again"
    sure, same = found["sure_answers"], found["same_sure_answers"]
    note = (
        f"at the end of each video; on the way the same in {same} of the {sure} answers that the float model is sure of"
    )
    snr = found["logit_snr_db"]
    return note if snr is None else f"{note}; signal over noise of the logits {snr:.1f} dB"


def _errors(results: Results) -> Iterator[ReportTable]:
    for step in results.quantized.history:
        if "error" in step:
            yield error_table(step["error"], "image" if results.images.footage is None else "sample")


def _contracts(results: Results) -> Iterator[ReportTable]:
    """Yield how to use the quantized model, and the model with the post-processing op, which an app loads."""
    model = results.quantized.model
    more = "anchors and " if isinstance(results.quantized.contract.task, Detection) else ""
    lead = f"How to use {model.parent.name}/{model.name}; {CONTRACT} beside it has the {more}labels, too."
    yield contract_table("Contract", lead, results.quantized.contract)
    if results.deployed is not None:
        file, size_bytes = results.deployed.model, results.deployed.model.stat().st_size
        lead = (
            f"{file.parent.name}/{file.name}, {megabytes(size_bytes)}, sha256 "
            f"{results.deployed.history[-1]['output_sha256'][:12]}: the same model with its post-processing op."
        )
        yield contract_table("The model for an app", lead, results.deployed.contract)


def _latencies(results: Results) -> Iterator[Latencies]:
    for name, found in zip(results.names, results.measurements, strict=True):
        samples_ms = tuple(time_ns / 1e6 for time_ns in found.samples_ns[0].invoke)
        yield Latencies(name=name, samples_ms=samples_ms, detail=found.runtime)


def _pictures(results: Results) -> Iterator[Picture]:
    for picture in results.scores["pictures"]:
        sides = [
            PictureSide(name, tuple(map(_shown, shown)))
            for name, shown in zip(results.names, picture["sides"], strict=True)
        ]
        images = results.images.evaluation
        yield Picture(images.paths[picture["image"]], tuple(sides), images.upright)


def _shown(record: Record) -> Shown:
    y1, x1, y2, x2 = record["box"]
    return Shown((y1, x1, y2, x2), record["label"], record["score"])


def _repairs(results: Results) -> Iterator[str]:
    for name, count in results.float32.history[0].get("repairs", {}).items():
        yield f"{load_plugin('detlite.convert.graph.repairs', name).title}: {count} times"
    if results.unrepaired is None:
        return
    facts = describe(results.quantized.model.read_bytes(), str(results.quantized.model))
    before, islands = results.unrepaired["operators"], results.unrepaired["float_islands"]
    yield (
        f"Without repairs, the int8 model has {counted(before, 'operator')} with {counted(islands, 'float island')}; "
        f"repaired, {facts.operator_count} with {facts.float_islands}."
    )


def _steps(results: Results) -> Iterator[Step]:
    yield Step("source", f"{results.source.title}, sha256 {results.source.sha256}")
    for made in (results.deployed or results.quantized).history:
        yield Step(str(made["step"]), _facts(made))
    if results.parity is not None:
        text = f"float TFLite differs from the graph in {differences_text(results.parity)}"
        yield Step("parity", f"{text}; {results.parity['tolerance']:g} is allowed")


def _facts(made: HistoryStep) -> str:
    hidden = ("step", "input_sha256", "tool")
    facts = {key: value for key, value in made.items() if key not in hidden and value not in ({}, [])}
    return ", ".join(f"{key.replace('_', ' ')} {_plain(value)}" for key, value in facts.items())


def _plain(value: object) -> str:
    """Return *value* of a step's record in words: its keys with their values, its items one after the other."""
    if isinstance(value, dict):
        parts = {key: f"({_plain(item)})" if isinstance(item, dict) else _plain(item) for key, item in value.items()}
        return ", ".join(f"{key} {text}" for key, text in parts.items())
    return "; ".join(map(_plain, value)) if isinstance(value, list) else str(value)


def _notes(results: Results) -> Iterator[str]:
    yield results.images.note
    if results.images.footage is not None:
        yield (
            f"Fidelity is the share of videos at whose end the {results.name} model's best class is the float model's. "
            "Latencies are of the interpreter alone, in a single stream: of a frame, or of a whole clip."
        )
    else:
        yield (
            f"Fidelity is the mAP of the {results.name} model's detections with the float model's (score 0.3 and more) "
            "as the truth. Latencies are of the interpreter alone, in a single stream."
        )
    if results.measurements[0].protocol is not None and results.measurements[0].protocol.models_in_turn > 1:
        yield "Both models were measured in turn in one run."
    else:
        yield "The models were measured one after the other on the device, and scored on this machine."
    for key, text in results.float32.contract.origin.items():
        yield f"{key}: {text}"
