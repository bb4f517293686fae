"""The stages of a plan's cells: a graph in which equal stages of several cells are one, keyed by content."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from detlite.accuracy.images import Images
from detlite.accuracy.views import WHOLE
from detlite.calibration.images.gather import ImageRequest
from detlite.calibration.numbers.scheme import scheme_called
from detlite.calibration.recipe import QuantizeRequest, Recipe
from detlite.convert.exporter import exporter_called
from detlite.convert.options import DetectorOptions, NmsOptions
from detlite.convert.requests import ConvertRequest, ExportRequest
from detlite.convert.source import TFLITE
from detlite.convert.target import target_of
from detlite.devices.inventory import THIS_MACHINE, Device, Inventory
from detlite.runtime.counts import counted
from detlite.runtime.errors import DetliteError, InputError
from detlite.runtime.measure.options import PRESET, MeasureOptions
from detlite.runtime.records import Record, from_record, to_record
from detlite.runtime.version import __version__
from detlite.studies.store.entry import Digests, digest_of
from detlite.studies.sweep.axes import CALIBRATION, FLOAT, MEASURING, NONE, RECIPE, Value, size_of
from detlite.studies.sweep.cells import Cell
from detlite.studies.sweep.plan_file import PlanError, PlanFile
from detlite.studies.sweep.sources import SourceModel, Sources

FETCH, CONVERT, QUANTIZE, EXPORT, COMPILE = "fetch", "convert", "quantize", "export", "compile"
MEASURE, EVALUATE = "measure", "evaluate"
VERSIONS: Mapping[str, int] = dict.fromkeys((FETCH, CONVERT, QUANTIZE, EXPORT, COMPILE, MEASURE, EVALUATE), 1)
"""Of each stage: raise one when its results change within a version of detlite."""

SOURCE_AXES = ("model", "input_size", "nms", "score_threshold", "iou", "max_detections")
NMS_AXES = {
    "kind": "nms",
    "score_threshold": "score_threshold",
    "iou_threshold": "iou",
    "max_detections": "max_detections",
}
"""The axis of each field of `NmsOptions`."""

QUIET_WAYS = ("local", "simulated")
ATTACHED_WAYS = (*QUIET_WAYS, "adb")
"""The ways to devices that run on this machine, and to those that are attached to it."""

ENGINE_CHIP = "tensorrt"
"""A model that is compiled for it is measured by the engine that the device builds, with trtexec's own protocol."""

NOWHERE = Path()
"""In a request of a stage, the place of a file that the engine fills in."""


@dataclass(frozen=True)
class Stage:
    """One piece of work.

    Attributes:
        key: of its record in the store.
        kind: `fetch`, `convert`, `quantize`, `export`, `compile`, `measure` or `evaluate`.
        digests: what the key is made of.
        facts: the choices that it depends on, for its record.
        request: what is asked, as JSON; see `studies/sweep/work.py`.
        needs: the key of the stage whose result it starts from; None for the first.
        device: what is measured; None for other stages.
        is_quiet: whether nothing else may run on the machine beside it.
        is_attached: whether its device is attached to this machine, or is this machine: only workers here reach it.
    """

    key: str
    kind: str
    digests: Digests
    facts: Mapping[str, Any]
    request: Record
    needs: str | None = None
    device: str | None = None
    is_quiet: bool = False
    is_attached: bool = False


@dataclass(frozen=True)
class SweepGraph:
    """The stages of all cells.

    Attributes:
        cells: in the plan's order.
        stages: by key; a stage comes after the one that it needs.
        of_cell: the keys of each cell's stages, by the cell's key, in order.
    """

    cells: tuple[Cell, ...]
    stages: Mapping[str, Stage]
    of_cell: Mapping[str, tuple[str, ...]]

    def finals(self, cell: Cell) -> tuple[Stage, ...]:
        """Return the stages whose results are the cell's: no other of its stages needs them."""
        found = [self.stages[key] for key in self.of_cell[cell.key]]
        needed = {stage.needs for stage in found}
        return tuple(stage for stage in found if stage.key not in needed)

    def missing(self, done: set[str]) -> tuple[Stage, ...]:
        """Return the stages that must run, in order: what a final stage that is not *done* needs, if that is not."""
        wanted: set[str] = set()
        for cell in self.cells:
            for stage in self.finals(cell):
                key: str | None = stage.key
                while key is not None and key not in done and key not in wanted:
                    wanted.add(key)
                    key = self.stages[key].needs
        return tuple(stage for key, stage in self.stages.items() if key in wanted)


def graph_of(plan: PlanFile, cells: Sequence[Cell], inventory: Inventory) -> SweepGraph:
    """Return the stages of *cells*.

    Raises:
        PlanError: a model, an image, a data set or a device is not there; all mistakes are told.
    """
    builder = _Builder(plan, Sources(plan), inventory)
    of_cell, mistakes = {}, []
    for cell in cells:
        try:
            of_cell[cell.key] = tuple(stage.key for stage in builder.stages_of(cell))
        except DetliteError as error:
            mistakes += [f"{plan.path}: {one}" for one in (error, *builder.absences(cell))]
    if mistakes:
        told = tuple(dict.fromkeys(mistakes))
        text = told[0] if len(told) == 1 else f"{plan.path} has {counted(len(told), 'mistake')}; nothing was run"
        raise PlanError(text, told)
    return SweepGraph(tuple(cells), builder.stages, of_cell)


@dataclass(frozen=True, eq=False)
class _Builder:
    plan: PlanFile
    sources: Sources
    inventory: Inventory
    stages: dict[str, Stage] = field(default_factory=dict)

    def stages_of(self, cell: Cell) -> list[Stage]:
        """Return the stages of *cell*, in order."""
        choices = cell.choices
        source = self.sources.model(str(choices["model"]))
        made = [self._fetch(choices, source)] if source.zoo else []
        made.append(self._convert(choices, source, made[-1] if made else None))
        if choices["scheme"] != FLOAT:
            made.append(self._quantize(choices, made[-1]))
        if choices["format"] != TFLITE:
            made.append(self._export(choices, made[-1]))
        model = made[-1]
        if choices["target"] != NONE:
            made.append(self._compile(choices, model))
        if choices["device"] != NONE:
            made.append(self._measure(choices, made[-1]))
        if choices["dataset"] != NONE:
            made.append(self._evaluate(choices, model))
        return made

    def absences(self, cell: Cell) -> list[DetliteError]:
        """Return why its model, its images, its device and its data set are not there, each that is not."""
        found = []
        for look_at in (
            self._look_at_model,
            self._look_at_labels,
            self._look_at_images,
            self._look_at_device,
            self._look_at_dataset,
        ):
            try:
                look_at(cell.choices)
            except DetliteError as error:
                found.append(error)
        return found

    def _look_at_model(self, choices: Mapping[str, Value]) -> None:
        self.sources.model(str(choices["model"]))

    def _look_at_labels(self, choices: Mapping[str, Value]) -> None:
        self.sources.labels_sha256(str(choices["model"]))

    def _look_at_images(self, choices: Mapping[str, Value]) -> None:
        if choices["calibration"] is not None:
            self._calibration(choices)

    def _look_at_device(self, choices: Mapping[str, Value]) -> None:
        if choices["device"] != NONE:
            self.inventory.device(str(choices["device"]))
            self._measured_images()

    def _look_at_dataset(self, choices: Mapping[str, Value]) -> None:
        if choices["dataset"] != NONE:
            self.sources.dataset_sha256(str(choices["dataset"]))

    def _add(self, kind: str, digests: Digests, facts: Mapping[str, Value], request: object, **more: Any) -> Stage:
        recipe = digest_of([kind, VERSIONS[kind], __version__, digests.recipe])
        whole = Digests(digests.model, recipe, digests.device, digests.protocol, digests.images)
        stage = Stage(whole.key(kind), kind, whole, facts, to_record(request), **more)
        return self.stages.setdefault(stage.key, stage)

    def _fetch(self, choices: Mapping[str, Value], source: SourceModel) -> Stage:
        return self._add(FETCH, Digests(model=source.sha256), _given(choices, ("model",)), {"name": source.zoo})

    def _convert(self, choices: Mapping[str, Value], source: SourceModel, before: Stage | None) -> Stage:
        """Return the conversion: with the cell's heads for a float model, else raw, which quantizations share."""
        nms = from_record(NmsOptions, {name: choices[axis] for name, axis in NMS_AXES.items()})
        size = choices["input_size"]
        options = DetectorOptions(size_of(str(size)) if size else None, source.labels, nms)
        heads = str(choices["heads"]) if choices["scheme"] == FLOAT else "raw"
        request = ConvertRequest(source.given, NOWHERE, options, heads)
        recipe = digest_of([to_record(nms), size, heads])
        facts = {**_given(choices, SOURCE_AXES), "heads": heads, "scheme": FLOAT}
        needs = None if before is None else before.key
        return self._add(CONVERT, Digests(source.sha256, recipe), facts, request, needs=needs)

    def _quantize(self, choices: Mapping[str, Value], before: Stage) -> Stage:
        recipe = Recipe(
            method=str(choices["method"]),
            io=None if choices["io"] is None else str(choices["io"]),
            heads=str(choices["heads"]),
            estimator=str(choices["estimator"]),
            scheme=str(choices["scheme"]),
        )
        given: Images | ImageRequest = Images((), "")
        sha256 = ""
        if choices["calibration"] is not None:
            given, sha256 = self._calibration(choices)
        elif not _is_packing(choices):
            raise InputError(f"the scheme {choices['scheme']} needs calibration images: give calibration in [axes]")
        request = QuantizeRequest(NOWHERE, NOWHERE, recipe=recipe)
        if isinstance(given, Images):
            request = replace(request, images=given.paths, images_origin=given.origin)
        else:
            request = replace(request, videos=given)
        facts = _given(choices, (*SOURCE_AXES, "heads", "scheme", *RECIPE, *CALIBRATION))
        if _is_packing(choices):
            facts = {name: value for name, value in facts.items() if name not in (*RECIPE, *CALIBRATION)}
        digests = Digests(before.key, digest_of(to_record(recipe)), images=sha256)
        return self._add(QUANTIZE, digests, facts, request, needs=before.key)

    def _calibration(self, choices: Mapping[str, Value]) -> tuple[Images | ImageRequest, str]:
        """Return the images of a cell's calibration, or the request for its videos, and the digest of their content."""
        name, count, seed = str(choices["calibration"]), int(choices["count"] or 0), int(choices["seed"] or 0)
        videos = self.sources.videos(name, count, seed)
        if videos is not None:
            return videos, self.sources.videos_sha256(videos)
        images = self.sources.images(name, count, seed)
        return images, self.sources.images_sha256(images)

    def _export(self, choices: Mapping[str, Value], before: Stage) -> Stage:
        name = str(choices["format"])
        chosen = self.plan.tools.formats[name]
        options = dict(chosen.options)
        request = ExportRequest(NOWHERE, chosen.name, NOWHERE, options=options)
        digests = Digests(before.key, digest_of([chosen.name, options]))
        return self._add(EXPORT, digests, {**before.facts, "format": name}, request, needs=before.key)

    def _compile(self, choices: Mapping[str, Value], before: Stage) -> Stage:
        name, suffix = str(choices["target"]), self._suffix(choices)
        chosen = self.plan.tools.targets[name]
        target = target_of(chosen.name)
        if suffix not in target.suffixes:
            raise InputError(
                f"the target {name} compiles {' or '.join(target.suffixes)}, and the format {choices['format']} is "
                f"{suffix}: give another format, or leave them out by [[exclude]]"
            )
        options = dict(chosen.options)
        digests = Digests(before.key, digest_of([chosen.name, options]))
        request = {"chip": chosen.name, "options": options}
        return self._add(COMPILE, digests, {**before.facts, "target": name}, request, needs=before.key)

    def _suffix(self, choices: Mapping[str, Value]) -> str:
        chosen = self.plan.tools.formats.get(str(choices["format"]))
        return exporter_called(TFLITE if chosen is None else chosen.name).suffix

    def _measure(self, choices: Mapping[str, Value], before: Stage) -> Stage:
        device = self.inventory.device(str(choices["device"]))
        chosen = self.plan.tools.targets.get(str(choices["target"]))
        engine = chosen is not None and chosen.name == ENGINE_CHIP and device != THIS_MACHINE
        options = MeasureOptions(
            scenario=str(choices["scenario"]),
            preset=None if engine and choices["preset"] == PRESET else str(choices["preset"]),
            backend=None if choices["backend"] is None else str(choices["backend"]),
            threads=int(choices["threads"] or 1),
            streams=None if choices["streams"] is None else int(choices["streams"]),
            per_second=None if choices["target_qps"] is None else float(choices["target_qps"]),
            fps=None if choices["fps"] is None else float(choices["fps"]),
            queries=self.plan.measuring.queries,
            processes=self.plan.measuring.processes,
            min_duration_s=self.plan.measuring.min_seconds,
        )
        images, sha256 = ((), "") if engine else self._measured_images()
        video = self.plan.measuring.video
        if video is not None and device != THIS_MACHINE:
            raise InputError(f"videos are decoded on this machine: {device.name} is measured with images of frames")
        precision = chosen.options.get("precision") if engine and chosen is not None else None
        request = {"device": to_record(device), "options": to_record(options), "images": list(map(str, images))}
        request |= {"engine": engine, "precision": precision}
        if video is not None:
            path, sha256 = self.sources.video(video)
            request["video"] = str(path)
        facts = {**before.facts, **_given(choices, ("device", *MEASURING))}
        digests = Digests(before.key, device=_identity(device), protocol=digest_of(to_record(options)), images=sha256)
        way = {"is_quiet": device.way in QUIET_WAYS, "is_attached": device.way in ATTACHED_WAYS}
        return self._add(MEASURE, digests, facts, request, needs=before.key, device=device.name, **way)

    def _measured_images(self) -> tuple[tuple[Path, ...], str]:
        if self.plan.measuring.images is None:
            return (), ""
        images = self.sources.images(self.plan.measuring.images, 1_000_000, 0)
        return images.paths, self.sources.images_sha256(images)

    def _evaluate(self, choices: Mapping[str, Value], before: Stage) -> Stage:
        name, metric = str(choices["dataset"]), choices["metric"]
        if metric is not None:
            self.sources.check_metric(name, str(metric))
        dataset = self.sources.dataset(name)
        request = {"dataset": to_record(dataset.files), "known_classes": dataset.known_classes, "metric": metric}
        request |= {"draws": self.plan.draws}
        protocol = [metric, dataset.known_classes, self.plan.draws]
        if dataset.views != WHOLE:
            request["views"] = to_record(dataset.views)
            protocol.append(request["views"])
        digests = Digests(before.key, protocol=digest_of(protocol), images=self.sources.dataset_sha256(name))
        facts = {**before.facts, **_given(choices, ("dataset", "metric"))}
        return self._add(EVALUATE, digests, facts, request, needs=before.key)


def _given(choices: Mapping[str, Value], names: Iterable[str]) -> dict[str, Value]:
    return {name: choices[name] for name in names if choices[name] is not None}


def _is_packing(choices: Mapping[str, Value]) -> bool:
    return scheme_called(str(choices["scheme"])).is_packing


def _identity(device: Device) -> str:
    """Return the digest of what identifies *device*; a simulated one has a new folder each time."""
    known = to_record(device)
    known["simulated"] = device.simulated is not None
    if device == THIS_MACHINE:
        known["host"] = socket.gethostname()
    return digest_of(known)
