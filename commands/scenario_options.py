"""The options of `detlite measure` for scenarios."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from detlite.commands.command import option_group
from detlite.commands.completion import names_of, plugins_of
from detlite.commands.options import FiniteRange
from detlite.runtime.plugins import plugin_names
from detlite.runtime.runners.backend import BACKENDS

Command = TypeVar("Command", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)


def _scenario_names() -> list[str]:
    from detlite.runtime.measure.scenario import SCENARIOS

    return [name.replace("_", "-") for name in plugin_names(SCENARIOS)]


def _preset_names() -> list[str]:
    from detlite.runtime.measure.presets import PRESETS

    return list(PRESETS)


_SCENARIO = (
    click.option(
        "--scenario",
        shell_complete=names_of(_scenario_names),
        help="Scenario: MLPerf's single-stream, multi-stream, server or offline; or camera.",
    ),
    click.option(
        "--preset",
        shell_complete=names_of(_preset_names),
        help="Rules of the run: quick (default), standard, mlperf-v1.0-ssd-mobilenet or mlperf-v1.0-ssd-resnet34.",
    ),
    click.option("--images", type=FILE, help="Images to run on: a folder, or a file that lists them."),
    click.option("--video", type=FILE, help="Video whose first frames to run on; decoding is timed apart."),
    click.option(
        "--noise",
        is_flag=True,
        help="Run on random noise if --images is not given (default: the photographs of the extra `demo`).",
    ),
    click.option(
        "--queries",
        type=click.IntRange(1, 10_000_000),
        help="Minimum queries (offline: samples); overrides the preset.",
    ),
    click.option("--processes", type=click.IntRange(1, 1000), help="Number of processes; overrides the preset."),
    click.option(
        "--fps",
        type=FiniteRange(0.01, 10_000),
        help="Frames per second of camera (default: 30), or queries per second of multi-stream.",
    ),
    click.option("--streams", type=click.IntRange(1, 100_000), help="Samples per query of multi-stream (default: 1)."),
    click.option(
        "--target-qps",
        "per_second",
        type=FiniteRange(0, min_open=True),
        help="Queries per second of server (default: 10).",
    ),
    click.option(
        "--find", is_flag=True, help="Find the most streams, or queries per second, within the latency limit."
    ),
    click.option("--end-to-end", is_flag=True, help="Include reading the images in the time of an offline run."),
    click.option("--accuracy", is_flag=True, help="Also run every image and save its results, for `evaluate`."),
    click.option("-o", "--output", "out", type=FILE, help="Folder for the run, with every sample."),
    click.option("--force", is_flag=True, help="Replace the run in the output folder."),
)
_BACKEND = (
    click.option(
        "--backend",
        shell_complete=plugins_of(BACKENDS),
        help="Back end: litert, tflite_runtime, edgetpu, onnx_runtime, tensorrt, null, scripted (default: by suffix).",
    ),
    click.option(
        "--delegate",
        "delegates",
        multiple=True,
        help="Delegate to load: edgetpu,device=usb or the path of a library. Repeatable.",
    ),
    click.option(
        "--xnnpack/--no-xnnpack", default=None, help="Fail unless XNNPACK takes operators, or run without XNNPACK."
    ),
    click.option("--profile", is_flag=True, help="Also time each operator with the back end's profiler."),
    click.option(
        "--profile-against", type=FILE, metavar="RUN", help="Also show how the profile differs from that of RUN."
    ),
)
SCENARIO_OPTIONS = (
    *("scenario", "preset", "images", "out", "force", "backend", "delegates", "xnnpack", "processes", "queries"),
    *("video", "fps", "noise", "find", "streams", "per_second", "profile", "profile_against", "end_to_end", "accuracy"),
)


def scenario_options(command: Command) -> Command:
    """Add the options to *command*."""
    backend = option_group("Back end", *_BACKEND)
    return option_group("MLPerf scenario", *_SCENARIO)(backend(command))
