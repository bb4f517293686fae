"""Options that several commands share, and how they become a `DetectorOptions`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from detlite.commands.command import option_group
from detlite.convert.exporter import exporter_names
from detlite.convert.options import DetectorOptions, NmsOptions
from detlite.runtime.errors import InputError

Command = TypeVar("Command", bound=Callable[..., Any])


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

HEADS = click.Choice(["raw", "postprocess"])
NMS_NAMES = ("kind", "score_threshold", "iou_threshold", "max_detections", "max_classes_per_detection")
SOURCE_NAMES = ("labels", "input_size", "scores", "max_proposals", *NMS_NAMES)
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
        type=click.FloatRange(0, 1),
        help="Minimum score of returned detections.",
    ),
    click.option(
        "--iou",
        "iou_threshold",
        type=click.FloatRange(0, 1, min_open=True),
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
        help="Label map (.pbtxt) or file with a list of class names.",
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
        "--scores",
        type=click.Choice(["converted", "logits"]),
        default="converted",
        show_default=True,
        help="Class scores to output: after the score converter (converted) or before it (logits).",
    ),
)


def nms_options(command: Command) -> Command:
    """Add the options for non-maximum suppression to *command*."""
    return option_group("Post-processing", *_NMS)(command)


def source_options(command: Command) -> Command:
    """Add the options for facts that the source does not contain."""
    return option_group("Facts that the source does not contain", *_SOURCE)(nms_options(command))


def take_detector_options(values: dict[str, Any]) -> DetectorOptions:
    """Remove the values of `source_options` from *values* and return them."""
    labels = values.pop("labels")
    return DetectorOptions(
        nms=NmsOptions(**{name: values.pop(name) for name in NMS_NAMES}),
        labels=labels.absolute() if labels else None,
        input_size=_size(values.pop("input_size")),
        logits=values.pop("scores") == "logits",
        max_proposals=values.pop("max_proposals"),
    )


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,5})(?:[xX](\d{1,5}))?", text)
    if match is None or int(match[1]) == 0:
        raise InputError(f"--input {text!r}: want HEIGHTxWIDTH in pixels, such as 320x320")
    return int(match[1]), int(match[2] or match[1])
