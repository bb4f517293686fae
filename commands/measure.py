"""`detlite measure`: measure a model's speed, here or on devices, alone, against another, or in a scenario."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from detlite.accuracy.video import first_frames
from detlite.calibration.images.demo import photographs
from detlite.commands.command import WorkCommand, option_group
from detlite.commands.completion import names_of
from detlite.commands.console import emit_record, notice, problem, progress, say
from detlite.commands.device_options import devices_asked_for, devices_option
from detlite.commands.image_options import images_given
from detlite.commands.measure_devices import measure_on_devices
from detlite.commands.options import FiniteRange, json_option
from detlite.commands.scenario_options import SCENARIO_OPTIONS, scenario_options
from detlite.convert.artifact import known_artifact
from detlite.devices.inventory import Device
from detlite.devices.remote.request import ONNX, MeasureRequest, model_to_measure
from detlite.runtime.errors import InputError, MissingToolError
from detlite.runtime.measure.in_turn import Plan, against, measure_in_turn
from detlite.runtime.measure.measurement_text import measurement_text
from detlite.runtime.measure.options import PRESET, MeasureOptions, measure_setup, setup_of
from detlite.runtime.measure.presets import preset_called
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.measure.results import Measurement
from detlite.runtime.measure.run import profile_of
from detlite.runtime.runners.profile import OperatorTime, profile_differences
from detlite.runtime.runners.tensorrt_versions import PRECISIONS
from detlite.studies.sweep.room import in_room

Record = dict[str, Any]


@click.command(cls=WorkCommand)
@click.argument("artifact", type=click.Path(path_type=Path))
@option_group(
    "One inference after the other",
    click.option("--against", type=click.Path(path_type=Path), help="Another model to measure in turn with the first."),
    click.option(
        "--samples",
        type=click.IntRange(1, 1_000_000),
        default=200,
        show_default=True,
        help="Minimum number of timed inferences.",
    ),
    click.option(
        "--min-seconds",
        type=FiniteRange(0, 86_400),
        help="Minimum duration of the measurement in seconds (default: 1, or the preset's).",
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
        help="Measure with this benchmark_model, TFLite's program, built for the device.",
    ),
    click.option(
        "--affinity",
        metavar="CORES",
        help="Cores of the device to run on: little, mid, big, or a mask such as f0 (default: all).",
    ),
    click.option(
        "--precision",
        shell_complete=names_of(lambda: PRECISIONS),
        help="Precision of the engine of an .onnx on a Jetson before TensorRT 11: fp32, fp16 (default) or int8.",
    ),
)
@click.option(
    "--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="Number of interpreter threads."
)
@json_option
def command(artifact: Path, as_json: bool, **values: Any) -> int:
    """Measure ARTIFACT: a folder that detlite wrote, a .tflite or .onnx file, or another file for --backend.

    \b
    detlite measure out/int8 --against out/float
    detlite measure out/int8 --scenario single-stream --images photos/ -o run
    detlite measure out/movinet --scenario camera --fps 30 --video clip.mp4
    detlite measure out/int8 --device pixel8 --device orin --images photos/ -o runs

    Without a scenario, consecutive inferences of one model, or of two in turn, are timed. MLPerf v1.0 defines the
    scenarios: they run in several processes and keep every sample, and the result is VALID or INVALID with reasons.
    """
    devices = devices_asked_for(values.pop("devices"), values.pop("inventory"))
    if devices:
        return _on_devices(devices, artifact, values, as_json=as_json)
    for name in ("benchmark_model", "precision", "affinity"):
        if values.pop(name) is not None:
            raise InputError(f"--{name.replace('_', '-')} needs a device: give --device NAME")
    if not any(values[name] not in (None, (), False) for name in SCENARIO_OPTIONS):
        with in_room(alone=True, notice=notice):
            found = _in_turn(artifact, values)
        return _show(found, None, as_json=as_json)
    if values["against"] is not None or values["image"] is not None:
        raise InputError("--against and --image cannot be combined with --scenario, --preset, --images or -o")
    with in_room(alone=True, notice=notice):
        found = _by_scenario(artifact, values)
    return _show(found, values["out"], as_json=as_json)


def _on_devices(devices: list[Device], path: Path, values: Record, *, as_json: bool) -> int:
    if values["against"] is not None or values["image"] is not None:
        raise InputError(
            "--against and --image work only on this machine: with --device, measure one model after the other"
        )
    if values["video"] is not None:
        raise InputError("videos are decoded on this machine: with --device, give --images FOLDER of their frames")
    if values["profile_against"] is not None:
        raise InputError("--profile-against works only on this machine: with --device, give --profile")
    images = () if values["images"] is None else images_given(values["images"]).paths
    if values["precision"] is not None and path.suffix != ONNX:
        raise InputError("--precision needs an .onnx model and a jetson, where TensorRT builds an engine")
    request = MeasureRequest(
        model=model_to_measure(path),
        options=_options(values),
        images=images,
        affinity=values["affinity"],
        benchmark_model=values["benchmark_model"],
        precision=values["precision"],
        out=values["out"],
        force=values["force"],
    )
    return measure_on_devices(devices, request, as_json=as_json)


def _in_turn(path: Path, values: Record) -> Measurement:
    """Measure the model at *path*, in turn with the one to measure it against, if any."""
    images = () if values["image"] is None else (values["image"],)
    paths = [one for one in (path, values["against"]) if one is not None]
    setups = [_setup(one, MeasureOptions(threads=values["threads"]), images) for one in paths]
    plan = Plan(values["samples"], 1.0 if values["min_seconds"] is None else values["min_seconds"])
    with progress() as report:
        first, *others = measure_in_turn(setups, plan, progress=report)
    return against(first, others[0]) if others else first


def _by_scenario(path: Path, values: Record) -> Measurement:
    before = None if values["profile_against"] is None else profile_of(values["profile_against"])
    options = _options(values)
    options = replace(options, profile=options.profile or before is not None)
    with _images(values, options, has_contract=known_artifact(path) is not None) as (images, decode_ns):
        setup = _setup(path, options, images, decode_ns)
        return _measured(setup, options, values, before)


def _measured(
    setup: Setup, options: MeasureOptions, values: Record, before: tuple[OperatorTime, ...] | None
) -> Measurement:
    with progress() as report:
        found = measure_setup(setup, find=options.find, run=values["out"], force=values["force"], progress=report)
    if before is None or found.profile is None:
        return found
    return replace(found, profile_differences=profile_differences(before, found.profile))


def _options(values: Record) -> MeasureOptions:
    return MeasureOptions.from_values({**values, "min_duration_s": values["min_seconds"]})


def _setup(path: Path, options: MeasureOptions, images: tuple[Path, ...], decode_ns: tuple[int, ...] = ()) -> Setup:
    """Return the setup for the model at *path*, which may have no contract."""
    artifact = known_artifact(path)
    model, contract = (path, None) if artifact is None else (artifact.model, artifact.contract)
    return setup_of(model, contract, options, images=images, decode_ns=decode_ns)


@contextmanager
def _images(
    values: Record, options: MeasureOptions, *, has_contract: bool
) -> Iterator[tuple[tuple[Path, ...], tuple[int, ...]]]:
    """Give the images to run on, and how long each took to decode if they are frames of a video."""
    if values["video"] is None:
        yield _stills(values, has_contract=has_contract), ()
        return
    if values["images"] is not None or values["noise"]:
        raise InputError("--video cannot be combined with --images or --noise: give one of them")
    count = preset_called(options.preset or PRESET).sample_count
    with tempfile.TemporaryDirectory(prefix="detlite-") as folder:
        yield first_frames(values["video"], count, Path(folder))


def _stills(values: Record, *, has_contract: bool) -> tuple[Path, ...]:
    """Return the given images, or the installed photographs; none for noise, which the record then states."""
    if values["images"] is not None:
        return images_given(values["images"]).paths
    if values["noise"] or not has_contract:
        return ()
    with suppress(MissingToolError):
        return photographs()
    return ()


def _show(found: Measurement, folder: Path | None, *, as_json: bool) -> int:
    if as_json:
        emit_record(found.to_record())
    else:
        say(measurement_text(found, str(folder) if folder else None).removesuffix("\n"))
    if found.failure is None:
        return 0
    problem(f"detlite: {found.failure.text}")
    return found.failure.exit_status
