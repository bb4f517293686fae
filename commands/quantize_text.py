"""What `detlite quantize` says of what it did, for people to read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from detlite.commands.console import emit_table, notice

Record = dict[str, Any]

FEWEST_IMAGES = 8  # single ones of COCO have a fidelity of 93.7 to 97.3, eight of 96.0 to 97.3


def say_model(out: Path, request: Record, answer: Record) -> None:
    """Say what is in the artifact *out*, and what it took."""
    size, count = Path(answer["model"]).stat().st_size, len(request["images"])
    _say_scored(answer)
    if 0 < count < FEWEST_IMAGES:
        notice(f"calibrated with {count}: fewer than {FEWEST_IMAGES} images leave the ranges to chance")
    if mixed := answer.get("mixed"):
        names = [name.split(";")[0] for name in mixed["float_operators"]]
        click.echo(f"left float: {', '.join(names) or 'nothing; int8 alone is good enough'}")
        if names:
            _say_costs(mixed)
    if explanation := answer.get("explanation"):
        click.echo(f"fidelity {explanation['fidelity']:.2f} %. {explanation['verdict']} See {out}/explanation.html.")
    images = f", {count} calibration images" if count else ""
    click.echo(f"{out}: {request['recipe']['scheme']}{images}, {size / 1e6:.2f} MB")


def _say_scored(answer: Record) -> None:
    if "scored_images" in answer and not answer["scored_images_are_others"]:
        notice("scored on the images of the calibration: there are too few others")


def _say_costs(mixed: Record) -> None:
    rows = [
        (
            ", ".join(name.split(";")[0] for name in one["operators"]),
            f"{one['latency_ms']:+.2f}",
            f"{one['edgetpu_partitions']:+d}",
            f"{one['edgetpu_unmapped']:+d}",
        )
        for one in mixed["left"]
    ]
    emit_table(("left float, each on top of those before", "latency here, ms", "Edge TPU partitions", "unmapped"), rows)
    int8, left = (mixed["edgetpu"][name] for name in ("int8", "mixed"))
    click.echo(
        f"latency here: {mixed['mixed_latency_ms']:.2f} ms, {mixed['int8_latency_ms']:.2f} ms in int8 alone; on an "
        f"Edge TPU, predicted: {left['partitions']} partitions and {left['unmapped']} operators left to the CPU, "
        f"{int8['partitions']} and {int8['unmapped']} in int8 alone"
    )


def say_findings(lint: Mapping[str, list[Record]]) -> None:
    """Say what the checks of the images found."""
    for name, findings in lint.items():
        for finding in findings:
            notice(f"{name}: {finding['text']}; {finding['advice']}")
    if lint and not count_findings(lint):
        notice(f"{len(lint)} checks of the images found nothing")


def count_findings(lint: Mapping[str, list[Record]]) -> int:
    """Return how many findings there are."""
    return sum(map(len, lint.values()))


def say_curve(answer: Record) -> None:
    """Say how fidelity goes with the number of images, and the verdict."""
    _say_scored(answer)
    rows = [(point["images"], f"{point['fidelity']:.2f}", _interval(point["interval"])) for point in answer["points"]]
    emit_table(("images", "fidelity %", "95 % interval"), rows)
    click.echo(f"On {answer['scored_images']} images: {answer['verdict']}.")


def _interval(interval: Record) -> str:
    return f"{interval['low']:.2f} to {interval['high']:.2f}"
