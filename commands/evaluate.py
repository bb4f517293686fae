"""`detlite evaluate`: a score by labels, fidelity to another model, and gates on both."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click

from detlite.accuracy.client_resize import CLIENT_RESIZES
from detlite.accuracy.dataset import DatasetFiles
from detlite.accuracy.evaluation import (
    Detector,
    Options,
    Pair,
    ThisMachine,
    by_fidelity,
    by_labels,
    detect_pair,
)
from detlite.accuracy.gates import GATES, Gate, check_gates, refuse_missed
from detlite.accuracy.ground_truth import read_labelled
from detlite.accuracy.images import Images
from detlite.accuracy.metric import load_metric
from detlite.accuracy.recorded import Recorded
from detlite.accuracy.resized import ResizedAs
from detlite.commands.command import WorkCommand, option_group
from detlite.commands.console import emit_facts, emit_json, emit_table, notice, progress
from detlite.commands.device_options import device_option, devices_asked_for
from detlite.commands.ground_truth import ground_truth_options, label_options, labels_given
from detlite.commands.image_options import images_given
from detlite.commands.options import json_option
from detlite.convert.artifact import open_artifact
from detlite.devices.remote.detect import RemoteDetector
from detlite.runtime.artifact import Artifact
from detlite.runtime.errors import InputError
from detlite.runtime.measure.device_mark import SIMULATED
from detlite.runtime.progress import Progress
from detlite.studies.compare.record import prepare_record, write_record

Record = dict[str, Any]


@click.command(cls=WorkCommand)
@click.argument("artifact", type=click.Path(path_type=Path))
@option_group(
    "Images",
    ground_truth_options,
    click.option(
        "--images", type=click.Path(path_type=Path), help="Images without labels: a folder, or a file that lists them."
    ),
    click.option("--limit", type=click.IntRange(1), help="Use only this many images, the first ones."),
)
@option_group(
    "Where and how the model runs",
    click.option(
        "--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="Threads of the interpreter."
    ),
    click.option(
        "--resize-as", type=click.Choice(list(CLIENT_RESIZES)), help="Resize the images as this client library does."
    ),
    click.option(
        "--detections",
        type=click.Path(path_type=Path),
        metavar="RUN",
        help="Score the detections saved in RUN instead of running the model.",
    ),
    device_option,
)
@option_group(
    "Comparison and gates",
    click.option(
        "--against", type=click.Path(path_type=Path), help="Model to compare with: the float one, or an earlier one."
    ),
    click.option(
        "--bootstrap",
        type=click.IntRange(0, 10_000),
        default=0,
        show_default=True,
        help="Number of bootstrap draws for a confidence interval; 0: none.",
    ),
    click.option("--min-map", type=click.FloatRange(0, 100), help="Lowest mAP in percent that passes."),
    click.option(
        "--min-map-ratio", type=click.FloatRange(0, 2), help="Lowest ratio to the mAP of --against, such as 0.99."
    ),
    click.option(
        "--min-fidelity", type=click.FloatRange(0, 100), help="Lowest fidelity to --against in percent that passes."
    ),
)
@click.option("--per-class", is_flag=True, help="Show the score of each class.")
@click.option(
    "-o", "--output", "out", type=click.Path(path_type=Path), help="File for the record that `detlite compare` reads."
)
@json_option
def command(artifact: Path, as_json: bool, per_class: bool, out: Path | None, **values: Any) -> None:
    """Score ARTIFACT: a folder that detlite wrote, or any .tflite with its post-processing op.

    \b
    detlite evaluate out/int8 --coco val2017/ instances_val2017.json --against out/float --min-map-ratio 0.99
    detlite evaluate out/int8 --voc VOCdevkit/VOC2007 --split test --metric voc2007
    detlite evaluate out/int8 --oid images/ boxes.csv --oid-labels labels.csv --metric oid-challenge
    detlite evaluate out/int8 --images photos/ --against out/float --min-fidelity 90
    detlite evaluate out/int8 --coco val2017/ instances_val2017.json --device coral
    detlite evaluate out/int8 --coco val2017/ instances_val2017.json --detections run
    detlite evaluate out/app --coco val2017/ instances_val2017.json --resize-as mediapipe
    """
    labels = labels_given(values)
    _check_use(labels, values)
    if out is not None:
        prepare_record(out)
    options = Options(values["threads"], values["bootstrap"], _detector(values), values["resize_as"])
    begin = time.perf_counter()
    with options.detector.ready(), progress() as report:
        opened, against = _trained(artifact), _trained(values["against"]) if values["against"] else None
        record = _evaluate((opened, against), labels, values, options, report)
    gates = check_gates({name: values[name] for name in GATES}, record)
    record |= {"gates": [gate.to_record() for gate in gates], "wall_s": time.perf_counter() - begin}
    if out is not None:
        write_record(out, "accuracy", record)
    if as_json:
        emit_json("accuracy", record)
    else:
        _show(artifact, record, gates, per_class)
    refuse_missed(gates, str(artifact))


def _check_use(labels: DatasetFiles | None, values: Record) -> None:
    if labels is None and values["images"] is not None and values["against"] is None:
        raise InputError("--images without labels gives the fidelity to another model: give it with --against ARTIFACT")
    if (labels is None) == (values["images"] is None):
        raise InputError(
            f"give labels with {label_options()} for a score, or --images FOLDER --against ARTIFACT for fidelity"
        )
    if values["against"] is None and (values["min_map_ratio"] is not None or values["min_fidelity"] is not None):
        raise InputError("--min-map-ratio and --min-fidelity compare with another model: give --against ARTIFACT")
    if labels is None and (values["min_map"] is not None or values["min_map_ratio"] is not None):
        raise InputError(f"--min-map and --min-map-ratio need labels: give {label_options()}")


def _detector(values: Record) -> Detector:
    """Return where the model is run, with the images resized as was asked for; or what was found elsewhere."""
    chosen = devices_asked_for([values["device"]] if values["device"] else [], values["inventory"])
    if values["detections"] is not None:
        if chosen or values["resize_as"]:
            raise InputError("--detections are of a board where the model was run: leave out --device and --resize-as")
        return _recorded(values)
    detector: Detector = RemoteDetector(chosen[0]) if chosen else ThisMachine()
    return ResizedAs(values["resize_as"], detector) if values["resize_as"] else detector


def _recorded(values: Record) -> Recorded:
    """Return the detections of a run; the mAP that its preset asks for is a gate where none is given."""
    recorded = Recorded(values["detections"])
    if values["min_map"] is None and values["coco"] is not None:
        values["min_map"] = recorded.quality_map()
    return recorded


def _trained(path: Path) -> Artifact:
    artifact = open_artifact(path)
    if not artifact.is_trained:
        raise InputError(f"{path} has random weights, as its history says: nobody trained it, so it has no accuracy")
    return artifact


def _evaluate(
    pair_of: tuple[Artifact, Artifact | None],
    labels: DatasetFiles | None,
    values: Record,
    options: Options,
    report: Progress,
) -> Record:
    artifact, against = pair_of
    if labels is None:
        images = Images(images_given(values["images"]).paths[: values["limit"]], "")
        return by_fidelity(detect_pair(artifact, against, images.paths, options, report), options, images.digest())
    truth, metric = read_labelled(
        labels, "detection", artifact.contract.labels, metric=values["metric"], known_only=values["known_classes"]
    )
    with ThreadPoolExecutor(1) as beside:
        prepared = beside.submit(load_metric(metric).prepare)
        pair: Pair = detect_pair(artifact, against, truth.paths, options, report)
        prepared.result()
    record = by_labels(pair, truth, metric, options)
    if values["min_fidelity"] is not None:
        agreement = by_fidelity(pair, options, "")
        record |= {key: value for key, value in agreement.items() if key.startswith("fidelity")}
    return record


def _show(artifact: Path, record: Record, gates: tuple[Gate, ...], per_class: bool) -> None:
    mark = f"{SIMULATED} " if record["device"].get(SIMULATED) else ""  # what it found says nothing of its delegates
    emit_facts(
        {
            mark + key.removeprefix(f"{SIMULATED}_"): _shown(value)
            for key, value in record.items()
            if _is_shown(key, value)
        }
    )
    if per_class and record.get("per_class"):
        columns = list(record["per_class"][0])
        click.echo()
        emit_table(columns, [[_shown(row[column]) for column in columns] for row in record["per_class"]])
    for gate in gates:
        notice(f"{gate.number} {gate.came:.4g}, wanted {gate.wanted:g}: {'passed' if gate.passed else 'missed'}")
    metric = "fidelity" if record["metric"] == "fidelity" else "map"
    click.echo(f"{mark}{artifact}: {metric} {record[metric]:.2f} % on {record['images']} images")


def _is_shown(key: str, value: object) -> bool:
    return isinstance(value, dict) if key.endswith("_interval") else not isinstance(value, dict | list)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return f"[{value['low']:.2f}, {value['high']:.2f}] in {100 * value['level']:g} % of {value['draws']} draws"
    return f"{value:.3f}" if isinstance(value, float) else "none of that size" if value is None else str(value)
