"""COCO's twelve numbers as pycocotools prints them, from a run on a board."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from detlite.devices.log_lines import ended, real
from detlite.devices.recording import Format
from detlite.runtime.errors import InputError

LINE = re.compile(
    r"^ *Average (Precision|Recall) +\(A[PR]\) @\[ IoU=([0-9.:]+) *\| area= *(\w+) \| maxDets= *(\d+) \] = "
    r"(-?[0-9.]+)[ \r]*$",
    re.M,
)
COUNT = 12
FIRST = ("Precision", "0.50:0.95", "all")


@dataclass(frozen=True)
class CocoSummary:
    """The numbers by `AP 0.50:0.95 all 100`; -1 if there was nothing to score."""

    numbers: Mapping[str, float]
    problems: tuple[str, ...] = ()


def parse(text: str) -> tuple[CocoSummary, ...]:
    """Return the summaries in *text*, in order.

    Raises:
        InputError: there are none.
    """
    text, problems = ended(text)
    summaries: list[dict[str, float]] = []
    for kind, iou, area, most, value in LINE.findall(text):
        key, number = f"A{kind[0]} {iou} {area} {most}", real(value)
        if number is None or not -1 <= number <= 1:
            continue
        if not summaries or key in summaries[-1] or (kind, iou, area) == FIRST:
            summaries.append({})
        summaries[-1][key] = number
    if not summaries:
        raise InputError(
            "found no numbers of pycocotools: expected `Average Precision (AP) @[ IoU=0.50:0.95 ...] = ...`"
        )
    return tuple(CocoSummary(numbers, _problems(numbers, problems)) for numbers in summaries)


def _problems(numbers: Mapping[str, float], of_all: tuple[str, ...]) -> tuple[str, ...]:
    if len(numbers) == COUNT:
        return ()
    return (f"{len(numbers)} of the {COUNT} numbers are there: truncated", *of_all)


PLUGIN = Format(
    title="pycocotools' summary",
    recognize=lambda text: bool(LINE.search(text)),
    parse=parse,
)
