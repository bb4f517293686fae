"""Quantization with gates in a child process: requests and answers are JSON."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from detlite.accuracy.bootstrap import SEED, interval_of
from detlite.accuracy.detect import detected_of
from detlite.accuracy.images import Images
from detlite.accuracy.labels.annotations import Annotations, check_image_files
from detlite.accuracy.labels.coco import read_annotations
from detlite.accuracy.output_error import mean_error
from detlite.calibration.child_calls import answer_of, chosen_footage, footage_of
from detlite.calibration.images.gather import CHOOSE
from detlite.calibration.images.linting import lint_record
from detlite.calibration.material import Material, material_of
from detlite.calibration.models import QuantizedModel
from detlite.calibration.quantize import (
    ERROR_IMAGES,
    completed,
    float_model,
    judge_of,
    quantize,
    with_heads_of,
)
from detlite.calibration.ranges.ranges import RANGES, read_ranges
from detlite.calibration.recipe import CHECK, QUANTIZE, READ, WRITE
from detlite.calibration.video.clips import ClipFootage
from detlite.calibration.video.footage import Footage, states_of, takes_video
from detlite.convert.load import load_source, with_heads
from detlite.convert.model import Model
from detlite.convert.summary import model_facts
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress, begin
from detlite.runtime.records import Record, from_record
from detlite.runtime.task import task_kind
from detlite.runtime.tasks.detection import Detection, crops_regions
from detlite.studies.search.bench import Bench
from detlite.studies.search.blame import explain
from detlite.studies.search.clip_bench import ClipBench
from detlite.studies.search.cost import cost_record
from detlite.studies.search.curve import CHOICES, Point, choices_of, curve
from detlite.studies.search.growth import growth
from detlite.studies.search.growth_page import growth_files
from detlite.studies.search.judged import EXPLAIN, REFERENCE, SEARCH, JudgedRequest, curve_step
from detlite.studies.search.losses import losses
from detlite.studies.search.mixed import Mixed, fewest_floating
from detlite.studies.search.page import LostBoxes, explanation_files
from detlite.studies.search.ruler import DRAWS, Budget, error_ruler, fidelity_ruler, map_drop_ruler
from detlite.studies.search.stage_blame import explain_stages
from detlite.studies.search.trials import Trials
from detlite.studies.search.twin_search import TwinResult, fewest_twins

MOST_CLIPS = 100
"""Clips of held-out videos to judge on: each model runs, and each clip is decoded, once for every trial."""


def quantize_judged(request: Record, progress: Progress) -> Record:
    """Do what the `JudgedRequest` says: quantize under its gates, and explain it.

    Returns:
        What `detlite.calibration.child_calls.quantize_source` returns, with `mixed` if there are gates, and if
        requested `explanation`, or of a two-stage detector `stages`.
    """
    asked = from_record(JudgedRequest, request)
    begin(progress, READ)
    model = load_source(asked.source, asked.options, progress=progress)
    if asked.explain and not asked.has_gates and states_of(model.contract) and asked.videos is not None:
        return _explained_stream(asked, model, progress)
    _refuse_streams(model.contract, next(iter(asked.gates), "max_error" if asked.max_error else "explain"))
    images = _given(asked, model.contract)
    linted: Record = {}
    if isinstance(images, Images):
        begin(progress, CHECK)
        linted = lint_record(asked.lint, model, images, progress)
    if linted.get("lint_failed"):
        return linted
    recipe, ranges = asked.recipe, None if asked.ranges is None else read_ranges(asked.ranges)
    _refuse_other_tasks(model.contract, asked)
    source = with_heads(model, "raw")
    if isinstance(images, Footage):
        begin(progress, CHOOSE)
    material = material_of(images, source.contract)
    begin(progress, REFERENCE)
    bench = _bench(source, asked, progress)
    given = float_model(source, images, recipe, ranges=ranges, progress=progress)
    trials = Trials(source, given, recipe.method)
    answer, made = _scored(bench, asked), trials.made()
    if asked.has_gates:
        begin(progress, SEARCH)
        made, reached = _within_budget(trials, bench, asked, progress)
        answer |= reached
    begin(progress, QUANTIZE)
    recipe = with_heads_of(model, recipe)
    judge, digest = judge_of(source, material, ERROR_IMAGES), given.images_sha256
    quantized = completed(source, made, recipe, images, material=material, judge=judge, images_sha256=digest)
    files = {} if quantized.ranges is None else {RANGES: quantized.ranges.to_json()}
    if asked.explain:
        begin(progress, EXPLAIN)
        if crops_regions(source.contract):
            answer["stages"] = explain_stages(trials, source, bench, progress=progress).to_record()
        else:
            explained, answer["explanation"] = _explained(trials, bench, quantized.model, progress)
            files |= explained
    begin(progress, WRITE)
    artifact = quantized.model.save(asked.out, force=asked.force, files=files)
    if not crops_regions(source.contract):  # their regions, and so their rows, differ from model to model
        answer["error"] = bench.error(with_heads(quantized.model, "raw")).to_record()
    if quantized.region_error is not None:
        answer["region_error"] = quantized.region_error.to_record()
    facts = {"model": str(artifact.model), "history": list(artifact.history), **model_facts(artifact.contract)}
    return facts | linted | answer


def _explained_stream(asked: JudgedRequest, model: Model, progress: Progress) -> Record:
    """Return what `quantize_judged` does for a stream, with `growth`: how its error grows over the frames."""
    footage, ranges = footage_of(asked), None if asked.ranges is None else read_ranges(asked.ranges)
    chosen = chosen_footage(footage, model, progress)
    begin(progress, QUANTIZE)
    quantized = quantize(model, footage, asked.recipe, ranges=ranges, chosen=chosen, progress=progress)
    begin(progress, EXPLAIN)
    assert quantized.reference is not None
    found = growth(quantized.reference, quantized, chosen)
    files = growth_files(found, quantized.model)
    if quantized.ranges is not None:
        files[RANGES] = quantized.ranges.to_json()
    begin(progress, WRITE)
    artifact = quantized.model.save(asked.out, force=asked.force, files=files)
    return answer_of(artifact, quantized) | {"growth": found.to_record()}


def _within_budget(
    trials: Trials, bench: Bench, asked: JudgedRequest, progress: Progress
) -> tuple[QuantizedModel, Record]:
    """Return the int8 model of *trials* that keeps to what is *asked*, and what it costs, as `mixed` or `twins`."""
    budgets = _budgets(bench, asked)
    if asked.twins:
        twins = fewest_twins(trials, budgets, asked.recipe.max_macs, progress=progress)
        facts: Record = {"tensors": list(twins.tensors), "macs_ratio": twins.macs_ratio}
        return twins.made, {"twins": facts | _reached(twins, budgets)}
    mixed = fewest_floating(trials, budgets, progress=progress)
    costs = cost_record(trials, bench, mixed.floating, mixed.shares, progress=progress)
    facts = {"float_operators": list(mixed.floating)}
    return trials.made(mixed.floating), {"mixed": facts | _reached(mixed, budgets) | costs}


def measure_curve(request: Record, progress: Progress) -> Record:
    """Return the curve over the counts of the `JudgedRequest`: its points, and what they were scored on."""
    asked = from_record(JudgedRequest, request)
    begin(progress, READ)
    source = with_heads(load_source(asked.source, asked.options, progress=progress), "raw")
    _refuse_streams(source.contract, "curve")
    given = _given(asked, source.contract)
    unread: tuple[str, ...] = ()
    if isinstance(given, Footage):
        begin(progress, CHOOSE)
        unread = _clips(given, source.contract, max(asked.counts)).unread
    begin(progress, REFERENCE)
    bench = _bench(source, asked, progress)
    has_regions, sample = crops_regions(source.contract), "clip" if isinstance(given, Footage) else "image"

    def point(count: int) -> Point:
        begin(progress, curve_step(count, sample))
        found, draws, errors = [], [], []
        for images, chosen in _choices(given, source.contract, count):
            recipe = replace(asked.recipe, heads="raw")
            made = quantize(source, images, recipe, chosen=chosen, progress=progress)
            predictions, error = (bench.predicted(made.model), None) if has_regions else bench.judged(made.model)
            agreement = bench.agreement(predictions)
            errors += [] if error is None else [error]
            found.append(agreement.fidelity)
            draws.append(agreement.weighted(bench.draws(DRAWS)))
        interval = interval_of(np.concatenate(draws), SEED)
        error = mean_error(errors) if errors else None
        return Point(count, error, sum(found) / len(found), interval, np.mean(draws, axis=0), len(found))

    scored = _scored(bench, asked)
    if left_out := list(dict.fromkeys([*unread, *scored.get("unread_videos", ())])):
        scored["unread_videos"] = left_out
    return scored | curve(asked.counts, point, sample).to_record()


def _given(asked: JudgedRequest, contract: Contract) -> Images | Footage:
    """Return what the model is calibrated with: videos for a model of clips, images for any other."""
    return footage_of(asked) if takes_video(contract) and asked.videos is not None else asked.chosen


def _choices(
    given: Images | Footage, contract: Contract, count: int
) -> Sequence[tuple[Images | Footage, Material | None]]:
    """Return different choices of *count* of the images, or of as many clips, these with the clips themselves."""
    if isinstance(given, Images):
        return [(replace(given, paths=paths), None) for paths in choices_of(given.paths, count)]
    found = dict[Hashable, tuple[Footage, ClipFootage]]()
    for number in range(CHOICES):
        one = replace(given, count=count, seed=given.seed + number)
        chosen = _clips(one, contract, count)
        found.setdefault(chosen.clips, (one, chosen))
    return list(found.values())


def _clips(given: Footage, contract: Contract, count: int) -> ClipFootage:
    """Return *count* clips of the videos *given*; `InputError` if they have fewer."""
    chosen = material_of(replace(given, count=count), contract)
    assert isinstance(chosen, ClipFootage)  # streams are refused before
    if chosen.count < count:
        raise InputError(
            f"--curve needs {counted(count, 'clip')}, but {chosen.count} can be cut from the videos, as many from each "
            "scene: ask for fewer, or give more or longer videos"
        )
    return chosen


def _scored(bench: Bench, asked: JudgedRequest) -> Record:
    """Return what *bench* judges on, and `unread_videos` where some of the held-out videos were left out."""
    unread = list(bench.unread) if asked.held_out_are_others else []
    used = bench.count if isinstance(bench, ClipBench) and not asked.held_out_are_others else 0
    return {
        "scored_images": bench.count,
        "scored_images_are_others": asked.held_out_are_others,
        "scored_calibration_images": len(set(bench.images.paths) & set(asked.images)) or used,
        **({"unread_videos": unread} if unread else {}),
    }


def _refuse_other_tasks(contract: Contract, asked: JudgedRequest) -> None:
    """Raise `InputError` where something is *asked* of another model that is told of a detector alone."""
    if "max_map_drop" in asked.gates and not isinstance(contract.task, Detection):
        raise InputError(
            f"--max-map-drop needs a detector; the model is {task_kind(contract.task.kind).title}: use --min-fidelity, "
            "or `detlite evaluate --against`"
        )
    for option, is_asked in {"--max-error": asked.max_error, "--twin-channels": asked.twins}.items():
        if is_asked:
            _refuse_regions(contract, option)


def _refuse_streams(contract: Contract, option: str) -> None:
    """Raise `InputError` for a stream: its error is nearly the same in all frames of a scene, so scenes would count."""
    if states_of(contract):
        raise InputError(
            f"--{option.replace('_', '-')} needs many independent images or clips to judge on, and the error of a "
            "stream is alike in all frames of a scene: leave it out, and judge the model by the error that is told of "
            "each quantization, or `detlite evaluate --against`"
        )


def _refuse_regions(contract: Contract, option: str) -> None:
    if crops_regions(contract):
        raise InputError(
            f"{option} ranks models by the error of raw outputs, and the regions of a two-stage detector differ from "
            "model to model: leave it out, and judge a model with --min-fidelity or `detlite evaluate --against`"
        )


def _bench(source: Model, asked: JudgedRequest, progress: Progress) -> Bench:
    if takes_video(source.contract):
        clips = material_of(_held_out_footage(asked), source.contract)
        assert isinstance(clips, ClipFootage)
        return ClipBench(source, clips, progress=progress)
    annotations = None
    if "max_map_drop" in asked.gates:
        assert asked.annotations is not None  # the command asks for labels with this gate
        folder, labels = asked.annotations
        annotations = _annotated(read_annotations(labels), asked.held_out)
        check_image_files(annotations, folder)
    held_out = Images(asked.held_out, "", upright=asked.images_upright)
    return Bench(source, held_out, annotations=annotations, progress=progress)


def _held_out_footage(asked: JudgedRequest) -> Footage:
    """Return what to judge a model of clips on: `MOST_CLIPS` of the held-out videos, or what calibrates it."""
    if not asked.held_out_are_others:
        return footage_of(asked)
    assert asked.videos is not None
    return Footage(asked.held_out, MOST_CLIPS, asked.videos.seed)


def _annotated(annotations: Annotations, paths: tuple[Path, ...]) -> Annotations:
    """Return the *annotations* of the images *paths* only, in order."""
    by_name = {Path(image.file_name).name: image for image in annotations.images}
    unknown = [path for path in paths if path.name not in by_name]
    if unknown:
        raise InputError(
            f"{unknown[0]} is not in the labels of --coco, which --max-map-drop needs: give validation images that "
            "are, or leave out --validation"
        )
    images = tuple(by_name[path.name] for path in paths)
    kept = {image.id for image in images}
    return replace(annotations, images=images, truths=tuple(t for t in annotations.truths if t.image_id in kept))


def _budgets(bench: Bench, asked: JudgedRequest) -> list[Budget]:
    rulers = {"min_fidelity": fidelity_ruler, "max_map_drop": map_drop_ruler}
    found = [Budget(ruler(bench), asked.gates[gate]) for gate, ruler in rulers.items() if gate in asked.gates]
    return found + [Budget(error_ruler(bench, head), most) for head, most in asked.max_error.items()]


def _reached(found: Mixed | TwinResult, budgets: Sequence[Budget]) -> Record:
    reached = [
        {"figure": budget.ruler.name, "wanted": budget.wanted, "promised": budget.promised(one), **asdict(one)}
        for budget, one in zip(budgets, found.readings, strict=True)
    ]
    return {"margin": found.margin, "models_scored": found.trials, "reached": reached}


def _explained(trials: Trials, bench: Bench, model: Model, progress: Progress) -> tuple[dict[str, str], Record]:
    explanation = explain(trials, bench, progress=progress)
    boxes = None
    if isinstance(model.contract.task, Detection):
        found = detected_of(bench.predicted(model))
        boxes = LostBoxes(losses(found, detected_of(bench.reference), model.contract.labels), found)
    lost = {} if boxes is None else asdict(boxes.losses)
    record = {**explanation.to_record(), **lost, "verdict": explanation.verdict}
    return explanation_files(explanation, bench, model, boxes), record
