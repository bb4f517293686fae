"""The text output of `detlite quantize`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from detlite.accuracy.gates import FEWEST_IMAGES, few_images
from detlite.accuracy.output_error import db_text
from detlite.calibration.recipe import QuantizeRequest
from detlite.commands.box_codes import tell_rescaled_codes
from detlite.commands.console import emit_table, notice, say
from detlite.runtime.counts import counted, plural

Record = dict[str, Any]

FEWEST_CALIBRATED = 8  # one image of COCO gives a fidelity of 93.7 to 97.3, eight give 96.0 to 97.3


def say_model(out: Path, request: QuantizeRequest, answer: Record) -> None:
    """Print what is in the artifact *out*, and how it was made."""
    size, count = Path(answer["model"]).stat().st_size, _calibrated(request, answer)
    samples = "samples" if request.videos else "images"
    _say_scored(answer, samples)
    if 0 < count < FEWEST_CALIBRATED:
        notice(f"calibrated with {count}: fewer than {FEWEST_CALIBRATED} {samples} leave the ranges to chance")
    if mixed := answer.get("mixed"):
        names = [name.split(";")[0] for name in mixed["float_operators"]]
        say(f"left float: {counted(len(names), 'operator') if names else 'nothing; int8 alone is good enough'}")
        _say_reached(mixed, answer, samples)
        if names:
            _say_costs(mixed)
    if found := answer.get("twins"):
        if not found["tensors"]:
            say("twin channels: none; plain int8 is good enough")
        _say_reached(found, answer, samples)
    _say_explained(out, answer)
    images = f", {count} calibration {samples}" if count else ""
    say(f"{out}: {request.recipe.scheme}{images}, {size / 1e6:.2f} MB")
    for step in answer["history"]:
        if twins := step.get("twin_channels"):
            say(_twins(twins, step))
        if step.get("box_codes"):
            say(f"box codes: {step['box_codes']} for int8; anchors and box coder in {out}/contract.json fit them")
            tell_rescaled_codes(out)
    _say_errors(answer, samples)


def _say_explained(out: Path, answer: Record) -> None:
    """Print the verdict of --explain."""
    if growth := answer.get("growth"):
        say(f"{growth['verdict']} See {out}/explanation.html.")
    if explanation := answer.get("explanation"):
        say(f"fidelity {explanation['fidelity']:.2f} %. {explanation['verdict']} See {out}/explanation.html.")
    if stages := answer.get("stages"):
        _say_stages(stages)


def _say_errors(answer: Record, samples: str) -> None:
    """Print how far the raw outputs, or the regions, are from the float model's, on images or other *samples*."""
    if error := answer.get("error"):
        say(f"error of the raw outputs: {_errors(error)}, on {_images_of(answer, samples)}")
    if by_frame := answer.get("error_by_frame"):
        marks = ", ".join(f"{db_text(one['db'])} at frame {one['frame']}" for one in by_frame)
        say(f"since a stream's begin: {marks}")
    if region := answer.get("region_error"):
        say(f"regions: {_same_regions(region)}, on a few calibration images")


def _same_regions(region: Record) -> str:
    """Return how many of the float model's regions there are, and the error of these."""
    if not region["regions"]:
        return "the float model has none"
    rms = ", ".join(f"{head} {value:.3g} rms" for head, value in region["rms"].items())
    share = f"{100 * region['matched']:.1f} % of {region['regions']} are the float model's"
    return f"{share}, and of these {rms}" if rms else share


def _say_stages(stages: Record) -> None:
    """Print what each stage of a two-stage detector costs."""
    models = [("int8", "", stages), *((f"{one['stage']} float", one["operators"], one) for one in stages["stages"])]
    heads = list(dict.fromkeys(head for _name, _count, one in models for head in one["error"]["rms"]))
    rows = [(name, count, f"{one['fidelity']:.2f}", *_regions(one["error"], heads)) for name, count, one in models]
    titles = (*(f"{head}, rms error" for head in heads), "correlation of logits")
    emit_table(("model", "operators", "fidelity %", "same regions %", *titles), rows)
    say(stages["verdict"])


def _regions(error: Record, heads: Sequence[str]) -> tuple[str, ...]:
    """Return the cells of a region error, with a column for each of *heads*; no regions have no numbers."""
    rms = (f"{error['rms'][head]:.3g}" if head in error["rms"] else "-" for head in heads)
    return (f"{100 * error['matched']:.1f}", *rms, f"{error['correlation']:.4f}" if error["rms"] else "-")


def _calibrated(request: QuantizeRequest, answer: Record) -> int:
    """Return the number of calibration images, or of samples of the videos."""
    if request.videos is None:
        return len(request.images)
    return int(next(step["image_count"] for step in reversed(answer["history"]) if step["step"] == "quantize"))


def _twins(twins: str | list[str], step: Record) -> str:
    if isinstance(twins, str):
        return f"twin channels: {twins}"
    return f"twin channels: {counted(len(twins), 'tensor')}, {step['macs_ratio']:.2f} times the multiply-adds"


def _errors(error: Record) -> str:
    """Return the error of each output: `boxes 0.0734 rms (24.1 dB)`."""
    heads = [(name, one) for name, one in error.items() if name != "images"]
    return ", ".join(f"{name} {one['rms']:.3g} rms ({db_text(one['db'])})" for name, one in heads)


def _images_of(answer: Record, samples: str) -> str:
    count = answer["error"]["images"]
    if "error_by_frame" in answer:
        return f"{counted(count, 'frame')} of the longest scenes"
    used = answer.get("scored_calibration_images", count)
    if 0 < used < count:
        return f"{counted(count, samples[:-1])}, {used} of them calibration {samples}"
    return f"{count} {'calibration' if used else 'other'} {samples}"


def _say_scored(answer: Record, samples: str) -> None:
    if used := answer.get("scored_calibration_images"):
        notice(
            f"judged on {counted(answer['scored_images'], samples[:-1])}, {used} of them calibration {samples}: others "
            "are too few"
        )
    for text in few_images(answer.get("scored_images", FEWEST_IMAGES), samples[:-1]):
        notice(text)


def _say_reached(found: Record, answer: Record, samples: str) -> None:
    for one in found["reached"]:
        digits = 2 if one["high"] >= 1 else 4
        value, low, high = (f"{one[end]:.{digits}f}" for end in ("value", "low", "high"))
        where = f"on {counted(answer['scored_images'], samples[:-1])}"
        say(f"{one['figure']} {value} [{low}, {high}] {where}: {one['promised']} is promised")


def _say_costs(mixed: Record) -> None:
    rows = [
        (
            ", ".join(name.split(";")[0] for name in one["operators"]),
            _gain(one["gain_db"]),
            f"{one['latency_ms']:+.2f} [{one['latency_low_ms']:+.2f}, {one['latency_high_ms']:+.2f}]",
            f"{one['edgetpu_partitions']:+d}",
            f"{one['edgetpu_unmapped']:+d}",
        )
        for one in mixed["left"]
    ]
    columns = ("less error, dB", "latency here, ms", "Edge TPU partitions", "unmapped")
    emit_table(("left float, each with those above", *columns), rows)
    if gain := mixed["gain_db"]:
        say(f"together, dB less error on the judged images: {_gain(gain)}")
    int8, left = (mixed["edgetpu"][name] for name in ("int8", "mixed"))
    say(
        f"latency here: {mixed['mixed_latency_ms']:.2f} ms, {mixed['int8_latency_ms']:.2f} ms in int8 alone; on an "
        f"Edge TPU, predicted: {counted(left['partitions'], 'partition')} and {counted(left['unmapped'], 'operator')} "
        f"left to the CPU, {int8['partitions']} and {int8['unmapped']} in int8 alone"
    )


def _gain(gain: Record | None) -> str:
    return "" if gain is None else f"{gain['value']:+.2f} [{gain['low']:+.2f}, {gain['high']:+.2f}]"


def say_findings(lint: Mapping[str, list[Record]]) -> None:
    """Print the findings of the image checks."""
    for name, findings in lint.items():
        for finding in findings:
            notice(f"{name}: {finding['text']}; {finding['advice']}")
    if lint and not count_findings(lint):
        notice(f"{len(lint)} image checks found nothing")


def count_findings(lint: Mapping[str, list[Record]]) -> int:
    """Return the number of findings."""
    return sum(map(len, lint.values()))


def say_curve(answer: Record, sample: str) -> None:
    """Print fidelity by number of images, or of another *sample*, and the verdict."""
    samples = plural(sample)
    _say_scored(answer, samples)
    heads = [name for name in answer["points"][0]["error"] or () if name != "images"]
    rows = [
        (
            point["images"],
            *(f"{point['error'][name]['rms']:.3g}" for name in heads),
            f"{point['fidelity']:.2f}",
            _interval(point["interval"]),
            point["choices"],
        )
        for point in answer["points"]
    ]
    errors = [f"{name}, rms error" for name in heads]
    emit_table((samples, *errors, "fidelity %", "95 % interval", "choices averaged"), rows)
    say(f"On {counted(answer['scored_images'], sample)}: {answer['verdict']}.")


def _interval(interval: Record) -> str:
    return f"{interval['low']:.2f} to {interval['high']:.2f}"
