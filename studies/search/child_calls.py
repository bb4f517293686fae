"""Quantization with gates in a child process: requests and answers are JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from detlite.accuracy.bootstrap import SEED, draw_images, interval_of
from detlite.accuracy.detect import detected_of
from detlite.accuracy.images import Images
from detlite.accuracy.labels.annotations import Annotations, check_image_files
from detlite.accuracy.labels.coco import read_annotations
from detlite.calibration.images.linting import lint_record
from detlite.calibration.quantize import Quantized, Recipe, float_model, quantize
from detlite.calibration.ranges.ranges import RANGES, read_ranges
from detlite.convert.child_calls import options_of
from detlite.convert.load import load_source, with_heads
from detlite.convert.model import Model
from detlite.convert.summary import model_facts
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress
from detlite.runtime.task import task_kind
from detlite.runtime.tasks.detection import Detection
from detlite.studies.search.bench import Bench
from detlite.studies.search.blame import explain
from detlite.studies.search.cost import cost_record
from detlite.studies.search.curve import Point, curve
from detlite.studies.search.losses import losses
from detlite.studies.search.mixed import Budget, Mixed, fewest_floating
from detlite.studies.search.page import explanation_files
from detlite.studies.search.trials import Trials

Record = dict[str, Any]

DRAWS = 200


def quantize_judged(request: Record, progress: Progress) -> Record:
    """Quantize as `detlite.calibration.child_calls.quantize_source` does, under the `gates`, and `explain` it.

    Returns:
        The same, with `mixed` if there are gates and `explanation` if requested.
    """
    images = Images(tuple(map(Path, request["images"])), request["images_origin"])
    model = load_source(Path(request["source"]), options_of(request["options"]), progress=progress)
    linted = lint_record(request, model, images, progress)
    if linted.get("lint_failed"):
        return linted
    recipe = Recipe(**{**request["recipe"], "floating": tuple(request["recipe"]["floating"])})
    ranges = read_ranges(Path(request["ranges"])) if request["ranges"] else None
    _refuse_other_tasks(model.contract, request)
    source = with_heads(model, "raw")
    bench = _bench(source, request, progress)
    trials = Trials(source, float_model(source, images, recipe, ranges=ranges, progress=progress), recipe.method)
    answer: Record = {"scored_images": len(bench.paths), "scored_images_are_others": request["others"]}
    if request["gates"]:
        mixed = fewest_floating(trials, _budgets(bench, request["gates"]), progress=progress)
        recipe = replace(recipe, floating=(*recipe.floating, *mixed.floating))
        answer["mixed"] = _mixed_record(mixed) | cost_record(trials, mixed.floating, progress=progress)
    quantized = quantize(model, images, recipe, ranges=ranges, progress=progress)
    files = {} if quantized.ranges is None else {RANGES: quantized.ranges.to_json()}
    if request["explain"]:
        explained, answer["explanation"] = _explained(trials, bench, quantized, progress)
        files |= explained
    made = quantized.model
    artifact = made.save(Path(request["out"]), force=request["force"], files=files)
    facts = {"model": str(artifact.model), "history": list(artifact.history), **model_facts(artifact.contract)}
    return facts | linted | answer


def measure_curve(request: Record, progress: Progress) -> Record:
    """Return the `curve` over the image `counts`, with the number of scored images and whether they are others."""
    model = load_source(Path(request["source"]), options_of(request["options"]), progress=progress)
    recipe = Recipe(**{**request["recipe"], "floating": tuple(request["recipe"]["floating"])})
    source = with_heads(model, "raw")
    bench = _bench(source, request, progress)
    pool = tuple(map(Path, request["images"]))

    def point(count: int) -> Point:
        images = Images(pool[:count], request["images_origin"])
        made = quantize(source, images, replace(recipe, heads="raw"), progress=progress)
        agreement = bench.fidelity(made.model)
        draws = agreement.weighted(draw_images(len(bench.paths), DRAWS, SEED))
        return Point(count, agreement.fidelity, interval_of(draws, SEED))

    scored = {"scored_images": len(bench.paths), "scored_images_are_others": request["others"]}
    return scored | asdict(curve(request["counts"], point))


def _refuse_other_tasks(contract: Contract, request: Mapping[str, Any]) -> None:
    """Raise `InputError` where *request* asks of another model what is told of a detector alone."""
    asked = (
        "--explain"
        if request["explain"]
        else "--max-map-drop"
        if request["gates"].get("max_map_drop") is not None
        else None
    )
    if asked is not None and not isinstance(contract.task, Detection):
        raise InputError(
            f"{asked} needs a detector; the model is {task_kind(contract.task.kind).title}: use --min-fidelity, or "
            "`detlite evaluate --against`"
        )


def _bench(source: Model, request: Record, progress: Progress) -> Bench:
    paths, annotations = tuple(map(Path, request["held_out"])), None
    if request["gates"].get("max_map_drop") is not None:
        annotations = _annotated(read_annotations(Path(request["annotations"][1])), paths)
        check_image_files(annotations, Path(request["annotations"][0]))
    return Bench(source, paths, annotations=annotations, progress=progress)


def _annotated(annotations: Annotations, paths: tuple[Path, ...]) -> Annotations:
    """Return the *annotations* of the images *paths* only, in order."""
    by_name = {Path(image.file_name).name: image for image in annotations.images}
    images = tuple(by_name[path.name] for path in paths)
    kept = {image.id for image in images}
    return replace(annotations, images=images, truths=tuple(t for t in annotations.truths if t.image_id in kept))


def _budgets(bench: Bench, gates: Mapping[str, float]) -> list[Budget]:
    budgets = []
    if (least := gates.get("min_fidelity")) is not None:
        budgets.append(
            Budget(
                f"a fidelity of at least {least:g}",
                lambda margin: f"a fidelity of {least + margin:.2f}",
                lambda model: bench.fidelity(model).fidelity - least,
            )
        )
    if (most := gates.get("max_map_drop")) is not None:
        budgets.append(
            Budget(
                f"a loss of at most {most:g} mAP",
                lambda margin: f"a loss of {most - margin:.2f} mAP",
                lambda model: most - bench.map_drop(model),
            )
        )
    return budgets


def _mixed_record(mixed: Mixed) -> Record:
    return {"float_operators": list(mixed.floating), "margin": mixed.margin, "models_scored": mixed.trials}


def _explained(trials: Trials, bench: Bench, quantized: Quantized, progress: Progress) -> tuple[dict[str, str], Record]:
    explanation = explain(trials, bench, progress=progress)
    found = detected_of(bench.predicted(quantized.model))
    lost = losses(found, detected_of(bench.reference), quantized.model.contract.labels)
    record = {**explanation.to_record(), **asdict(lost), "verdict": explanation.verdict}
    return explanation_files(explanation, lost, bench, found, quantized.model), record
