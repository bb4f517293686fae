"""One evaluation: run a model and perhaps a reference, then score what they predict by labels, or compare the two."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import compress
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from detlite.accuracy.bootstrap import MOST_DRAWS, SEED, draw_images, interval_of
from detlite.accuracy.classification import RankedVideos
from detlite.accuracy.dataset import DatasetFiles
from detlite.accuracy.ground_truth import Labelled, read_labelled
from detlite.accuracy.hosts import InferenceHost, ThisMachine
from detlite.accuracy.images import Images, orientation
from detlite.accuracy.labels.image_classes import ImageClasses
from detlite.accuracy.metric import Metric, Scores, load_metric
from detlite.accuracy.predictions import Predictions, scored_task
from detlite.accuracy.results import FIDELITY, Accuracy, Agreement, Drawn, EvaluatedRun, ReferenceScore
from detlite.runtime.arrays import Bools, Doubles
from detlite.runtime.artifact import Artifact, sha256_of
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress, begin, silent

RUN, RUN_REFERENCE, SCORE = "run the model", "run the other model", "score"
"""The steps of an evaluation."""

ResultT = TypeVar("ResultT", Accuracy, Agreement)


@dataclass(frozen=True)
class EvaluationOptions:
    """How to evaluate.

    Attributes:
        threads: of the interpreter.
        draws: of the bootstrap; 0 for no intervals.
        host: where the model is run.
        reference_host: where its reference is run.
        resize_as: the Android client whose resizing the host follows; None for the contract's.
    """

    threads: int = 1
    draws: int = 0
    host: InferenceHost = field(default_factory=ThisMachine)
    reference_host: InferenceHost = field(default_factory=ThisMachine)
    resize_as: str | None = None

    def __post_init__(self) -> None:
        if self.draws and not 2 <= self.draws <= MOST_DRAWS:
            raise InputError(f"{counted(self.draws, 'bootstrap draw')}: want 2 to {MOST_DRAWS}, or 0 for none")


@dataclass(frozen=True, eq=False)
class PredictedPair:
    """An artifact and its predictions, and the same for a reference, where there is one.

    The images were turned *upright* by their EXIF orientation, or read as stored.
    """

    artifact: Artifact
    found: Predictions
    reference_artifact: Artifact | None = None
    reference: Predictions | None = None
    upright: bool = False


@dataclass(frozen=True, eq=False)
class Evaluation(Generic[ResultT]):
    """The result of an evaluation, and the predictions that it is about.

    Attributes:
        result: a score by labels, or the agreement with a reference.
        found: what the artifact said about the images.
        paths: the images.
    """

    result: ResultT
    found: Predictions
    paths: tuple[Path, ...]


@dataclass(frozen=True)
class Scoring:
    """What to score by.

    Attributes:
        files: the data set with the labels.
        metric: the name of a metric; None for the usual one for these labels.
        known_only: leave out annotated classes that the model has no label for, which are an error otherwise.
        with_fidelity: whether the agreement with the reference is told too.
    """

    files: DatasetFiles
    metric: str | None = None
    known_only: bool = False
    with_fidelity: bool = False


def evaluate_by_labels(
    artifact: Artifact,
    scoring: Scoring,
    options: EvaluationOptions,
    *,
    reference: Artifact | None = None,
    progress: Progress = silent,
) -> Evaluation[Accuracy]:
    """Run *artifact*, and *reference* where there is one, over labelled images, and score what they say.

    Raises:
        InputError: the labels cannot be read or do not fit the model, or an image cannot be read.
        UnknownNameError: there is no such metric.
        DeviceError: an interpreter crashed.
    """
    contract = artifact.contract
    truth, metric = read_labelled(
        scoring.files, contract.task.kind, contract.labels, metric=scoring.metric, known_only=scoring.known_only
    )
    load_metric(metric).check(contract, truth.annotations, truth.classes)
    with ThreadPoolExecutor(1) as beside:
        prepared = beside.submit(load_metric(metric).prepare)
        pair = predict_pair(artifact, reference, Images(truth.paths, "", upright=False), options, progress)
        prepared.result()
    begin(progress, SCORE)
    if isinstance(pair.found, RankedVideos):
        truth = as_read(truth, pair.found.is_read)
    result = by_labels(pair, truth, metric, options)
    if scoring.with_fidelity:
        result = replace(result, fidelity=by_fidelity(pair, options, "").fidelity)
    return Evaluation(result, pair.found, truth.paths)


def as_read(truth: Labelled, is_read: Bools) -> Labelled:
    """Return *truth* without the videos that could not be read; *is_read* has one for each."""
    annotations = truth.annotations
    assert isinstance(annotations, ImageClasses)  # the only labels that there are for videos
    images = tuple(compress(annotations.images, is_read))
    return replace(truth, annotations=replace(annotations, images=images), paths=tuple(compress(truth.paths, is_read)))


def evaluate_agreement(
    artifact: Artifact, reference: Artifact, images: Images, options: EvaluationOptions, progress: Progress = silent
) -> Evaluation[Agreement]:
    """Run *artifact* and *reference* over *images*, which need no labels, and compare what they say.

    Raises:
        InputError: the two have other tasks or classes, or the reference says nothing that could be found again.
        DeviceError: an interpreter crashed.
    """
    pair = predict_pair(artifact, reference, images, options, progress)
    begin(progress, SCORE)
    if isinstance(pair.found, RankedVideos):
        images = replace(images, paths=pair.found.used(images.paths))
    return Evaluation(by_fidelity(pair, options, images.digest()), pair.found, images.paths)


def require_trained(artifact: Artifact) -> Artifact:
    """Return *artifact*; `InputError` if its history says that its weights are random."""
    if not artifact.is_trained:
        raise InputError(
            f"{artifact.model} has random weights, according to its history: an untrained model has no accuracy"
        )
    return artifact


def predict_pair(
    artifact: Artifact,
    reference: Artifact | None,
    images: Images,
    options: EvaluationOptions,
    progress: Progress = silent,
) -> PredictedPair:
    """Return what both say about *images*; `InputError` if the two have other tasks or classes."""
    if reference is not None:
        _refuse_others(artifact.contract, reference.contract)
    begin(progress, RUN)
    paths, threads, upright = images.paths, options.threads, images.upright
    found = options.host.detect(artifact, paths, threads=threads, upright=upright, progress=progress)
    if reference is None:
        return PredictedPair(artifact, found, upright=upright)
    begin(progress, RUN_REFERENCE)
    beside = options.reference_host
    also_found = beside.detect(reference, paths, threads=threads, upright=upright, progress=progress)
    return PredictedPair(artifact, found, reference, also_found, upright)


def by_labels(pair: PredictedPair, truth: Labelled, metric_name: str, options: EvaluationOptions) -> Accuracy:
    """Return the score of *pair* by *truth*, in percent, per class, and against the reference.

    Raises:
        UnknownNameError: there is no such metric.
        InputError: the images are not the annotated ones, or no object that counts is annotated in them.
    """
    begin = time.perf_counter()
    metric = load_metric(metric_name)
    scores = metric.score(pair.found, truth.annotations, truth.classes)
    value = scores.numbers[metric.numbers[0]]
    if value is None:
        raise InputError(
            f"these {counted(len(truth.paths), 'image has', 'images have')} no countable annotated object: use more "
            "images"
        )
    drawn = _drawing(metric, pair.found, truth, options.draws)
    return Accuracy(
        metric=metric_name,
        numbers=scores.numbers,
        headline=_drawn(value, None if drawn is None else drawn.headline),
        classes=scores.classes,
        draws={} if drawn is None else _other_draws(metric, pair.found, truth, drawn.weights),
        reference=_reference_score(pair, truth, metric, value, drawn),
        score_wall_s=time.perf_counter() - begin,
        run=_run(pair, options, _label_protocol(metric_name, metric, truth)),
    )


def by_fidelity(pair: PredictedPair, options: EvaluationOptions, images_sha256: str) -> Agreement:
    """Return how far the artifact's predictions are the reference's, by the measure of their task."""
    if pair.reference is None or pair.reference_artifact is None:
        raise InputError("fidelity needs a second model, whose results count as right: give --against ARTIFACT")
    task = scored_task(pair.artifact.contract.task.kind)
    found = task.agree(pair.found, pair.reference)
    draws = found.weighted(draw_images(len(pair.found.sizes), options.draws, SEED)) if options.draws else None
    protocol = {"metric": FIDELITY, **task.agreement_protocol, "images_sha256": images_sha256}
    protocol |= {"against_sha256": sha256_of(pair.reference_artifact.model)}
    if task.agreement != "map":
        protocol["agreement"] = task.agreement
    return Agreement(
        fidelity=_drawn(found.fidelity, draws),
        measure=task.agreement,
        counts=found.counts,
        run=_run(pair, options, protocol),
        logit_snr_db=task.snr(pair.found, pair.reference, (pair.artifact.contract, pair.reference_artifact.contract)),
    )


@dataclass(frozen=True, eq=False)
class _Drawing:
    """The draws of a bootstrap: how often each image counts, and the headline of a model in each."""

    weights: Doubles
    headline: Doubles


def _drawing(metric: Metric[Any, Any], found: Predictions, truth: Labelled, draws: int) -> _Drawing | None:
    if not draws:
        return None
    weights = draw_images(len(truth.paths), draws, SEED)
    return _Drawing(weights, metric.weighted(found, truth.annotations, truth.classes, weights))


def _other_draws(
    metric: Metric[Any, Any], found: Predictions, truth: Labelled, weights: Doubles
) -> dict[str, tuple[float | None, ...]]:
    others = metric.weighted_others(found, truth.annotations, truth.classes, weights)
    return {name: _kept(draws) for name, draws in others.items()}


def _kept(draws: Doubles) -> tuple[float | None, ...]:
    """Return *draws* to a ten-thousandth of a point, which keeps the record of many classes small; None for nan."""
    return tuple(None if number != number else number for number in np.round(draws, 4).tolist())


def _drawn(value: float, draws: Doubles | None) -> Drawn:
    if draws is None:
        return Drawn(value)
    each = tuple(None if number != number else float(number) for number in draws.tolist())  # nan: nothing in the draw
    return Drawn(value, interval_of(draws, SEED), each)


def _reference_score(
    pair: PredictedPair, truth: Labelled, metric: Metric[Any, Any], value: float, drawn: _Drawing | None
) -> ReferenceScore | None:
    if pair.reference is None or pair.reference_artifact is None:
        return None
    scores: Scores = metric.score(pair.reference, truth.annotations, truth.classes)
    other, interval = scores.numbers[metric.numbers[0]] or 0.0, None
    if drawn is not None:
        others = metric.weighted(pair.reference, truth.annotations, truth.classes, drawn.weights)
        interval = interval_of(drawn.headline - others, SEED, value=value - other)
    return ReferenceScore(
        model_sha256=sha256_of(pair.reference_artifact.model),
        numbers=scores.numbers,
        difference=value - other,
        ratio=value / other if other > 0 else None,
        difference_interval=interval,
    )


def _refuse_others(one: Contract, other: Contract) -> None:
    if one.task.kind != other.task.kind:
        raise InputError(
            f"one model's task is {one.task.kind}, the other's {other.task.kind}: only models of the same task can be "
            "compared"
        )
    if one.labels != other.labels:
        first = next((i for i, pair in enumerate(zip(one.labels, other.labels, strict=False)) if len(set(pair)) > 1), 0)
        raise InputError(
            f"the two models have other labels ({len(one.labels)} and {len(other.labels)}, they differ from class "
            f"{first} on): only models of the same classes can be compared"
        )


def _label_protocol(name: str, metric: Metric[Any, Any], truth: Labelled) -> dict[str, object]:
    annotations = truth.annotations
    return {
        "metric": name,
        "metric_source": metric.source,
        **metric.protocol,
        "annotations": annotations.origin,
        "annotations_sha256": annotations.sha256,
        "split": annotations.split,
        "class_match": truth.classes.rule,
        "classes_left_out": truth.classes.classes_left_out,
        "categories_left_out": truth.categories_left_out,
    }


def _run(pair: PredictedPair, options: EvaluationOptions, protocol: Mapping[str, object]) -> EvaluatedRun:
    contract, found = pair.artifact.contract, pair.found
    settings = scored_task(contract.task.kind).protocol(contract)
    return EvaluatedRun(
        images=len(found.sizes),
        objects=found.count,
        model=str(pair.artifact.model),
        model_sha256=sha256_of(pair.artifact.model),
        detect_wall_s=found.wall_s or None,
        invoke_sum_s=found.invoke_sum_s,
        protocol={
            "images": len(found.sizes),
            **settings,
            "resize": options.resize_as or contract.image.resize,
            "orientation": orientation(pair.upright),
            "runtime": found.runtime,
            "threads": options.threads,
            **({} if pair.artifact.bank is None else {"bank_sha256": sha256_of(pair.artifact.bank)}),
            **found.protocol,
            **protocol,
        },
        device=options.host.facts(),
    )
