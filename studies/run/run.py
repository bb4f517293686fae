"""The main job: from a trained detector to a measured int8 TFLite model, with a report on its quality."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.accuracy.images import Images
from detlite.calibration.apart import audit_apart, quantize_apart
from detlite.calibration.recipe import AuditRequest, QuantizeRequest
from detlite.calibration.weights.method import DEFAULT_METHOD
from detlite.convert.apart import convert
from detlite.convert.artifact import prepare_output
from detlite.convert.load import with_heads
from detlite.convert.model import model_of
from detlite.convert.options import DetectorOptions
from detlite.convert.requests import ConvertRequest, Given
from detlite.convert.source import ARTIFACT, CHECKPOINT, TFLITE, Source, recognize
from detlite.runtime.artifact import CONTRACT, HISTORY, LABELS, Artifact, read_artifact
from detlite.runtime.errors import InputError
from detlite.runtime.measure.in_turn import Plan, measure_in_turn
from detlite.runtime.measure.options import MeasureOptions, setup_of
from detlite.runtime.measure.results import SCHEMA_VERSION as MEASUREMENT_VERSION
from detlite.runtime.measure.results import Measurement
from detlite.runtime.model_file import model_name
from detlite.runtime.progress import Progress
from detlite.studies.run.images import ImageSets
from detlite.studies.run.ledger import Ledger, Record
from detlite.studies.run.parity import parity
from detlite.studies.run.scores import DRAWS, score

FLOAT, INT8, DEPLOYED = "float32", "int8", "int8_postprocess"
ARTIFACT_FILES = (model_name(TFLITE), CONTRACT, LABELS, HISTORY)
PARITY_IMAGES = 4
NO_OPTIONS: Record = {"nms": {}, "labels": None, "input_size": None, "logits": False}


@dataclass(frozen=True)
class RunSettings:
    """The options of a run, besides its source and its images.

    Attributes:
        labels: a label file, or None.
        threads: number of threads of the measured interpreters.
        samples: minimum number of latencies measured per model.
    """

    labels: Path | None = None
    threads: int = 1
    samples: int = 200


@dataclass(frozen=True, eq=False)
class Results:
    """All results, from which the report is written."""

    source: Source
    images: ImageSets
    float32: Artifact
    int8: Artifact
    deployed: Artifact
    unrepaired: Record
    parity: Record
    measurements: tuple[Measurement, ...]
    scores: Record


def trained_source(path: Path) -> Source:
    """Return the source of the trained detector at *path*.

    Raises:
        InputError: it does not exist, has no known format, or cannot start a run.
    """
    source = recognize(path)
    if source.format in (ARTIFACT, TFLITE):
        raise InputError(
            f"{path} is a finished TFLite model, but a run starts with a trained graph: use detlite quantize, measure "
            "and evaluate"
        )
    if source.format == CHECKPOINT:
        raise InputError(
            f"{path} is a checkpoint, but a run compares its models with an exported graph: use `detlite convert`, "
            "then detlite quantize, measure and evaluate"
        )
    return source


def run_stages(ledger: Ledger, source: Source, images: ImageSets, settings: RunSettings, progress: Progress) -> Results:
    """Run every stage that is not done yet, and return the results of all."""
    stages = _Stages(ledger, source, images, settings, progress)
    float32 = stages.convert()
    int8 = stages.quantize(float32)
    return Results(
        source=source,
        images=images,
        float32=float32,
        int8=int8,
        deployed=stages.deploy(int8),
        unrepaired=stages.audit(float32),
        parity=stages.prove(float32),
        measurements=stages.measure(float32, int8),
        scores=stages.score(float32, int8),
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
        request = ConvertRequest(Given(self.source.path.absolute()), self._path(FLOAT), self._options(), force=True)
        inputs = {"source": self.source.sha256, "options": self._asked_options()}
        return self._artifact("convert", FLOAT, inputs, lambda: convert(request, progress=self.progress))

    def quantize(self, float32: Artifact) -> Artifact:
        images = self.images.calibration
        request = QuantizeRequest(
            self._path(FLOAT),
            self._path(INT8),
            force=True,
            images=images.paths,
            images_origin=images.origin,
            images_upright=images.upright,
        )
        inputs = {"model": _digest(float32), "images": images.digest(), "method": DEFAULT_METHOD}
        inputs |= {"options": NO_OPTIONS}
        return self._artifact("quantize", INT8, inputs, lambda: quantize_apart(request, progress=self.progress))

    def deploy(self, int8: Artifact) -> Artifact:
        def work() -> Record:
            with_heads(model_of(int8), "postprocess").save(self.ledger.folder / DEPLOYED, force=True)
            return {}

        self.ledger.stage("deploy", {"model": _digest(int8)}, _files(DEPLOYED), work)
        return read_artifact(self.ledger.folder / DEPLOYED)

    def audit(self, float32: Artifact) -> Record:
        few = self.images.evaluation.paths[:PARITY_IMAGES]
        out, contract = self._path("reference.npz"), float32.contract.to_json()
        request = AuditRequest(self.source.path, few, out, contract, self._options())
        inputs = {"source": self.source.sha256, "images": Images(few, "").digest(), "model": _digest(float32)}
        return self.ledger.stage(
            "audit", inputs, ["reference.npz"], lambda: audit_apart(request, progress=self.progress)
        )

    def prove(self, float32: Artifact) -> Record:
        few = self.images.evaluation.paths[:PARITY_IMAGES]
        reference = self.ledger.folder / "reference.npz"
        inputs = {"model": _digest(float32), "images": Images(few, "").digest()}
        return self.ledger.stage("parity", inputs, [], lambda: parity(float32, few, reference))

    def measure(self, float32: Artifact, int8: Artifact) -> tuple[Measurement, ...]:
        inputs: Record = {"models": [_digest(float32), _digest(int8)], "threads": self.settings.threads}
        inputs |= {"samples": self.settings.samples, "measurement": MEASUREMENT_VERSION}
        options = MeasureOptions(threads=self.settings.threads)
        images = self.images.evaluation.paths[:1]

        def work() -> Record:
            setups = [setup_of(one.model, one.contract, options, images=images) for one in (float32, int8)]
            found = measure_in_turn(setups, Plan(self.settings.samples), progress=self.progress)
            return {"models": [one.to_record() for one in found]}

        answer = self.ledger.stage("latency", inputs, [], work)
        return tuple(Measurement.from_record(one) for one in answer["models"])

    def score(self, float32: Artifact, int8: Artifact) -> Record:
        inputs: Record = {
            "models": [_digest(float32), _digest(int8)],
            "images": self.images.evaluation.digest(),
            "annotations": self.images.annotations and self.images.annotations.sha256,
            "photographs": self.images.photographs,
            "draws": DRAWS,
        }
        return self.ledger.stage("score", inputs, [], lambda: score(float32, int8, self.images, self.progress))

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


def _files(folder: str) -> list[str]:
    return [f"{folder}/{name}" for name in ARTIFACT_FILES]


def _digest(artifact: Artifact) -> Any:
    return artifact.history[-1]["output_sha256"]
