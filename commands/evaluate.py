"""`detlite evaluate`: accuracy on labelled images, fidelity to another model, and gates on both."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from detlite.accuracy.client_resize import CLIENT_RESIZES
from detlite.accuracy.dataset import DatasetFiles
from detlite.accuracy.evaluation import (
    RUN,
    RUN_REFERENCE,
    SCORE,
    Evaluation,
    EvaluationOptions,
    Scoring,
    evaluate_agreement,
    evaluate_by_labels,
    require_trained,
)
from detlite.accuracy.gates import GATES, check_gates, refuse_missed
from detlite.accuracy.hosts import InferenceHost, ThisMachine
from detlite.accuracy.images import Images
from detlite.accuracy.mlperf_log import LoadGenResults
from detlite.accuracy.recorded import Recorded, save_results
from detlite.accuracy.resized import ResizedAs
from detlite.accuracy.results import Accuracy, Agreement
from detlite.accuracy.video import folder_videos
from detlite.accuracy.views import MOST_CLIPS, WHOLE, Views
from detlite.commands.banks import bank_option, banked
from detlite.commands.cluster_options import cluster_of, cluster_options
from detlite.commands.command import WorkCommand, option_group
from detlite.commands.console import emit_json, progress
from detlite.commands.device_options import device_option, devices_asked_for
from detlite.commands.evaluate_text import show_result
from detlite.commands.ground_truth import ground_truth_options, label_options, labels_given
from detlite.commands.image_options import images_given, refuse_unread
from detlite.commands.options import RATIO, FiniteRange, json_option
from detlite.convert.artifact import open_artifact
from detlite.convert.files.write_file import prepare_new_file
from detlite.devices.remote.detect import RemoteDetector
from detlite.runtime.artifact import Artifact
from detlite.runtime.bank_file import bank_of, with_bank
from detlite.runtime.errors import InputError
from detlite.runtime.measure.loadgen_log import ACCURACY
from detlite.runtime.measure.run_folder import DETECTIONS
from detlite.runtime.progress import Progress
from detlite.studies.compare.record import write_record
from detlite.studies.sweep.sharded import sharded

Record = dict[str, Any]


@click.command(cls=WorkCommand)
@click.argument("artifact", type=click.Path(path_type=Path))
@option_group(
    "Images",
    ground_truth_options,
    click.option("--limit", type=click.IntRange(1), help="Use only the first images, this many (default: all)."),
)
@option_group(
    "Videos",
    click.option(
        "--clips",
        type=click.IntRange(1, MOST_CLIPS),
        default=1,
        show_default=True,
        help="Clips along the time of each video; their scores are averaged.",
    ),
    click.option(
        "--crops",
        type=click.Choice(["1", "3"]),
        default="1",
        show_default=True,
        help="Crops of each clip: in the middle, or three along the longer side.",
    ),
    click.option(
        "--clip-frames",
        type=click.IntRange(1, 10_000),
        help="Frames of a clip for a stream (default: the whole video).",
    ),
    click.option(
        "--clip-stride",
        type=click.IntRange(1, 10_000),
        help="Frames of the video from one of a clip to the next (default: as the contract says).",
    ),
)
@option_group(
    "Where and how the model runs",
    bank_option,
    click.option(
        "--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="Number of interpreter threads."
    ),
    click.option(
        "--resize-as",
        type=click.Choice(list(CLIENT_RESIZES)),
        help="Resize the images like this client library (default: as the contract says).",
    ),
    click.option(
        "--detections",
        type=click.Path(path_type=Path),
        metavar="RUN",
        help="Score the detections saved in RUN instead of running the model.",
    ),
    device_option,
)
@cluster_options
@option_group(
    "Comparison and gates",
    click.option("--against", type=click.Path(path_type=Path), help="Model to compare with, such as the float model."),
    click.option(
        "--bootstrap",
        type=click.IntRange(0, 10_000),
        default=0,
        show_default=True,
        help="Number of bootstrap draws for a confidence interval; 0 for no interval.",
    ),
    click.option("--min-map", type=FiniteRange(0, 100), help="Minimum mAP in percent to pass."),
    click.option(
        "--min-map-ratio",
        type=RATIO,
        help="Minimum ratio to the mAP of --against to pass, such as 0.99 or 99%.",
    ),
    click.option("--min-top1", type=FiniteRange(0, 100), help="Minimum top-1 accuracy in percent to pass."),
    click.option("--min-miou", type=FiniteRange(0, 100), help="Minimum mean IoU in percent to pass."),
    click.option("--min-fidelity", type=FiniteRange(0, 100), help="Minimum fidelity to --against in percent to pass."),
)
@click.option("--per-class", is_flag=True, help="Show the score of each class.")
@click.option(
    "-o", "--output", "out", type=click.Path(path_type=Path), help="File to write the record to, for `detlite compare`."
)
@click.option(
    "--save-detections",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File to write the results to, as lines of JSON that --detections reads.",
)
@json_option
def command(artifact: Path, as_json: bool, per_class: bool, **values: Any) -> None:
    """Score ARTIFACT: a folder that detlite wrote, an .onnx that it exported, or a finished .tflite.

    \b
    detlite evaluate out/int8 --coco val2017/ instances_val2017.json --against out/float --min-map-ratio 0.99
    detlite evaluate out/int8 --images photos/ --against out/float --min-fidelity 90
    detlite evaluate out/classifier --images photos/ --classes labels.txt --min-top1 70
    detlite evaluate out/movinet --videos clips/ --kinetics validate.csv --clips 10 --crops 3

    A finished .tflite is a detector with its post-processing op, a classifier, a segmenter or a stream. The default
    metric is the usual one for the labels and the model's task; --metric names another.
    """
    labels = labels_given(values)
    _check_use(labels, values)
    for path in (values["out"], values["save_detections"]):
        if path is not None:
            prepare_new_file(path)
    steps = (RUN, SCORE) if values["against"] is None else (RUN, RUN_REFERENCE, SCORE)
    begin = time.perf_counter()
    with _options(values) as options, options.host.ready(), progress(steps) as report:
        opened = banked(require_trained(open_artifact(artifact)), values["bank"])
        against = _reference(values["against"], values["bank"]) if values["against"] else None
        found = _evaluate((opened, against), labels, values, options, report)
    if values["save_detections"] is not None:
        save_results(values["save_detections"], opened, found.paths, found.found)
    gates = check_gates({name: values[name] for name in GATES}, found.result.gated_numbers())
    result = replace(found.result, gates=gates, wall_s=time.perf_counter() - begin)
    record = result.to_record()
    if values["out"] is not None:
        write_record(values["out"], "accuracy", record)
    if as_json:
        emit_json("accuracy", record)
    else:
        show_result(artifact, result, values["against"], per_class=per_class)
    refuse_missed(gates, str(artifact))
    refuse_unread(record["protocol"].get("unread_videos", ()))


def _reference(path: Path, bank: Path | None) -> Artifact:
    """Return the model at *path*, with the *bank* that the first one reads if it reads one, too."""
    found = require_trained(open_artifact(path))
    return found if bank_of(found.contract) is None else with_bank(found, bank)


def _check_use(labels: DatasetFiles | None, values: Record) -> None:
    unlabelled = [name for name in ("images", "videos") if values[name] is not None] if labels is None else []
    if unlabelled and values["against"] is None:
        raise InputError(
            f"--{unlabelled[0]} without labels measures fidelity to another model: name that with --against ARTIFACT"
        )
    if labels is None and len(unlabelled) != 1:
        raise InputError(
            f"give labels with {label_options()} for a score, or --images FOLDER --against ARTIFACT for fidelity; for "
            "models of video, --videos FOLDER --against ARTIFACT"
        )
    _check_videos(labels, values)
    if values["against"] is None and (values["min_map_ratio"] is not None or values["min_fidelity"] is not None):
        raise InputError("--min-map-ratio and --min-fidelity compare with another model: give --against ARTIFACT")
    for gate in ("min_map", "min_map_ratio", "min_top1", "min_miou"):
        if labels is None and values[gate] is not None:
            raise InputError(f"--{gate.replace('_', '-')} needs labels: give {label_options()}")


def _check_videos(labels: DatasetFiles | None, values: Record) -> None:
    """Raise `InputError` if videos are to be run elsewhere, or options for them are given without any."""
    if values["videos"] is not None or (labels is not None and labels.name == "video_folders"):
        for name in ("device", "resize_as", "workers", "scheduler"):
            if values[name]:
                raise InputError(f"videos are decoded on this machine: leave out --{name.replace('_', '-')}")
    elif _views(values) != WHOLE:
        raise InputError("--clips, --crops, --clip-frames and --clip-stride cut videos: give --videos FOLDER")


def _views(values: Record) -> Views:
    return Views(values["clips"], int(values["crops"]), values["clip_frames"], values["clip_stride"])


@contextmanager
def _options(values: Record) -> Iterator[EvaluationOptions]:
    """Give the options; both models run on the cluster where one is asked for."""
    cluster = cluster_of(values)
    threads, draws = values["threads"], values["bootstrap"]
    if cluster.workers is None and cluster.scheduler is None:
        beside = ThisMachine(_views(values))
        yield EvaluationOptions(threads, draws, _host(values), beside, resize_as=values["resize_as"])
        return
    for name in ("device", "detections", "bank", "resize_as"):
        if values[name]:
            raise InputError(f"--{name.replace('_', '-')} cannot be combined with --workers or --scheduler")
    with sharded(cluster) as host:
        yield EvaluationOptions(threads, draws, host, host)


def _host(values: Record) -> InferenceHost:
    """Return where the model runs, with the requested resizing, or the results of an earlier run."""
    chosen = devices_asked_for([values["device"]] if values["device"] else [], values["inventory"])
    if values["bank"] is not None and values["detections"] is not None:
        raise InputError("--bank is for a model that is run: leave out --detections")
    if values["detections"] is not None:
        if chosen or values["resize_as"]:
            raise InputError("--detections reads results of an earlier run: leave out --device and --resize-as")
        return LoadGenResults(values["detections"]) if _is_loadgen_s(values["detections"]) else _recorded(values)
    host: InferenceHost = RemoteDetector(chosen[0]) if chosen else ThisMachine(_views(values))
    return ResizedAs(values["resize_as"], host) if values["resize_as"] else host


def _is_loadgen_s(run: Path) -> bool:
    """Return whether the folder *run* is of a program that LoadGen drove, and not of `detlite measure`."""
    return (run / ACCURACY).is_file() and not (run / DETECTIONS).is_file()


def _recorded(values: Record) -> Recorded:
    """Return the results of a run; the mAP that its preset requires is the default gate."""
    recorded = Recorded(values["detections"])
    if values["min_map"] is None and values["coco"] is not None:
        values["min_map"] = recorded.quality_map()
    return recorded


def _evaluate(
    pair_of: tuple[Artifact, Artifact | None],
    labels: DatasetFiles | None,
    values: Record,
    options: EvaluationOptions,
    report: Progress,
) -> Evaluation[Accuracy] | Evaluation[Agreement]:
    artifact, against = pair_of
    if labels is not None:
        asked = Scoring(labels, values["metric"], values["known_classes"], values["min_fidelity"] is not None)
        return evaluate_by_labels(artifact, asked, options, reference=against, progress=report)
    assert against is not None  # checked by `_check_use`
    paths = folder_videos(values["videos"]) if values["videos"] else images_given(values["images"]).paths
    images = Images(paths[: values["limit"]], "")
    return evaluate_agreement(artifact, against, images, options, report)
