"""The main job: from a trained detector to a measured int8 TFLite model, with a report on its quality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from detlite.accuracy.images import Images
from detlite.accuracy.video import UnreadableVideoError, first_frames, none_readable
from detlite.calibration.apart import audit_apart, quantize_apart
from detlite.calibration.recipe import AuditRequest, QuantizeRequest, Recipe
from detlite.calibration.video.footage import takes_video
from detlite.convert.apart import convert
from detlite.convert.artifact import prepare_output
from detlite.convert.finished import check_float
from detlite.convert.load import source_given, with_heads
from detlite.convert.model import model_of
from detlite.convert.options import DetectorOptions
from detlite.convert.requests import ConvertRequest, Given
from detlite.convert.source import ARTIFACT, TFLITE, Source
from detlite.devices.inventory import Device
from detlite.devices.remote.measure import measure_on
from detlite.devices.remote.request import MeasureRequest
from detlite.runtime.artifact import CONTRACT, HISTORY, LABELS, Artifact, read_artifact, sha256_of
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.measure.in_turn import Plan, measure_in_turn
from detlite.runtime.measure.options import MeasureOptions, setup_of
from detlite.runtime.measure.results import SCHEMA_VERSION as MEASUREMENT_VERSION
from detlite.runtime.measure.results import Measurement
from detlite.runtime.model_file import model_name
from detlite.runtime.progress import Progress, begin
from detlite.runtime.records import to_record
from detlite.runtime.task import task_kind
from detlite.runtime.tasks.classification import Classification
from detlite.runtime.tasks.detection import Detection
from detlite.studies.run.images import ImageSets
from detlite.studies.run.ledger import Ledger, Record
from detlite.studies.run.parity import parity
from detlite.studies.run.scores import DRAWS, score

FLOAT, DEPLOYED = "float32", "postprocess"
ARTIFACT_FILES = (model_name(TFLITE), CONTRACT, LABELS, HISTORY)
PARITY_IMAGES = 4
REFERENCE = "reference.npz"
STILLS = "images/stills"
"""Where the frames of a video are that single inferences are compared and measured on."""
FINISHED = (ARTIFACT, TFLITE)
LINEAR = "center_offset"  # of CenterNet and BlazeFace: the post-processing op decodes boxes of SSDs
NO_OPTIONS: Record = {"nms": {}, "labels": None, "input_size": None, "logits": False}
DEVICE_PRESET = "quick"
CONVERT, QUANTIZE, PROVE, MEASURE, SCORE, REPORT = (
    "convert the trained model to a float model",
    "quantize it",
    "compare the float model with the trained graph",
    "measure both models",
    "score both models",
    "write the report",
)


@dataclass(frozen=True)
class RunSettings:
    """The options of a run, besides its images.

    Attributes:
        given: the trained detector, or a finished float model.
        labels: a label file, or None.
        recipe: how to quantize; its heads are raw.
        threads: number of threads of the measured interpreters.
        samples: minimum number of latencies measured per model, on this machine.
        device: where to measure; None: on this machine, both models in turn.
    """

    given: Given
    labels: Path | None = None
    recipe: Recipe = field(default_factory=Recipe)
    threads: int = 1
    samples: int = 200
    device: Device | None = None

    @property
    def names(self) -> tuple[str, str]:
        """The names of the float model and of the quantized one: of their folders too."""
        return FLOAT, self.recipe.scheme


@dataclass(frozen=True, eq=False)
class Results:
    """All results, from which the report is written.

    Attributes:
        names: of the float model and of the quantized one.
        source: what was given.
        images: what was calibrated and scored with.
        float32: the float model.
        quantized: the other one, with raw heads.
        deployed: the same with the post-processing op; None if the op cannot do what the detector needs.
        unrepaired: what int8 would be without repairs; None if the source is no graph.
        parity: how far the float model is from its graph; None if a finished model was given.
        measurements: of both models.
        scores: see `detlite.studies.run.scores`.
    """

    names: tuple[str, str]
    source: Source
    images: ImageSets
    float32: Artifact
    quantized: Artifact
    deployed: Artifact | None
    unrepaired: Record | None
    parity: Record | None
    measurements: tuple[Measurement, ...]
    scores: Record

    @property
    def name(self) -> str:
        """The name of the quantized model."""
        return self.names[1]


def run_source(given: Given) -> Source:
    """Return the source that *given* names.

    Raises:
        InputError: it does not exist, has no known format, or is quantized already.
    """
    if given.source is not None:
        check_float(given.source)
    source = source_given(given)
    assert isinstance(source, Source)  # a run is not offered untrained presets
    return source


def steps_of(source: Source) -> tuple[str, ...]:
    """Return the steps of a run from *source*, in order; a finished model has no graph to compare with."""
    proved = () if source.format in FINISHED else (PROVE,)
    return (CONVERT, QUANTIZE, *proved, MEASURE, SCORE, REPORT)


def run_stages(ledger: Ledger, source: Source, images: ImageSets, settings: RunSettings, progress: Progress) -> Results:
    """Run every stage that is not done yet, and return the results of all.

    Raises:
        InputError: the model is no detector, or a stage cannot do its work.
    """
    stages = _Stages(ledger, source, images, settings, progress)
    float32 = stages.convert()
    quantized = stages.quantize(float32)
    return Results(
        names=settings.names,
        source=source,
        images=images,
        float32=float32,
        quantized=quantized,
        deployed=stages.deploy(quantized),
        unrepaired=stages.audit(float32),
        parity=stages.prove(float32),
        measurements=stages.measure(float32, quantized),
        scores=stages.score(float32, quantized),
    )


@dataclass(frozen=True, eq=False)
class _Stages:
    """The stages, each a step of the ledger."""

    ledger: Ledger
    source: Source
    images: ImageSets
    settings: RunSettings
    progress: Progress

    def convert(self) -> Artifact:
        begin(self.progress, CONVERT)
        settings, contract = self.settings, self.source.path / CONTRACT
        request = ConvertRequest(settings.given, self._path(FLOAT), self._options(), force=True)
        inputs = {"source": self.source.sha256, "options": self._asked_options()}
        if self.source.format == ARTIFACT:
            inputs["contract"] = sha256_of(contract)
        float32 = self._artifact("convert", FLOAT, inputs, lambda: convert(request, progress=self.progress))
        _check_use(str(self.source.given), float32.contract, self.images)
        return float32

    def quantize(self, float32: Artifact) -> Artifact:
        begin(self.progress, QUANTIZE)
        images, recipe, name = self.images.calibration, self.settings.recipe, self.settings.recipe.scheme
        request = QuantizeRequest(
            self._path(FLOAT),
            self._path(name),
            force=True,
            images=images.paths,
            images_origin=images.origin,
            images_upright=images.upright,
            recipe=recipe,
        )
        inputs = {"model": _digest(float32), "images": images.digest(), "recipe": to_record(recipe)}
        inputs["upright"] = images.upright
        footage = self.images.footage
        if footage is not None and images.paths:
            request = replace(request, images=(), videos=footage)
            inputs["videos"] = [footage.count, footage.seed]
        return self._artifact("quantize", name, inputs, lambda: quantize_apart(request, progress=self.progress))

    def deploy(self, quantized: Artifact) -> Artifact | None:
        if not isinstance(quantized.contract.task, Detection) or quantized.contract.task.box_coder.coding == LINEAR:
            return None
        folder = f"{self.settings.recipe.scheme}_{DEPLOYED}"

        def work() -> Record:
            with_heads(model_of(quantized), "postprocess").save(self.ledger.folder / folder, force=True)
            return {}

        self.ledger.stage("deploy", {"model": _digest(quantized)}, _files(folder), work)
        return read_artifact(self.ledger.folder / folder)

    def audit(self, float32: Artifact) -> Record | None:
        if self._is_finished:
            return None
        begin(self.progress, PROVE)
        few = self._stills()
        out, contract = self._path(REFERENCE), float32.contract.to_json()
        request = AuditRequest(self.settings.given, few, out, contract, self._options())
        inputs = {"source": self.source.sha256, "images": Images(few, "").digest(), "model": _digest(float32)}
        inputs["given"] = self.source.format
        answer = self.ledger.stage("audit", inputs, [REFERENCE], lambda: audit_apart(request, progress=self.progress))
        unrepaired: Record | None = answer["unrepaired"]
        return unrepaired

    def prove(self, float32: Artifact) -> Record | None:
        if self._is_finished:
            return None
        few = self._stills()
        reference = self.ledger.folder / REFERENCE
        inputs = {"model": _digest(float32), "images": Images(few, "").digest()}
        return self.ledger.stage("parity", inputs, [], lambda: parity(float32, few, reference))

    def measure(self, *models: Artifact) -> tuple[Measurement, ...]:
        begin(self.progress, MEASURE)
        device = self.settings.device
        inputs: Record = {"models": list(map(_digest, models)), "threads": self.settings.threads}
        inputs |= {"samples": self.settings.samples, "measurement": MEASUREMENT_VERSION}
        if device is not None:
            inputs["device"] = [device.name, device.kind, device.address]

        def work() -> Record:
            found = self._in_turn(models) if device is None else self._on(device, models)
            return {"models": [one.to_record() for one in found]}

        answer = self.ledger.stage("latency", inputs, [], work)
        found = tuple(Measurement.from_record(one) for one in answer["models"])
        if any(one.reasons for one in found):
            self.ledger.forget("latency")  # a busy machine may be quiet the next time
        return found

    def _in_turn(self, models: Sequence[Artifact]) -> tuple[Measurement, ...]:
        options, images = MeasureOptions(threads=self.settings.threads), self._stills()[:1]
        setups = [setup_of(one.model, one.contract, options, images=images) for one in models]
        return measure_in_turn(setups, Plan(self.settings.samples), progress=self.progress)

    def _on(self, device: Device, models: Sequence[Artifact]) -> tuple[Measurement, ...]:
        """Measure one after the other on *device*, in single-stream: a board's program runs one model."""
        options = MeasureOptions(preset=DEVICE_PRESET, threads=self.settings.threads)
        images = self._stills()[:1]
        found = []
        for model in models:
            one = measure_on(device, MeasureRequest(model, options, images), progress=self.progress)
            if not isinstance(one, Measurement):
                raise InputError(
                    f"{device.name} measures with benchmark_model, which keeps no samples: measure it apart"
                )
            found.append(one)
        return tuple(found)

    def score(self, *models: Artifact) -> Record:
        begin(self.progress, SCORE)
        inputs: Record = {
            "models": list(map(_digest, models)),
            "images": self.images.evaluation.digest(),
            "upright": self.images.evaluation.upright,
            "annotations": self.images.annotations and self.images.annotations.sha256,
            "photographs": self.images.photographs,
            "draws": DRAWS,
        }
        named = dict(zip(self.settings.names, models, strict=True))
        return self.ledger.stage("score", inputs, [], lambda: score(named, self.images, self.progress))

    def _stills(self) -> tuple[Path, ...]:
        """Return the first images to score with, or the first frames of a video, which are written."""
        if self.images.footage is None:
            return self.images.evaluation.paths[:PARITY_IMAGES]
        folder, reasons = self.ledger.folder / STILLS, list[str]()
        folder.mkdir(parents=True, exist_ok=True)
        for path in self.images.evaluation.paths:
            try:
                return first_frames(path, PARITY_IMAGES, folder)[0]
            except UnreadableVideoError as error:
                reasons.append(str(error))
        raise InputError(none_readable(reasons))

    @property
    def _is_finished(self) -> bool:
        """Whether the source is a finished model, which has no graph to compare with."""
        return self.source.format in FINISHED

    def _artifact(self, name: str, folder: str, inputs: Record, make: Callable[[], Record]) -> Artifact:
        def work() -> Record:
            prepare_output(self._path(folder), force=True)  # before minutes of work, of which nothing could be kept
            make()
            return {}

        self.ledger.stage(name, inputs, _files(folder), work)
        return read_artifact(self.ledger.folder / folder)

    def _path(self, name: str) -> Path:
        return (self.ledger.folder / name).absolute()

    def _options(self) -> DetectorOptions:
        labels = self.settings.labels
        return DetectorOptions(labels=None if labels is None else labels.absolute())

    def _asked_options(self) -> Record:
        """Return the options as the ledger compares them with those of an earlier run."""
        labels = self._options().labels
        return {**NO_OPTIONS, "labels": None if labels is None else str(labels)}


def _check_use(given: str, contract: Contract, images: ImageSets) -> None:
    """Raise `InputError` unless a run takes the model *given*, and *images* are what it sees."""
    is_of_video = takes_video(contract)
    if not is_of_video and not isinstance(contract.task, Detection):
        title = task_kind(contract.task.kind).title
        raise InputError(
            f"{given} is {title}: a run takes detectors and classifiers of video; use quantize, measure, evaluate"
        )
    if is_of_video and not isinstance(contract.task, Classification):
        raise InputError(f"{given} takes video and is no classifier; use quantize, measure, detect")
    if is_of_video != (images.footage is not None):
        wanted = "video: give --videos FOLDER" if is_of_video else "single images: give --images or --coco"
        raise InputError(f"{given} takes {wanted}")


def _files(folder: str) -> list[str]:
    return [f"{folder}/{name}" for name in ARTIFACT_FILES]


def _digest(artifact: Artifact) -> Any:
    return artifact.history[-1]["output_sha256"]
