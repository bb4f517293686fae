"""Options that several commands share, and how they become a `DetectorOptions`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from detlite.commands.command import option_group
from detlite.commands.completion import names_of
from detlite.convert.exporter import exporter_names
from detlite.convert.options import DetectorOptions, NmsOptions, StatedFacts
from detlite.runtime.errors import InputError

Command = TypeVar("Command", bound=Callable[..., Any])


class FiniteRange(click.FloatRange):  # noqa: TID251 - the one place
    """A finite number in a range: click's own lets nan through, which is neither over nor under a bound."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return *value*, a text or a number, as a finite number."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{str(value)[:80]} is not finite: give a number such as 0.5 or 2", param, ctx)
        return number


class Ratio(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.5
    """A ratio from 0 to 2, or in percent: 0.99, 99 % and 99 are the same."""

    name = "ratio"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> float:
        """Return *value*, a text or a number, as a ratio."""
        text = str(value).strip()
        try:
            number = float(text.removesuffix("%"))
        except ValueError:
            self.fail(f"{text[:80]!r} is no ratio: want such as 0.99 or 99%", parameter, context)
        ratio = number / 100 if text.endswith("%") or number > LARGEST_RATIO else number
        if not 0 <= ratio <= LARGEST_RATIO:
            self.fail(f"{text[:80]} is not from 0 to {LARGEST_RATIO:g}, or from 0 to 200%", parameter, context)
        return ratio


LARGEST_RATIO = 2.0
RATIO = Ratio()


class HeadsType(click.ParamType[str]):
    """The outputs of a model: raw heads, detections, or the heads of a file without a contract by name."""

    name = "raw|postprocess|boxes=NAME,scores=NAME"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return *value* if it is one of them."""
        if value not in ("raw", "postprocess") and NAMED_HEADS.fullmatch(value) is None:
            self.fail(f"{value!r}; want raw, postprocess, or boxes=NAME,scores=NAME", param, ctx)
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the names that begin as *incomplete* does."""
        del ctx, param
        return [CompletionItem(name) for name in ("raw", "postprocess") if name.startswith(incomplete)]


NAMED_HEADS = re.compile(r"boxes=(.+),scores=(.+)")
HEADS = HeadsType()
STATED_NAMES = ("mean", "std", "colour", "anchors", "box_order", "box_scales", "box_sizes", "score_converter")
NMS_NAMES = ("kind", "score_threshold", "iou_threshold", "max_detections", "max_classes_per_detection")
SOURCE_NAMES = ("labels", "input_size", "scores", "max_proposals", "embeddings", *STATED_NAMES, *NMS_NAMES)
"""Names of the values of `source_options`."""

json_option = click.option("--json", "as_json", is_flag=True, help="Write the result as JSON.")
force_option = click.option("--force", is_flag=True, help="Replace an output folder that detlite wrote.")
out_option = click.option(
    "-o", "--output", "out", type=click.Path(path_type=Path), required=True, help="Folder to write."
)
multiple_subgraphs_option = click.option(
    "--multiple-subgraphs",
    is_flag=True,
    help="Allow several Edge TPU subgraphs (the compiler's --enable_multiple_subgraphs).",
)

to_option = click.option(
    "--to",
    default="tflite",
    show_default=True,
    metavar="FORMAT",
    shell_complete=names_of(exporter_names),
    help=f"Format to write: {', '.join(exporter_names())}.",
)

_NMS = (
    click.option(
        "--nms",
        "kind",
        type=click.Choice(["fast", "regular"]),
        help="Kind of NMS: over all classes together (fast), or for each class separately (regular).",
    ),
    click.option(
        "--score-threshold",
        type=FiniteRange(0, 1),
        help="Minimum score of returned detections.",
    ),
    click.option(
        "--iou",
        "iou_threshold",
        type=FiniteRange(0, 1, min_open=True),
        help="IoU above which NMS drops the lower-scored of two boxes.",
    ),
    click.option(
        "--max-detections", type=click.IntRange(1, 1000), help="Maximum number of detections that are returned."
    ),
    click.option(
        "--classes-per-detection",
        "max_classes_per_detection",
        type=click.IntRange(1, 100),
        help="Number of classes that fast NMS returns per box.",
    ),
)
_SOURCE = (
    click.option(
        "--labels",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Label map (.pbtxt), or names as text, JSON or .csv.",
    ),
    click.option(
        "--input", "input_size", metavar="HxW", help="Input size, such as 320x320, for a graph that takes any size."
    ),
    click.option(
        "--max-proposals",
        type=click.IntRange(1, 10_000),
        help="Most regions that a two-stage detector looks at (default for TFLite: 100).",
    ),
    click.option(
        "--embeddings",
        type=click.IntRange(1, 1000),
        metavar="N",
        help="Find the N best detections in the network and return their features too, for `detlite context build`.",
    ),
    click.option(
        "--scores",
        type=click.Choice(["converted", "logits"]),
        default="converted",
        show_default=True,
        help="Class scores to output: after the score converter (converted) or before it (logits).",
    ),
)
_STATED = (
    click.option("--mean", metavar="M[,M,M]", help="The network reads (pixel - mean) / std, with pixels of 0..255."),
    click.option("--std", metavar="S[,S,S]", help="One number, or one for each channel; needs --mean."),
    click.option("--colour", type=click.Choice(["RGB", "BGR"]), help="Order of the input's channels (default: RGB)."),
    click.option(
        "--anchors",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A .npy file of floats (N, 4): y centre, x centre, height, width, in 0..1; of a graph without a decoder.",
    ),
    click.option(
        "--box-order",
        type=click.Choice(["yxhw", "xywh"]),
        help="Order of the box encodings of a graph without a decoder; needs --anchors.",
    ),
    click.option(
        "--box-scales",
        metavar="Y,X,H,W",
        help="Scales of the box encodings; needs --anchors (default: 10,10,5,5, SSD's usual ones).",
    ),
    click.option(
        "--box-sizes",
        type=click.Choice(["log", "linear"]),
        help="How box sizes are encoded; needs --anchors (default: log, as in SSD; BlazeFace has linear sizes).",
    ),
    click.option(
        "--score-converter",
        type=click.Choice(["sigmoid", "softmax", "none"]),
        help="What makes scores of class scores that end without it; none: they are scores.",
    ),
)


def nms_options(command: Command) -> Command:
    """Add the options for non-maximum suppression to *command*."""
    return option_group("Post-processing", *_NMS)(command)


def source_options(command: Command) -> Command:
    """Add the options for facts that the source does not contain."""
    with_stated = option_group("Facts of raw heads, for an .onnx file or a .tflite without a contract", *_STATED)(
        nms_options(command)
    )
    return option_group("Facts that the source does not contain", *_SOURCE)(with_stated)


def take_detector_options(values: dict[str, Any]) -> DetectorOptions:
    """Remove the values of `source_options` from *values* and return them."""
    named = NAMED_HEADS.fullmatch(values.get("heads") or "")
    if named is not None:
        values["heads"] = "raw"
    labels = values.pop("labels")
    return DetectorOptions(
        nms=NmsOptions(**{name: values.pop(name) for name in NMS_NAMES}),
        labels=labels.absolute() if labels else None,
        input_size=take_size(values.pop("input_size")),
        logits=values.pop("scores") == "logits",
        max_proposals=values.pop("max_proposals"),
        embeddings=values.pop("embeddings"),
        stated=replace(_stated_facts(values), heads=None if named is None else (named[1], named[2])),
    )


def _stated_facts(values: dict[str, Any]) -> StatedFacts:
    given = {name: values.pop(name) for name in STATED_NAMES}
    for one, other in (("mean", "std"), ("std", "mean"), ("anchors", "box_order"), ("box_order", "anchors")):
        if given[one] is not None and given[other] is None:
            raise InputError(f"--{one.replace('_', '-')} needs --{other.replace('_', '-')}")
    for name in ("box_scales", "box_sizes"):
        if given[name] is not None and given["anchors"] is None:
            raise InputError(f"--{name.replace('_', '-')} needs --anchors")
    anchors = given["anchors"]
    return StatedFacts(
        mean=_numbers("--mean", given["mean"]),
        std=_numbers("--std", given["std"]),
        colour=given["colour"],
        anchors=anchors.absolute() if anchors else None,
        box_order=given["box_order"],
        box_scales=_scales(given["box_scales"]),
        box_sizes=given["box_sizes"],
        score_converter=given["score_converter"],
    )


def _scales(text: str | None) -> tuple[float, float, float, float] | None:
    scales = _numbers("--box-scales", text)
    if scales is None:
        return None
    if len(scales) != 4:
        raise InputError(f"--box-scales {text}: want 4 numbers, of y, x, height and width: 10,10,5,5")
    return scales[0], scales[1], scales[2], scales[3]


def _numbers(flag: str, text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"{flag} {text!r}: want one number, or several with commas, such as 123.7,116.3,103.5"
        ) from error
    is_scale = flag in ("--std", "--box-scales")
    if not all(map(math.isfinite, numbers)) or (is_scale and min(numbers) <= 0):
        raise InputError(f"{flag} {text!r}: want finite numbers" + (" over 0" if is_scale else ""))
    return numbers


def take_size(text: str | None) -> tuple[int, int] | None:
    """Return (height, width) of the *text* of `--input`; `InputError` if it says no size, or too large a one."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,5})(?:[xX](\d{1,5}))?", text)
    if match is None or int(match[1]) == 0:
        raise InputError(f"--input {text!r}: want HEIGHTxWIDTH in pixels, such as 320x320")
    height, width = int(match[1]), int(match[2] or match[1])
    from detlite.runtime.image.read import MAX_PIXELS  # here: it needs numpy, and no help does

    if height * width > MAX_PIXELS:
        raise InputError(f"--input {text}: {height * width:,} pixels; want at most {MAX_PIXELS:,}, as of an image")
    return height, width
