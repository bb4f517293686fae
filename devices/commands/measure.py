"""`detlite measure`: the latency of a model on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from detlite.convert.artifact import open_artifact
from detlite.convert.commands.options import json_option
from detlite.convert.console import emit_facts, emit_json, progress
from detlite.devices.host import cautions, machine_facts
from detlite.devices.pipeline.latency import side_by_side
from detlite.devices.pipeline.ratio import median_ratio_interval
from detlite.runtime.artifact import Artifact, sha256_of
from detlite.runtime.latency import percentile_interval_ms, percentile_ms
from detlite.runtime.session import lost_class

FEWEST_SAMPLES = 30  # below, a p90 rests on two or three samples
DRIFT = 0.1  # of the median, between the halves of a run: a clock that falls, or another program that came
STAGES = ("preprocess", "invoke", "postprocess")

Record = dict[str, Any]


@click.command()
@click.argument("artifact", type=click.Path(path_type=Path))
@click.option("--against", type=click.Path(path_type=Path), help="Another model, measured in turn with the first.")
@click.option("--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="Of the interpreter.")
@click.option("--samples", type=click.IntRange(1, 1_000_000), default=200, show_default=True, help="At least.")
@click.option("--min-seconds", type=click.FloatRange(0, 3600), default=1.0, show_default=True, help="At least.")
@click.option("--image", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Noise where not given.")
@json_option
def command(artifact: Path, against: Path | None, image: Path | None, as_json: bool, **values: Any) -> None:
    """Measure the single-stream latency of ARTIFACT: a folder that detlite wrote, or any .tflite with its op.

    \b
    detlite measure out/int8
    detlite measure detect.tflite --threads 4 --json
    detlite measure out/int8 --against out/float
    """
    artifacts = [open_artifact(path) for path in (artifact, against) if path is not None]
    lost = (lost_class(one.contract, values["threads"]) for one in artifacts)
    warnings = (*cautions(), *(text for text in lost if text is not None))
    with progress() as report:
        found = side_by_side(artifacts, **values, image=image, progress=report)
    records = [_record(a, one) for a, one in zip(artifacts, found["models"], strict=True)]
    whole = _whole(records, found["runtime"], values["threads"], warnings)
    if as_json:
        emit_json("measurement", whole)
        return
    emit_facts(_lines(whole))
    click.echo(f"{artifact}: {whole['latency_p50_ms']:.2f} ms, {whole['validity']}")


def _record(artifact: Artifact, found: Record) -> Record:
    samples = found["invoke_ms"]
    record: Record = {"model": str(artifact.model), "model_sha256": sha256_of(artifact.model)}
    record["size_bytes"] = artifact.model.stat().st_size
    for percent in (50, 90, 99):
        record[f"latency_p{percent}_ms"] = percentile_ms(samples, percent)
    record["latency_mean_ms"] = sum(samples) / len(samples)
    record["latency_p50_interval_ms"] = list(percentile_interval_ms(samples, 50))
    record["latency_p90_interval_ms"] = list(percentile_interval_ms(samples, 90))
    record["samples"] = len(samples)
    record["samples_ms"] = samples
    record["first_ms"], record["warm_up_ms"] = found["first_ms"], found["warm_up_ms"]
    record["stages_p50_ms"] = {stage: percentile_ms(found[f"{stage}_ms"], 50) for stage in STAGES}
    return record


def _whole(records: list[Record], runtime: str, threads: int, warnings: tuple[str, ...]) -> Record:
    first = records[0]
    enough = first["samples"] >= FEWEST_SAMPLES
    validity = "VALID" if enough else f"INVALID because {first['samples']} samples are under {FEWEST_SAMPLES}"
    whole = first | {
        "scenario": "single-stream",
        "runtime": runtime,
        "threads": threads,
        "validity": validity,
    }
    drifts = [text for record in records for text in _drift(record)]
    whole |= {"cautions": [*warnings, *drifts], "device": dict(machine_facts())}
    if len(records) > 1:
        ratio = first["latency_p50_ms"] / records[1]["latency_p50_ms"]
        whole |= {"against": records[1], "latency_p50_ratio": ratio}
        interval = median_ratio_interval(first["samples_ms"], records[1]["samples_ms"])
        whole["latency_p50_ratio_interval"] = list(interval)
    return whole


def _drift(record: Record) -> list[str]:
    samples, middle = record["samples_ms"], record["samples"] // 2
    if middle < FEWEST_SAMPLES // 2:
        return []
    before, after = percentile_ms(samples[:middle], 50), percentile_ms(samples[middle:], 50)
    if abs(after / before - 1) <= DRIFT:
        return []
    return [f"{record['model']}: the median went from {before:.3f} to {after:.3f} ms while it was measured"]


def _lines(whole: Record) -> dict[str, object]:
    low, high = whole["latency_p50_interval_ms"]
    lines: dict[str, object] = {
        "p50": f"{whole['latency_p50_ms']:.3f} ms [{low:.3f}, {high:.3f}]",
        "p90": f"{whole['latency_p90_ms']:.3f} ms",
        "p99": f"{whole['latency_p99_ms']:.3f} ms",
        "first": f"{whole['first_ms']:.3f} ms",
        "samples": f"{whole['samples']}, after {len(whole['warm_up_ms'])} to warm up",
        "stages": ", ".join(f"{name} {value:.3f} ms" for name, value in whole["stages_p50_ms"].items()),
        "runtime": f"{whole['runtime']}, {whole['threads']} thread(s)",
        "processor": whole["device"]["processor"],
    }
    if "against" in whole:
        low, high = whole["latency_p50_ratio_interval"]
        lines["against"] = f"{whole['against']['latency_p50_ms']:.3f} ms"
        lines["ratio"] = f"{whole['latency_p50_ratio']:.3f} times as long [{low:.3f}, {high:.3f}]"
    return lines | {f"caution {number}": text for number, text in enumerate(whole["cautions"], 1)}
