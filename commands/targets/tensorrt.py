"""The options of TensorRT: of `detlite compile`, and of `detlite inspect`, which predicts."""

from __future__ import annotations

from pathlib import Path

import click

from detlite.commands.command import option_group
from detlite.commands.target import TargetOptions
from detlite.convert.target import TargetAnswer, TargetRequest
from detlite.devices.inventory import Device


def _known_version(_ctx: click.Context, _option: click.Parameter, version: str | None) -> str | None:
    """Return *version*; `InputError` if it is none of TensorRT, or older than what detlite knows."""
    from detlite.runtime.runners.tensorrt_versions import parse_version, row_of  # no help needs it

    if version is not None:
        row_of(parse_version(version))
    return version


VERSION = click.option(
    "--tensorrt",
    callback=_known_version,
    metavar="VERSION",
    help="TensorRT's version, such as 8.5 or 10.3 (default: the device's, else 10.3 of JetPack 6.1).",
)

COMPILE = option_group(
    "TensorRT",
    VERSION,
    click.option(
        "--precision",
        type=click.Choice(["fp32", "fp16", "int8"]),
        help="What the engine may compute in (default: int8 if the file rounds to it, else fp16; from TensorRT 11 on "
        "as the file states, for which fp16 writes a float16 file).",
    ),
    click.option(
        "--nms",
        type=click.Choice(["none", "standard", "efficient_nms"]),
        help="Non-maximum suppression in the file (default: none, raw heads).",
    ),
    click.option(
        "--batch",
        type=click.IntRange(1, 1024),
        metavar="N",
        help="Number of images that one run of the engine takes (default: 1).",
    ),
)


def _compile_on(device: Device, request: TargetRequest, out: Path, force: bool) -> TargetAnswer:
    from detlite.devices.remote.engine_compile import compile_on  # no help needs it

    return compile_on(device, request, out, force=force)


PLUGIN = TargetOptions(compile=(COMPILE,), inspect=(VERSION,), compile_on=_compile_on)
