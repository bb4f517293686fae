"""`detlite detect`: run a model on images and videos, on this machine."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from detlite.accuracy.coco_file import CocoIds, coco_ids, coco_rows
from detlite.commands.banks import bank_option, banked
from detlite.commands.command import WorkCommand, option_group
from detlite.commands.console import emit_json_in_parts, notice, progress, say
from detlite.commands.image_options import tell_skipped
from detlite.commands.options import FiniteRange, json_option
from detlite.convert.artifact import open_artifact
from detlite.convert.files.write_file import check_writable, write_file
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import FindingError, InputError
from detlite.runtime.task import RANKED, RANKING, Found, task_kind
from detlite.runtime.tasks.detection import Detection
from detlite.runtime.tasks.instances import Instances
from detlite.runtime.tasks.keypoints import Keypoints
from detlite.studies.detect.detect import DEFAULT_THRESHOLD, detect_in
from detlite.studies.detect.inputs import Input, inputs_in, skipped_in, with_pictures
from detlite.studies.detect.request import VideoOptions
from detlite.studies.detect.results import DetectRun, ImageResult, VideoResult

_PATH = click.Path(path_type=Path)


@click.command(cls=WorkCommand)
@click.argument("model", type=_PATH)
@click.argument("images", nargs=-1, required=True, type=_PATH)
@click.option(
    "--score-threshold",
    "threshold",
    type=FiniteRange(0, 1),
    default=DEFAULT_THRESHOLD,
    show_default=True,
    help="Minimum score of a detection that is listed and drawn; of a ranking, the best five are shown.",
)
@click.option(
    "--draw", type=_PATH, metavar="OUT", help="Folder for pictures with the results drawn in; for one image, a file."
)
@option_group(
    "COCO results",
    click.option(
        "--coco-json",
        type=_PATH,
        metavar="FILE",
        help="Results file in COCO's format to write, with all detections whatever their scores.",
    ),
    click.option(
        "--coco-annotations",
        type=_PATH,
        metavar="FILE",
        help="COCO annotations with the ids of images and categories (default: file names, COCO's categories).",
    ),
)
@option_group(
    "Videos",
    click.option(
        "--fps",
        type=FiniteRange(0.01, 1000),
        help="Frames a second to take from a video, by their time stamps (default: each frame once).",
    ),
    click.option("--scenes", is_flag=True, help="Begin a stream anew where a new scene begins."),
)
@click.option(
    "--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="Number of interpreter threads."
)
@bank_option
@click.option("--force", is_flag=True, help="Replace existing files.")
@json_option
def command(model: Path, images: tuple[Path, ...], as_json: bool, **values: Any) -> None:
    """Detect with MODEL in IMAGES: image files, folders, lists (.txt) and videos.

    \b
    detlite detect out/int8 photo.jpg --draw found.jpg
    detlite detect out/int8 photos/ --draw drawn/ --score-threshold 0.5
    detlite detect out/movinet clip.mp4 --fps 5 --draw answers.mp4 --json
    detlite detect out/int8 val2017/ --coco-json found.json --coco-annotations instances_val2017.json

    MODEL is a folder that detlite wrote, an .onnx that it exported, or a finished .tflite: a detector with its
    post-processing op, a classifier, a segmenter or a stream. Videos need the extra `video`.
    A model with states answers at each frame, one that takes clips after each window of frames.
    Images are turned upright by their EXIF orientation; with --coco-json they are read as stored, as COCO's boxes are.
    The exit status is 1 if some of the images could not be read.
    """
    artifact = banked(open_artifact(model), values["bank"])
    inputs = inputs_in(images, upright=values["coco_json"] is None)  # COCO's boxes are for the stored pixels
    ids = _coco_ids(values, artifact.contract, inputs)
    for folder, skipped in skipped_in(images):
        tell_skipped(folder, skipped)
    if values["draw"] is not None:
        inputs = with_pictures(inputs, values["draw"], force=values["force"])
    with progress() as report:
        options: dict[str, Any] = {"threads": values["threads"], "threshold": values["threshold"]}
        options["video"] = VideoOptions(values["fps"], values["scenes"])
        run = detect_in(artifact, inputs, **options, masks=ids is not None, progress=report)
    if ids is not None:
        _write_coco(values["coco_json"], run, ids)
    if as_json:
        emit_json_in_parts("detections", run.streamed_record(values["threshold"]))
    else:
        _show(run, values["threshold"], values["draw"])
    for one in run.unread:
        notice(f"not read: {one.error}")
    if run.unread:
        raise FindingError(
            f"{len(run.unread)} of {counted(len(inputs), 'input')} could not be read; the others are done"
        )


def _coco_ids(values: dict[str, Any], contract: Contract, inputs: Sequence[Input]) -> CocoIds | None:
    """Return the ids for the results file, checked before any work; None if no file is requested."""
    out, annotations = values["coco_json"], values["coco_annotations"]
    if out is None:
        if annotations is not None:
            raise InputError("--coco-annotations needs --coco-json FILE")
        return None
    if not isinstance(contract.task, (Detection, Instances, Keypoints)):
        title = task_kind(contract.task.kind).title
        raise InputError(f"COCO results hold boxes, and the model is {title}: drop --coco-json")
    if out.exists() and not values["force"]:
        raise InputError(f"{out} already exists; choose another file, or pass --force to replace it")
    check_writable(out)
    ids = coco_ids(contract.labels, annotations)
    for one in inputs:
        if one.is_video:
            raise InputError(f"{one.path} is a video, but COCO results describe images: leave it out")
        ids.image_id(one.path)
    return ids


def _write_coco(out: Path, run: DetectRun, ids: CocoIds) -> None:
    rows = []
    for one in run.images:
        masks = [mask.to_record() for mask in one.masks]
        rows += coco_rows(ids.image_id(Path(one.image)), (one.height, one.width), one.found, ids, masks)
    write_file(out, (json.dumps(rows, allow_nan=False) + "\n").encode())
    notice(f"{counted(len(rows), 'detection')} written to {out}; category ids: {ids.origin}")


def _show(run: DetectRun, threshold: float, draw: Path | None) -> None:
    stills = count = 0
    kinds = set()
    seen: dict[str, Counter[str]] = {video.video: Counter() for video in run.videos}
    of_rankings = {video.video for video in run.videos if video.ranking}
    for one in run.images:
        shown = one.shown(threshold)
        count += len(shown)
        kinds.add(one.kind)
        if one.frame is None:
            stills += 1
            for line in _lines(one, shown):
                say(line)
        else:
            counting = shown[:1] if one.image in of_rankings else shown
            seen[one.image].update({item.label for item in counting})
    for video in run.videos:
        for line in _video_lines(video, seen[video.video]):
            say(line)
    frames = f" and {counted(sum(one.frames for one in run.videos), 'frame')}" if run.videos else ""
    where = "" if draw is None else f", drawn to {draw}"
    if not stills and len(of_rankings) == len(run.videos):
        say(f"{run.model}: {counted(len(run.images), 'answer')}{frames.replace(' and', ' in')}{where}")
        return
    what = "the best classes of" if RANKING in kinds else f"{count} with a score of {threshold:g} or more in"
    say(f"{run.model}: {what} {counted(stills, 'image')}{frames}{where}")


def _lines(one: ImageResult, shown: Sequence[Found]) -> Iterator[str]:
    yield f"{one.image}: {len(shown)} found"
    for item in shown:
        yield f"  {item.score:.3f}  {_place(item)}{item.label}"


def _place(item: Found) -> str:
    return "" if item.box is None else " ".join(f"{side:.3f}" for side in item.box) + "  "


def _video_lines(video: VideoResult, seen: Counter[str]) -> Iterator[str]:
    """Yield the lines for a video: each class with the number of answers that have it, and what is said at the end.

    Of a ranking the best class counts, of anything else all that is found.
    """
    classes = ", ".join(f"{label} in {count}" for label, count in seen.most_common())
    windows = "" if video.answers == video.frames else f" in {counted(video.answers, 'window')}"
    yield f"{video.video}: {counted(video.frames, 'frame')}{windows}; {classes or 'nothing found'}"
    for item in video.ranking[:RANKED]:
        yield f"  {item.score:.3f}  {item.label}, at the end"
