"""The options of `detlite measure` that make it measure by a scenario."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)

_OPTIONS = (
    click.option("--scenario", help="single-stream, multi-stream, server or offline."),
    click.option("--preset", help="quick, standard, mlperf-v1.0-ssd-mobilenet or mlperf-v1.0-ssd-resnet34."),
    click.option("--images", type=FILE, help="Folder of images, or a file that lists them."),
    click.option("--noise", is_flag=True, help="Noise where no images are given; else photographs of `detlite[demo]`."),
    click.option("-o", "--output", "out", type=FILE, help="Folder to keep the run in, sample by sample."),
    click.option("--force", is_flag=True, help="Replace a run that is there."),
    click.option("--backend", help="litert, tflite_runtime, edgetpu, onnx_runtime, tensorrt, null or scripted."),
    click.option("--delegate", "delegates", multiple=True, help="edgetpu,device=usb or a library's path; again."),
    click.option("--xnnpack/--no-xnnpack", default=None, help="XNNPACK must take operators, or must not."),
    click.option("--processes", type=click.IntRange(1, 1000), help="In place of the preset's."),
    click.option(
        "--queries", type=click.IntRange(1, 10_000_000), help="At least, not the preset's; of offline samples."
    ),
    click.option("--streams", type=click.IntRange(1, 100_000), help="Samples of each query of multi-stream."),
    click.option("--target-qps", "per_second", type=click.FloatRange(0, min_open=True), help="Queries of server."),
    click.option("--find", is_flag=True, help="The most streams, or queries, that keep the limit, by short trials."),
    click.option("--end-to-end", is_flag=True, help="Offline counts reading the images too, beside the inference."),
    click.option("--accuracy", is_flag=True, help="Detect in every image too, for mlperf_log_accuracy.json."),
    click.option("--profile", is_flag=True, help="Also the time of each operator, from the back end's own profiler."),
    click.option("--profile-against", type=FILE, metavar="RUN", help="And how it differs from that run's."),
)
SCENARIO_OPTIONS = (
    *("scenario", "preset", "images", "out", "force", "backend", "delegates", "xnnpack", "processes", "queries"),
    *("noise", "find", "streams", "per_second", "profile", "profile_against", "end_to_end", "accuracy"),
)


def scenario_options(command: Command) -> Command:
    """Add the options to *command*."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
