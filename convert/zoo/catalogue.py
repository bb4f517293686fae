"""The catalogue of published detectors: their archives, their published figures, and the pages that state them.

The facts are in `catalogue.json`. Whether detlite can convert a model is not stored there: it follows from the
families that are installed.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.convert.rebuild.odapi.family import family_of_archive
from detlite.convert.rebuild.torch_network import TORCH_NETWORKS
from detlite.runtime.errors import InputError, UnknownNameError, unknown_name
from detlite.runtime.plugins import plugin_names
from detlite.runtime.strict_json import load_json

FILE = Path(__file__).with_name("catalogue.json")
SCHEMA = "detlite.catalogue"
SCHEMA_VERSION = 1
GRAPHS = ("frozen_graph", "saved_model")
PYTORCH, ONNX = "pytorch", "onnx"
TF_VISION = "tf_vision"
CHANNELS_FIRST = ("ssd_resnet34",)
"""Families whose published graphs have NCHW maps: see `convert/channels_first.py`."""

OBJECTS = ("boxes", "masks", "keypoints")
"""What models return that detlite converts from archives."""

REBUILT = (
    *("cascade_rcnn", "deeplabv3", "deeplabv3plus", "mask_rcnn", "movinet", "resnet", "resnet_3d", "resnet_3d_rs"),
    *("resnet_rs", "retinanet", "vit"),
)
"""The families of TF-Vision's page that detlite rebuilds."""

SUFFIX = re.compile(r"\.(tar\.gz|tgz|tar|zip)$", re.IGNORECASE)


@dataclass(frozen=True)
class Page:
    """A page with a published table: its title and the revision that was read."""

    title: str
    revision: str


@dataclass(frozen=True)
class Archive:
    """A file to download; *sha256* is None if none has been published."""

    url: str
    sha256: str | None = None

    @property
    def file_name(self) -> str:
        """The last part of the URL."""
        return self.url.split("?")[0].rsplit("/", 1)[1]

    @property
    def stem(self) -> str:
        """The file name without its archive suffix: `ssd_mobilenet_v1_coco_2018_01_28`."""
        return stem_of(self.file_name)


@dataclass(frozen=True)
class RegistryPackage:
    """A registry package that holds the same weights in *folder*; *integrity* is npm's sha512 string."""

    registry: str
    name: str
    version: str
    file: str
    size_bytes: int
    sha256: str
    integrity: str
    folder: str


@dataclass(frozen=True)
class Listing:
    """A row of a page that lists the model; *archive* is the URL that the row links to, if any."""

    page: str
    section: str
    row: str
    archive: str | None = None


@dataclass(frozen=True)
class PublishedFigure:
    """One published number.

    Attributes:
        metric: the quantity, ending in its unit: `coco_map_percent`, `latency_ms`.
        value: the number, in that unit.
        column: the heading of its column in the table.
        pages: the pages that state it.
        split: the images it was measured on; None if the page does not say.
        device: the processor it was measured on; None if the page does not say.
        precision: the number format; None if the page does not say.
        archive: the URL of the archive it applies to, if the model has several.
    """

    metric: str
    value: float
    column: str
    pages: tuple[str, ...]
    split: str | None = None
    device: str | None = None
    precision: str | None = None
    archive: str | None = None


@dataclass(frozen=True)
class ZooModel:
    """One published detector.

    Attributes:
        name: unique, in lower_snake_case.
        tasks: what it returns: `boxes`, `masks`, `keypoints`, or the `classes` of an image, of its pixels
            (`pixel_classes`), or of a clip (`clip_classes`).
        family: meta-architecture and feature extractor: `ssd_mobilenet_v1_fpn`.
        framework: the framework that trained it: `tf1`, `tf2`, `tf_vision`, `onnx`, `pytorch`.
        input_size: (height, width) in pixels; None if the table does not say or the size varies.
        quantized: whether it is published in 8 bits only.
        training_set: the data set it was trained on; None if the page does not say.
        holds: the most complete form of the model in its archives: `frozen_graph`, `saved_model`, `checkpoint`, ...
        archives: newest first.
    """

    name: str
    tasks: tuple[str, ...]
    family: str
    framework: str
    input_size: tuple[int, int] | None
    quantized: bool
    training_set: str | None
    holds: str | None
    archives: tuple[Archive, ...] = ()
    packages: tuple[RegistryPackage, ...] = ()
    listings: tuple[Listing, ...] = ()
    figures: tuple[PublishedFigure, ...] = ()

    @property
    def coco_map_percent(self) -> float | None:
        """The COCO mAP in percent from the newest page that states one, or None."""
        values = [figure.value for figure in self.figures if figure.metric == "coco_map_percent"]
        return values[-1] if values else None


@dataclass(frozen=True)
class Catalogue:
    """All models, sorted by name, and the pages that list them."""

    pages: Mapping[str, Page]
    models: tuple[ZooModel, ...]

    def find(self, name: str) -> ZooModel:
        """Return the model called *name*: its own name, its archive's (with or without a date), or a table's.

        A file's name is an archive's alone: two models may have one name in a table.

        Raises:
            UnknownNameError: no model, or more than one, has this name.
        """
        wanted = snake(stem_of(name))
        models_of: dict[str, list[ZooModel]] = {}
        for model in self.models:
            if model.name == wanted:
                return model
            for other in _archive_names(model) if SUFFIX.search(name) else _other_names(model):
                models_of.setdefault(other, []).append(model)
        matches = models_of.get(wanted, [])
        if len(matches) > 1:
            raise UnknownNameError(f"{name!r} is ambiguous; use one of {', '.join(m.name for m in matches)}")
        if not matches:
            error = unknown_name("model", wanted, (model.name for model in self.models))
            raise UnknownNameError(f"{error}; see `detlite zoo list`")
        return matches[0]


def snake(name: str) -> str:
    """Return *name* in lower_snake_case: `SSD MobileNet v2 320x320` is `ssd_mobilenet_v2_320x320`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def stem_of(file_name: str) -> str:
    """Return *file_name* without `.tar.gz`, `.tgz`, `.tar` or `.zip`."""
    return SUFFIX.sub("", file_name)


def _archive_names(model: ZooModel) -> set[str]:
    return {snake(archive.stem) for archive in model.archives}


def _other_names(model: ZooModel) -> set[str]:
    return _archive_names(model) | {snake(listing.row) for listing in model.listings}


@functools.cache
def load_catalogue(path: Path = FILE) -> Catalogue:
    """Return the catalogue in the file at *path*.

    Raises:
        InputError: the file is missing, damaged, or has another schema version.
    """
    try:
        record = load_json(path)
        if (record["schema"], record["schema_version"]) != (SCHEMA, SCHEMA_VERSION):
            raise InputError(f"{path}: want {SCHEMA} version {SCHEMA_VERSION}, got {record['schema_version']!r}")
        pages = {key: Page(**page) for key, page in record["pages"].items()}
        return Catalogue(pages, tuple(_model(model) for model in record["models"]))
    except (OSError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"the catalogue {path} cannot be read: {type(error).__name__}: {error}") from error


def _model(record: dict[str, Any]) -> ZooModel:
    size = record["input_size"]
    facts = {
        "tasks": tuple(record["tasks"]),
        "input_size": None if size is None else (int(size[0]), int(size[1])),
        "archives": tuple(Archive(**archive) for archive in record.get("archives", ())),
        "packages": tuple(RegistryPackage(**package) for package in record.get("packages", ())),
        "listings": tuple(Listing(**listing) for listing in record.get("listings", ())),
        "figures": tuple(PublishedFigure(**{**fig, "pages": tuple(fig["pages"])}) for fig in record.get("figures", ())),
    }
    return ZooModel(**{**record, **facts})


def find(name: str) -> ZooModel:
    """Return the catalogue's model *name*; see `Catalogue.find`."""
    return load_catalogue().find(name)


CONFIG, LABELS = "--config", "--labels"


def convertible(model: ZooModel) -> tuple[bool, str]:
    """Return whether this version of detlite can convert *model*, and the reason in a few words."""
    if model.framework == TF_VISION:
        return _of_tf_vision(model)
    if not {*OBJECTS} & {*model.tasks}:
        returns = " and ".join(model.tasks)
        return False, f"it returns {returns}; detlite converts models that return {', '.join(OBJECTS)}"
    if not model.archives:
        return False, "its weights are not published"
    if model.holds == PYTORCH and model.family in plugin_names(TORCH_NETWORKS):
        return True, f"{PYTORCH}, rebuilt as {model.family}"
    if model.holds == ONNX:
        return True, f"{ONNX}, cut at the heads of its SSD"
    if model.holds not in GRAPHS:
        held = model.holds or "no known format"
        return False, f"its archive holds {held}; detlite needs {' or '.join(GRAPHS)}"
    family = family_of_archive(model.family) or family_of_archive(model.name)
    if family is None and model.family in CHANNELS_FIRST:
        return True, f"{model.holds} in NCHW, cut at the heads of its SSD by way of tf2onnx"
    if family is None:
        return False, f"no family covers {model.family}"
    labels = f"; its keypoints need the label map of the training: {LABELS}" if needs(model) == LABELS else ""
    return True, f"{model.holds}, family {family}{labels}"


def _of_tf_vision(model: ZooModel) -> tuple[bool, str]:
    """Return whether detlite rebuilds a model of TF-Vision; its checkpoint needs the config, which the page links."""
    if model.family not in REBUILT:
        return False, f"detlite does not rebuild {model.family} of TF-Vision"
    if not model.archives:
        return False, f"its weights are not published; {model.family} is rebuilt with yours: {CONFIG} and --checkpoint"
    return True, f"{model.holds}; {model.family} is rebuilt with its params.yaml: {CONFIG} and --checkpoint"


def needs(model: ZooModel) -> str | None:
    """Return the option for a file that converting *model* takes and that its archive lacks; None if it is complete."""
    if model.framework == TF_VISION:
        return CONFIG
    return LABELS if "keypoints" in model.tasks else None


@dataclass(frozen=True)
class Filter:
    """Which models to list; None means any."""

    family: str | None = None
    task: str | None = None
    framework: str | None = None
    quantized: bool | None = None
    convertible: bool | None = None
    text: str = ""

    def accepts(self, model: ZooModel) -> bool:
        """Return whether *model* meets every condition that is set."""
        return (
            self.family in (None, model.family)
            and (self.task is None or self.task in model.tasks)
            and self.framework in (None, model.framework)
            and self.quantized in (None, model.quantized)
            and self.convertible in (None, convertible(model)[0])
            and all(snake(word) in model.name for word in self.text.split())
        )


def select(conditions: Filter) -> tuple[ZooModel, ...]:
    """Return the models that meet all *conditions*.

    Raises:
        UnknownNameError: no model in the catalogue has that family, task or framework.
    """
    models = load_catalogue().models
    for kind in ("family", "task", "framework"):
        value = getattr(conditions, kind)
        known = {name for model in models for name in (model.tasks if kind == "task" else (getattr(model, kind),))}
        if value is not None and value not in known:
            raise unknown_name(kind, value, known)
    return tuple(model for model in models if conditions.accepts(model))
