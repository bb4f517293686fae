"""One evaluation as a record: the numbers, how sure they are, and the protocol that they belong to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from detlite.accuracy.bootstrap import MOST_DRAWS, SEED, draw_images, interval_of
from detlite.accuracy.detect import Detected, detect, detecting
from detlite.accuracy.fidelity import TRUTH_SCORE, fidelity, fidelity_matches
from detlite.accuracy.ground_truth import Labelled
from detlite.accuracy.metric import load_metric
from detlite.accuracy.precision import mean_average_precision
from detlite.runtime.arrays import Doubles
from detlite.runtime.artifact import Artifact, sha256_of
from detlite.runtime.child import Child
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.measure.device_mark import mark_of
from detlite.runtime.measure.host import host_facts
from detlite.runtime.progress import Progress, silent
from detlite.runtime.tasks.detection import detection_of

Record = dict[str, Any]


class Detector(Protocol):
    """Where models are run: detections are computed there, and scored here."""

    def ready(self) -> AbstractContextManager[object]:
        """Get ready to detect, while labels are read; what was not used ends with the `with`."""

    def detect(
        self, artifact: Artifact, paths: Sequence[Path], *, threads: int = 1, progress: Progress = silent
    ) -> Detected:
        """Return what *artifact* finds in the image files *paths*."""

    def facts(self) -> Record:
        """Return what a record says of the device."""


class ThisMachine:
    """Detects in a child process on this machine."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._child: Child | None = None

    def ready(self) -> AbstractContextManager[object]:
        """Start the process of the first detection: it imports the interpreter while labels are read."""
        self._child = detecting()
        return self._child

    def detect(
        self, artifact: Artifact, paths: Sequence[Path], *, threads: int = 1, progress: Progress = silent
    ) -> Detected:
        """Return what *artifact* finds in the image files *paths*."""
        child, self._child = self._child, None
        return detect(artifact, paths, threads=threads, child=child, progress=progress)

    def facts(self) -> Record:
        """Return what this machine is."""
        return dict(host_facts())


@dataclass(frozen=True)
class Options:
    """How to evaluate.

    Attributes:
        threads: of the interpreter.
        draws: of the bootstrap; 0 for no intervals.
        detector: where the model is run; the one that it is compared with always runs on this machine.
        resize_as: the client of Android's whose resizing the detector follows; None for that of the contract.
    """

    threads: int = 1
    draws: int = 0
    detector: Detector = field(default_factory=ThisMachine)
    resize_as: str | None = None

    def __post_init__(self) -> None:
        if self.draws and not 2 <= self.draws <= MOST_DRAWS:
            raise InputError(f"{self.draws} bootstrap draws: want 2 to {MOST_DRAWS}, or 0 for none")


@dataclass(frozen=True, eq=False)
class Pair:
    """An artifact, what it found, and the same of another one, the reference, where there is one."""

    artifact: Artifact
    found: Detected
    reference_artifact: Artifact | None = None
    reference: Detected | None = None


def detect_pair(
    artifact: Artifact, reference: Artifact | None, paths: Sequence[Path], options: Options, progress: Progress = silent
) -> Pair:
    """Return what both find in the images *paths*; `InputError` where the two have other classes."""
    if reference is None:
        return Pair(artifact, options.detector.detect(artifact, paths, threads=options.threads, progress=progress))
    _same_classes(artifact.contract, reference.contract)
    found = options.detector.detect(artifact, paths, threads=options.threads, progress=progress)
    return Pair(artifact, found, reference, detect(reference, paths, threads=options.threads, progress=progress))


def by_labels(pair: Pair, truth: Labelled, metric_name: str, options: Options) -> Record:
    """Return the record of a score by *truth*: numbers in percent, per class, and against the reference.

    Raises:
        UnknownNameError: no metric is called so.
        InputError: the images are not those of the annotations.
    """
    begin = time.perf_counter()
    metric = load_metric(metric_name)
    scores = metric.score(pair.found, truth.annotations, truth.classes)
    if scores.numbers["map"] is None:
        raise InputError(f"no object that counts is annotated in these {len(truth.paths)} images: use more")
    record: Record = {"metric": metric_name, **scores.numbers}
    weights = draw_images(len(truth.paths), options.draws, SEED) if options.draws else None
    draws = None if weights is None else metric.weighted(pair.found, truth.annotations, truth.classes, weights)
    record |= _with_draws("map", draws)
    if pair.reference is not None and pair.reference_artifact is not None:
        other = metric.score(pair.reference, truth.annotations, truth.classes).numbers
        record["against"] = {"model_sha256": sha256_of(pair.reference_artifact.model), **other}
        record |= _against(scores.numbers["map"], other["map"] or 0.0)
        if weights is not None and draws is not None:
            others = metric.weighted(pair.reference, truth.annotations, truth.classes, weights)
            record["map_difference_interval"] = interval_of(draws - others, SEED).to_record()
    record["per_class"] = [item.to_record() for item in scores.classes]
    record["score_wall_s"] = time.perf_counter() - begin
    annotations = truth.annotations
    data: Record = {"metric": metric_name, "metric_source": metric.source, **metric.protocol}
    data |= {"annotations": annotations.origin, "annotations_sha256": annotations.sha256, "split": annotations.split}
    data |= {"class_match": truth.classes.rule, "classes_left_out": truth.classes.classes_left_out}
    return record | _common(pair, options, data | {"categories_left_out": truth.categories_left_out})


def by_fidelity(pair: Pair, options: Options, images_sha256: str) -> Record:
    """Return the record of how far the artifact's detections are those of the reference's; see `fidelity`."""
    if pair.reference is None or pair.reference_artifact is None:
        raise InputError("fidelity needs a second model, whose detections are right: give --against ARTIFACT")
    record: Record = {"metric": "fidelity", **asdict(fidelity(pair.found, pair.reference))}
    record.pop("interval")
    draws = None
    if options.draws:
        matches = fidelity_matches(pair.found, pair.reference)
        draws = mean_average_precision(matches, draw_images(matches.images, options.draws, SEED))
    record |= _with_draws("fidelity", draws)
    data: Record = {"metric": "fidelity", "truth_score": TRUTH_SCORE, "images_sha256": images_sha256}
    return record | _common(pair, options, data | {"against_sha256": sha256_of(pair.reference_artifact.model)})


def _with_draws(name: str, draws: Doubles | None) -> Record:
    """Return the interval, and each draw: the same ones for another model, so that two records can be compared."""
    if draws is None:
        return {f"{name}_interval": None}
    each = [None if value != value else float(value) for value in draws.tolist()]  # nan: nothing is in that draw
    return {f"{name}_interval": interval_of(draws, SEED).to_record(), f"{name}_draws": each}


def _against(value: float, other: float) -> Record:
    return {"map_difference": value - other, "map_ratio": value / other if other > 0 else None}


def _same_classes(one: Contract, other: Contract) -> None:
    if one.labels != other.labels:
        first = next((i for i, pair in enumerate(zip(one.labels, other.labels, strict=False)) if len(set(pair)) > 1), 0)
        raise InputError(
            f"the two models have other labels ({len(one.labels)} and {len(other.labels)}, they differ from class "
            f"{first} on): only models of the same classes can be compared"
        )


def _common(pair: Pair, options: Options, data: Record) -> Record:
    contract, found = pair.artifact.contract, pair.found
    task = detection_of(contract)
    protocol = {
        "images": len(found.sizes),
        "max_detections": task.nms.max_detections,
        "score_threshold": task.nms.score_threshold,
        "nms": asdict(task.nms),
        "resize": options.resize_as or contract.image.resize,
        "label_offset": task.label_offset,
        "runtime": found.runtime,
        "threads": options.threads,
        **data,
    }
    device = options.detector.facts()
    mark = mark_of(device)  # such times say nothing, and are never shown without it
    word = f"{mark}_" if mark else ""
    return {
        **({mark: True} if mark else {}),
        "images": len(found.sizes),
        "detections": len(found.scores),
        "model": str(pair.artifact.model),
        "model_sha256": sha256_of(pair.artifact.model),
        **({f"{word}detect_wall_s": found.wall_s} if found.wall_s else {}),
        f"{word}invoke_sum_s": found.invoke_sum_s,
        "protocol": protocol,
        "device": device,
    }
