"""`detlite evaluate`: COCO's twelve numbers, or fidelity to another model."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from detlite.calibration.images import images_in
from detlite.convert.artifact import open_artifact
from detlite.convert.commands.options import json_option
from detlite.convert.console import emit_facts, emit_json, progress
from detlite.devices.accuracy.annotations import check_image_files, read_annotations
from detlite.devices.accuracy.bootstrap import bootstrap_map
from detlite.devices.accuracy.classes import class_map
from detlite.devices.accuracy.coco import coco_matches, coco_metrics
from detlite.devices.accuracy.detect import Detected, detect
from detlite.devices.accuracy.fidelity import TRUTH_SCORE, fidelity
from detlite.runtime.artifact import Artifact, sha256_of
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress

Record = dict[str, Any]


@click.command()
@click.argument("artifact", type=click.Path(path_type=Path))
@click.option("--coco", nargs=2, type=click.Path(path_type=Path), metavar="IMAGES ANNOTATIONS", help="Score by labels.")
@click.option("--images", type=click.Path(path_type=Path), help="Folder of images, or a file that lists them.")
@click.option("--against", type=click.Path(path_type=Path), help="With --images: the model whose detections are right.")
@click.option("--limit", type=click.IntRange(1), help="The first images only.")
@click.option("--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="Of the interpreter.")
@click.option(
    "--bootstrap", type=click.IntRange(0, 10_000), default=0, show_default=True, help="Draws for an interval."
)
@json_option
def command(artifact: Path, coco: tuple[Path, Path] | None, as_json: bool, **values: Any) -> None:
    """Score ARTIFACT: a folder that detlite wrote, or any .tflite with its post-processing op.

    \b
    detlite evaluate out/int8 --coco val2017/ instances_val2017.json
    detlite evaluate detect.tflite --coco val2017/ instances_val2017.json --limit 500 --json
    detlite evaluate out/int8 --images photos/ --against out/float
    """
    if coco is not None and values["images"] is None and values["against"] is None:
        metric = "map"
    elif coco is None and values["images"] is not None and values["against"] is not None:
        metric = "fidelity"
    else:
        raise InputError("give --coco IMAGES ANNOTATIONS for mAP, or --images FOLDER --against ARTIFACT for fidelity")
    opened = open_artifact(artifact)
    with progress() as report:
        record = _by_coco(opened, coco, values, report) if coco else _by_fidelity(opened, values, report)
    if as_json:
        emit_json("accuracy", record)
        return
    emit_facts({key: _shown(value) for key, value in record.items() if not isinstance(value, dict)})
    click.echo(f"{artifact}: {metric} {record[metric]:.2f} % on {record['images']} images")


def _by_coco(artifact: Artifact, coco: tuple[Path, Path], values: Record, report: Progress) -> Record:
    begin = time.perf_counter()
    annotations = read_annotations(coco[1])
    if values["limit"]:
        annotations = annotations.first(values["limit"])
    paths = check_image_files(annotations, coco[0])
    classes = class_map(artifact.contract.labels, annotations.categories)
    detected = detect(artifact, paths, threads=values["threads"], progress=report)
    record: Record = dict(coco_metrics(detected, annotations, classes))
    record["wall_s"] = time.perf_counter() - begin
    if values["bootstrap"]:
        interval = bootstrap_map(coco_matches(detected, annotations, classes), draws=values["bootstrap"])
        record["map_interval"] = interval.to_record()
    data: Record = {"annotations_sha256": annotations.sha256, "split": annotations.split}
    data |= {"evaluator": "faster-coco-eval", "class_match": classes.rule}
    data |= {"classes_left_out": classes.classes_left_out, "threads": values["threads"]}
    return record | _common(artifact, detected, data)


def _by_fidelity(artifact: Artifact, values: Record, report: Progress) -> Record:
    begin = time.perf_counter()
    paths = images_in(values["images"]).paths[: values["limit"]]
    reference_artifact = open_artifact(values["against"])
    _same_classes(artifact.contract, reference_artifact.contract)
    reference, found = (
        detect(one, paths, threads=values["threads"], progress=report) for one in (reference_artifact, artifact)
    )
    agreement = fidelity(found, reference, draws=values["bootstrap"])
    record = asdict(agreement)
    record["fidelity_interval"] = record.pop("interval")
    record["wall_s"] = time.perf_counter() - begin
    data: Record = {"against_sha256": sha256_of(reference_artifact.model), "truth_score": TRUTH_SCORE}
    return record | _common(artifact, found, data | {"threads": values["threads"]})


def _same_classes(one: Contract, other: Contract) -> None:
    if one.labels != other.labels:
        first = next((i for i, pair in enumerate(zip(one.labels, other.labels, strict=False)) if len(set(pair)) > 1), 0)
        raise InputError(
            f"the two models have other labels ({len(one.labels)} and {len(other.labels)}, they differ from class "
            f"{first} on): fidelity compares models of the same classes"
        )


def _common(artifact: Artifact, detected: Detected, data: Record) -> Record:
    contract = artifact.contract
    protocol = {
        "images": len(detected.sizes),
        "max_detections": contract.nms.max_detections,
        "score_threshold": contract.nms.score_threshold,
        "nms": asdict(contract.nms),
        "resize": contract.image.resize,
        "label_offset": contract.label_offset,
        "runtime": detected.runtime,
        **data,
    }
    return {
        "images": len(detected.sizes),
        "detections": len(detected.scores),
        "model_sha256": sha256_of(artifact.model),
        "detect_wall_s": detected.wall_s,
        "invoke_sum_s": detected.invoke_sum_s,
        "protocol": protocol,
    }


def _shown(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "none of that size" if value is None else str(value)
