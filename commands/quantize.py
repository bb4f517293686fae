"""`detlite quantize`: turn a trained detector into an int8 TFLite model, or one in another number format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from detlite.accuracy.gates import FEWEST_IMAGES
from detlite.accuracy.images import Images
from detlite.calibration.images.gather import CHOOSE, ImageRequest
from detlite.calibration.numbers.box_codes import AUTO as AUTO_CODES
from detlite.calibration.numbers.box_codes import BOX_CODES
from detlite.calibration.numbers.scheme import (
    DEFAULT_SCHEME,
    check_packing,
    io_of,
    scheme_called,
)
from detlite.calibration.recipe import (
    CHECK,
    QUANTIZE,
    READ,
    WRITE,
    LintRequest,
    QuantizeRequest,
    Recipe,
)
from detlite.calibration.video.footage import takes_video
from detlite.commands.budget_options import (
    budget_options,
    choose_means,
    gates_of,
    has_budget,
    max_error_of,
    twin_options,
)
from detlite.commands.command import WorkCommand, flags_given, option_group
from detlite.commands.completion import model_or_file
from detlite.commands.console import emit_json, notice, progress
from detlite.commands.image_options import (
    are_videos,
    calibration_videos,
    image_options,
    images_given,
    refuse_unread,
    request_of,
    tell_skipped,
    validation_videos,
    wants_lint,
)
from detlite.commands.options import (
    HEADS,
    SOURCE_NAMES,
    force_option,
    json_option,
    out_option,
    source_options,
    take_detector_options,
)
from detlite.commands.quantize_text import count_findings, say_curve, say_findings, say_model
from detlite.commands.recipe_options import check_plugins, recipe_options
from detlite.convert.artifact import prepare_output
from detlite.convert.find_source import locate
from detlite.convert.finished import check_float
from detlite.runtime.artifact import CONTRACT
from detlite.runtime.child import Child, blaming_the_model, run_in_child
from detlite.runtime.contract import read_contract
from detlite.runtime.counts import counted, plural
from detlite.runtime.errors import FindingError, InputError
from detlite.runtime.progress import Progress
from detlite.runtime.records import Record, to_record
from detlite.studies.search.judged import EXPLAIN, REFERENCE, SEARCH, JudgedRequest, curve_step

GATHER_TASK = "detlite.calibration.images.child_calls:gather_images"
QUANTIZE_TASK = "detlite.calibration.child_calls:quantize_source"
JUDGED_TASK = "detlite.studies.search.child_calls:quantize_judged"
RECIPE = ("scheme", "method", "io", "heads", "estimator", "floating", "twin_channels", "max_macs", "box_codes")
PACKING = ("source", "out", "scheme", "heads", "io", "force", "as_json", *SOURCE_NAMES)
"""Options for schemes that only pack weights; the others are for calibration."""
NO_IMAGES: Record = {"images": [], "origin": "", "upright": True, "others": [], "broken": [], "skipped": []}
MOST_SCORED = FEWEST_IMAGES  # images to score trials on: a trial takes about a second
MOST_VALIDATED = 500  # of --validation: a trial takes 5 s, and the interval of fidelity is a third of a point each way
FEWEST_SCORED = 8  # images besides the calibration images; if there are fewer, those are used for scoring too


@click.command(cls=WorkCommand)
@click.argument("source", shell_complete=model_or_file)
@out_option
@option_group("Calibration images", image_options)
@option_group(
    "Quantization",
    recipe_options,
    click.option(
        "--heads",
        type=HEADS,
        help="Outputs: raw heads, or the post-processing op's detections (default: as in SOURCE).",
    ),
    click.option(
        "--box-codes",
        type=click.Choice(BOX_CODES),
        default=AUTO_CODES,
        show_default=True,
        help="Codes of int8 boxes: rescaled to the range of each column, with anchors and scales to match (auto: where "
        "the model has its post-processing op, which holds them).",
    ),
    click.option(
        "--ranges", type=click.Path(path_type=Path), help="File with ranges to use (default: ranges from the images)."
    ),
)
@twin_options
@option_group(
    "Mixed precision and explanation",
    *budget_options,
    click.option(
        "--validation",
        type=click.Path(path_type=Path),
        metavar="IMAGES",
        help="Images to judge on, as --images (default: those left over, then calibration images, up to 100); for a "
        "model of clips a folder of videos (default: the calibration clips).",
    ),
    click.option(
        "--explain",
        is_flag=True,
        help="Report the loss of each operator, on a page in the output folder (two stages: of each stage).",
    ),
    click.option(
        "--curve",
        metavar="N,N,...",
        help="Report error and fidelity for these numbers of images, or clips, instead of writing a model.",
    ),
)
@source_options
@force_option
@json_option
def command(source: str, out: Path, as_json: bool, **values: Any) -> None:
    """Quantize the trained model SOURCE, calibrated with images like those that it will see.

    \b
    detlite quantize ssd_mobilenet_v2_coco_2018_03_29.tar.gz -o out/int8 --images photos/
    detlite quantize out/float -o out/fine --coco train2017/ instances_train2017.json --twin-channels auto
    detlite quantize out/float -o out/int8 --images photos/ --min-fidelity 97 --explain
    detlite quantize out/movinet -o out/int8 --videos clips/

    SOURCE is a file, a folder, a zoo archive, a zoo name, or a float32 artifact that `detlite convert` wrote.
    The schemes float16 and dynamic take no images; int8-float-bias is for TensorRT on a Jetson.
    """
    prepare_output(out, force=values["force"])
    check_plugins(values)
    choose_means(values)
    max_error_of(values)  # refused before any work
    counts = _counts(values["curve"])
    _check_scheme(values)
    _check_together(values)
    task = _task(values)
    images = _images(values, counts, task)
    path = locate(source, notice=notice)
    check_float(path)
    videos = _videos(images, task, path)
    with blaming_the_model(), progress(_steps(values, counts, task, videos)) as report, Child(task) as child:
        gathered = NO_IMAGES if images is None or videos else _gathered(images, report)
        if videos is None:
            _check_enough(counts, len(gathered["images"]))
        request = replace(_request(path, out, values, gathered), videos=videos)
        if task != QUANTIZE_TASK:
            request = _judged(request, values, gathered, counts)
        answer = child.answer(to_record(request), progress=report)
    if gathered["skipped"]:
        tell_skipped(values["images"], tuple(map(Path, gathered["skipped"])))
    if as_json:
        emit_json("quantization_curve" if counts else "quantize", answer)
    else:
        say_findings(answer.get("lint", {}))
    if answer.get("lint_failed"):
        raise FindingError(f"--fail-on-lint: {counted(count_findings(answer['lint']), 'finding')}; nothing was written")
    if counts and not as_json:
        say_curve(answer, "image" if videos is None else "clip")
    elif not as_json:
        say_model(out, request, answer)
    calibrated = {} if counts else answer["history"][-1]
    refuse_unread([*calibrated.get("unread_videos", ()), *answer.get("unread_videos", ())])


def _check_scheme(values: Record) -> None:
    """Check that the scheme exists and can use all the given options."""
    io_of(values["scheme"], values["io"])
    if scheme_called(values["scheme"]).is_packing:
        others = [
            one for one in click.get_current_context().command.params if one.name in values and one.name not in PACKING
        ]
        check_packing(values["scheme"], flags_given(others))
    elif values["scheme"] != DEFAULT_SCHEME and _task(values) == JUDGED_TASK:
        raise InputError(f"budgets and --explain compare int8 with float: they need --scheme {DEFAULT_SCHEME}")


def _images(values: Record, counts: list[int], task: str) -> ImageRequest | None:
    """Return the request for images; None if the scheme takes none."""
    if scheme_called(values["scheme"]).is_packing:
        return None
    count, others = max(counts) if counts else values["count"], 0 if task == QUANTIZE_TASK else MOST_SCORED
    return request_of(values, count=count, others=others)


def _gathered(images: ImageRequest, report: Progress) -> Record:
    return run_in_child(GATHER_TASK, {**asdict(images), "paths": list(map(str, images.paths))}, progress=report)


def _videos(images: ImageRequest | None, task: str, path: Path) -> ImageRequest | None:
    """Return *images* if they are for the model's process to choose, which knows whether it takes frames or scenes."""
    if images is None or not are_videos(images):
        return None
    contract = path / CONTRACT
    is_known = contract.is_file() and takes_video(read_contract(contract))
    return images if is_known or task == QUANTIZE_TASK else None


def _task(values: Record) -> str:
    if values["curve"]:
        return "detlite.studies.search.child_calls:measure_curve"
    if values["explain"] or has_budget(values):
        return JUDGED_TASK
    return QUANTIZE_TASK


def _steps(values: Record, counts: list[int], task: str, videos: ImageRequest | None) -> tuple[str, ...]:
    """Return what the command will do, in order."""
    if scheme_called(values["scheme"]).is_packing:
        return (READ, QUANTIZE, WRITE)
    if videos is not None:
        explain = (EXPLAIN,) if values["explain"] else ()
        searching = (REFERENCE, SEARCH) if has_budget(values) else ()
        if counts:
            return (READ, CHOOSE, REFERENCE, *(curve_step(count, "clip") for count in counts))
        return (READ, CHOOSE, *((CHECK,) if wants_lint(values) else ()), *searching, QUANTIZE, *explain, WRITE)
    if counts:
        return (CHOOSE, READ, REFERENCE, *(curve_step(count, "image") for count in counts))
    checks = (CHECK,) if wants_lint(values) else ()
    if task == QUANTIZE_TASK:
        return (CHOOSE, READ, *checks, QUANTIZE, WRITE)
    search = (SEARCH,) if has_budget(values) else ()
    explain = (EXPLAIN,) if values["explain"] else ()
    return (CHOOSE, READ, *checks, REFERENCE, *search, QUANTIZE, *explain, WRITE)


def _check_together(values: Record) -> None:
    if values["max_map_drop"] is not None and values["coco"] is None:
        raise InputError("--max-map-drop needs labels: give the images with --coco IMAGES ANNOTATIONS")
    _check_curve(values)
    if values["validation"] is not None and _task(values) == QUANTIZE_TASK:
        raise InputError("--validation needs a budget, --explain or --curve, which judge on it")
    if values["lint_against"] is not None and not values["lint_against"].exists():
        raise InputError(f"--lint-against {values['lint_against']}: no such folder or list")


def _check_curve(values: Record) -> None:
    """Raise `InputError` where an option that only a written model can use is given with --curve."""
    given = {
        "--lint": wants_lint(values),
        "--explain": values["explain"],
        "--min-fidelity": values["min_fidelity"] is not None,
        "--max-map-drop": values["max_map_drop"] is not None,
        "--max-error": bool(values["max_error"]),
        "--ranges": values["ranges"] is not None,
    }
    for option in (option for option, is_given in given.items() if is_given and values["curve"] is not None):
        raise InputError(f"--curve and {option} cannot be combined: use {option} when you write the model")


def _check_enough(counts: list[int], available: int) -> None:
    if counts and counts[-1] > available:
        raise InputError(
            f"--curve needs {counted(counts[-1], 'image')}, but there are {available}: ask for fewer, or give more "
            "images"
        )


def _request(source: Path, out: Path, values: Record, gathered: Record) -> QuantizeRequest:
    lint_against = values["lint_against"] and values["lint_against"].absolute()
    lint = LintRequest(lint_against, tuple(gathered["broken"]), values["fail_on_lint"])
    return QuantizeRequest(
        source=source.absolute(),
        out=out.absolute(),
        force=values["force"],
        options=take_detector_options(values),
        images=tuple(map(Path, gathered["images"])),
        images_origin=gathered["origin"],
        images_upright=gathered["upright"],
        recipe=Recipe(**{name: values[name] for name in RECIPE}),
        ranges=values["ranges"] and values["ranges"].absolute(),
        lint=lint if wants_lint(values) else None,
    )


def _judged(request: QuantizeRequest, values: Record, gathered: Record, counts: list[int]) -> JudgedRequest:
    held_out = _held_out(request, values, gathered, has_gates=has_budget(values))
    folder_and_labels = values["coco"]
    return JudgedRequest(
        **vars(request),
        held_out=held_out,
        held_out_are_others=bool(held_out) and not set(held_out) & set(request.images),
        annotations=folder_and_labels and (folder_and_labels[0].absolute(), folder_and_labels[1].absolute()),
        gates=gates_of(values),
        max_error=max_error_of(values),
        explain=values["explain"],
        counts=tuple(counts),
    )


def _held_out(request: QuantizeRequest, values: Record, gathered: Record, *, has_gates: bool) -> tuple[Path, ...]:
    """Return the images to judge on: a budget needs `FEWEST_IMAGES`, and calibration images serve where others lack."""
    others = tuple(map(Path, gathered["others"]))
    if request.videos is not None:
        path = values["validation"]
        return () if path is None else _others(path, validation_videos(path), calibration_videos(request.videos))
    if values["validation"] is not None:
        others = _validation(values["validation"], request.images, values["seed"])
    if has_gates:
        return (*others, *request.images[: max(0, FEWEST_IMAGES - len(others))])
    return others if len(others) >= FEWEST_SCORED else request.images[:MOST_SCORED]


def _validation(path: Path, calibration: tuple[Path, ...], seed: int) -> tuple[Path, ...]:
    """Return the images at *path* that are no calibration images, at most `MOST_VALIDATED`, chosen with *seed*."""
    given = images_given(path)
    rest = _others(path, given.paths, calibration, "image")
    return Images(rest, given.origin).choose(MOST_VALIDATED, seed).paths


def _others(path: Path, given: Sequence[Path], calibration: Sequence[Path], what: str = "video") -> tuple[Path, ...]:
    """Return those of the files *given* at *path* that do not calibrate; `InputError` if all of them do."""
    used = {file.resolve() for file in calibration}
    rest = tuple(file.absolute() for file in given if file.resolve() not in used)
    if not rest:
        raise InputError(f"--validation {path} has no {what} besides the calibration {plural(what)}: give others")
    if len(rest) < len(given):
        left_out = counted(len(given) - len(rest), f"validation {what} is", f"validation {plural(what)} are")
        notice(f"{left_out} left out: calibrated with")
    return rest


def _counts(text: str | None) -> list[int]:
    if text is None:
        return []
    if not re.fullmatch(r"[1-9]\d{0,5}(,[1-9]\d{0,5})*", text):
        raise InputError(f"--curve {text!r}: want numbers of images, such as 8,16,32,64")
    return sorted({int(number) for number in text.split(",")})
