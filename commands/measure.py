"""`detlite measure`: how fast a model is on this machine, by a scenario of MLPerf, or beside another model."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from detlite.calibration.images.demo import photographs
from detlite.commands.command import WorkCommand, option_group
from detlite.commands.console import emit_facts, emit_json, notice, progress
from detlite.commands.device_options import devices_asked_for, devices_option
from detlite.commands.image_options import images_given
from detlite.commands.measure_devices import measure_on_devices
from detlite.commands.options import json_option
from detlite.commands.scenario_options import SCENARIO_OPTIONS, scenario_options
from detlite.convert.artifact import known_artifact, open_artifact
from detlite.devices.inventory import Device
from detlite.runtime.artifact import Artifact, sha256_of
from detlite.runtime.errors import InputError, MissingToolError
from detlite.runtime.measure.host import cautions, machine_facts
from detlite.runtime.measure.latency import percentile_interval_ms, percentile_ms
from detlite.runtime.measure.measurement import measure_model
from detlite.runtime.measure.measurement_text import measurement_text
from detlite.runtime.measure.options import setup_of
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.measure.run_folder import MEASUREMENT, read_json
from detlite.runtime.measure.search import with_most
from detlite.runtime.runners.profile import profile_differences
from detlite.studies.run.latency import side_by_side
from detlite.studies.run.ratio import median_ratio_interval

FEWEST_SAMPLES = 30  # below, a p90 rests on two or three samples
DRIFT = 0.1  # of the median, between the halves of a run: a clock that falls, or another program that came
ONNX = ".onnx"
STAGES = ("preprocess", "invoke", "postprocess")

PROFILE_KEYS = {"operator", "occurrence", "place", "mean_ms"}

Record = dict[str, Any]


@click.command(cls=WorkCommand)
@click.argument("artifact", type=click.Path(path_type=Path))
@option_group(
    "One inference after the other",
    click.option("--against", type=click.Path(path_type=Path), help="Another model, measured in turn with the first."),
    click.option(
        "--samples",
        type=click.IntRange(1, 1_000_000),
        default=200,
        show_default=True,
        help="Minimum number of timed inferences.",
    ),
    click.option(
        "--min-seconds",
        type=click.FloatRange(0, 86_400),
        help="Minimum time to measure for, in seconds (default: 1, or as the preset says).",
    ),
    click.option(
        "--image",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Image to run on (default: random noise).",
    ),
)
@scenario_options
@option_group(
    "Devices",
    devices_option,
    click.option(
        "--benchmark-model",
        type=click.Path(path_type=Path),
        help="TFLite's benchmark_model, built for the device, to measure with.",
    ),
    click.option(
        "--affinity", metavar="CORES", help="Cores of the device to run on: little, mid, big, or a mask such as f0."
    ),
    click.option(
        "--precision", help="Precision of the TensorRT engine of an .onnx on a Jetson: fp32, fp16 (default) or int8."
    ),
)
@click.option("--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="Threads of the interpreter.")
@json_option
def command(artifact: Path, as_json: bool, **values: Any) -> int:
    """Measure ARTIFACT: a folder that detlite wrote, any .tflite with its op, or what its back end opens.

    Without a scenario, the latency of one inference after the other, alone or in turn with another model. With one, as
    MLPerf v1.0 defines it: processes of their own, every sample kept, VALID or INVALID because of what is listed.

    \b
    detlite measure out/int8 --against out/float
    detlite measure out/int8 --scenario single-stream --images photos/ -o run
    detlite measure out/int8 --scenario offline --preset standard --images photos/ --json
    detlite measure times.json --backend tensorrt --scenario single-stream
    detlite measure out/int8 --device pixel8 --device orin --images photos/ -o runs
    detlite measure out/int8 --device pixel8 --benchmark-model benchmark_model --delegate gpu
    detlite measure model.onnx --device orin --precision int8
    """
    devices = devices_asked_for(values.pop("devices"), values.pop("inventory"))
    if devices:
        return _on_devices(devices, artifact, values, as_json=as_json)
    for name in ("benchmark_model", "precision", "affinity"):
        if values.pop(name) is not None:
            raise InputError(f"--{name.replace('_', '-')} is for a device: say which by --device")
    if any(values[name] not in (None, (), False) for name in SCENARIO_OPTIONS):
        if values["against"] is not None or values["image"] is not None:
            raise InputError("--against and --image are for a measurement without a scenario, --preset, --images or -o")
        return _by_scenario(artifact, values, as_json=as_json)
    plain = {name: values[name] for name in ("threads", "samples")}
    least = 1.0 if values["min_seconds"] is None else values["min_seconds"]
    _side_by_side(artifact, values["against"], values["image"], {**plain, "min_seconds": least}, as_json=as_json)
    return 0


def _on_devices(devices: list[Device], path: Path, values: Record, *, as_json: bool) -> int:
    if values["against"] is not None or values["image"] is not None:
        raise InputError("--against and --image are for this machine: with --device, measure one model after the other")
    if values["profile_against"] is not None:
        raise InputError("--profile-against is for this machine: with --device, give --profile")
    images = () if values["images"] is None else images_given(values["images"]).paths
    if values["precision"] is not None and path.suffix != ONNX:
        raise InputError("--precision is for an .onnx on a jetson, of which TensorRT builds an engine")
    model = path if path.suffix == ONNX and path.is_file() else open_artifact(path)
    return measure_on_devices(devices, model, values, images, as_json=as_json)


def _by_scenario(path: Path, values: Record, *, as_json: bool) -> int:
    out = values["out"]
    before = None if values["profile_against"] is None else _profile_of(values["profile_against"])
    setup = _setup(path, values)
    with progress() as report:
        if values["find"]:
            setup = with_most(setup, run=out, progress=report)
        record = measure_model(setup, run=out, force=values["force"], progress=report)
    if before is not None and record.get("profile"):
        record["profile_differences"] = profile_differences(before, record["profile"])
    if as_json:
        click.echo(json.dumps(record, indent=1, allow_nan=False))
    else:
        click.echo(measurement_text(record, str(out) if out else None), nl=False)
    if record["failure"] is None:
        return 0
    notice(f"detlite: {record['failure']['text']}")
    return int(record["failure"]["exit_status"])


def _profile_of(run: Path) -> list[Record]:
    profile = (read_json(run / MEASUREMENT) or {}).get("profile")
    if not isinstance(profile, list) or not all(
        isinstance(one, dict) and one.keys() >= PROFILE_KEYS for one in profile
    ):
        raise InputError(f"{run} holds no profile: want the folder of a run that was measured with --profile")
    return profile


def _setup(path: Path, values: Record) -> Setup:
    artifact = known_artifact(path)
    images = _images(values, has_contract=artifact is not None)
    changes = {**values, "scenario": values["scenario"] or "single-stream", "preset": values["preset"] or "quick"}
    changes["min_duration_s"] = values["min_seconds"]
    changes["profile"] = values["profile"] or values["profile_against"] is not None
    model = path if artifact is None else artifact.model
    return setup_of(model, None if artifact is None else artifact.contract, changes, images=images)


def _images(values: Record, *, has_contract: bool) -> tuple[Path, ...]:
    """Return the images that were given, or the installed photographs; none for noise, which the record then says."""
    if values["images"] is not None:
        return images_given(values["images"]).paths
    if values["noise"] or not has_contract:
        return ()
    with suppress(MissingToolError):
        return photographs()
    return ()


def _side_by_side(artifact: Path, against: Path | None, image: Path | None, values: Record, *, as_json: bool) -> None:
    artifacts = [open_artifact(path) for path in (artifact, against) if path is not None]
    lost = (one.contract.task.lost_class(values["threads"], one.contract.labels) for one in artifacts)
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
