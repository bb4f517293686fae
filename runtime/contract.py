"""The contract: all that a program must know to use a detector's model file, and where each number comes from.

Versioned JSON beside the model. Nothing that stands in it is guessed later from names, shapes or positions.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

import numpy as np

from detlite.runtime.arrays import Floats
from detlite.runtime.errors import ContractError

SCHEMA = "detlite.contract"
SCHEMA_VERSION = 2


COLOURS = ("RGB", "BGR", "GRAY")
DTYPES = ("float32", "uint8", "int8")
RESIZE_RULES = ("tf1_bilinear", "half_pixel_bilinear")
SCORE_CONVERTERS = ("IDENTITY", "SIGMOID", "SOFTMAX")
PLACES = ("model", "host")
NMS_KINDS = ("fast", "regular", "peaks")
BOX_CODINGS = ("faster_rcnn", "center_offset")
RAW_ROLES = ("box_encodings", "class_scores")
DETECTION_ROLES = ("boxes", "classes", "scores", "count")


def _one_of(what: str, value: str, allowed: Tuple[str, ...]) -> None:
    if value not in allowed:
        raise ContractError(f"{what} is {value!r}; it must be one of {', '.join(allowed)}")


KINDS: Mapping[str, Tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}


def _check_types(part: Any) -> None:
    """Refuse a plain field of *part* that is of another type than it says: JSON brings anything."""
    for item in dataclasses.fields(part):
        value, kinds = getattr(part, item.name), KINDS.get(str(item.type), (object,))
        if not isinstance(value, kinds) or (isinstance(value, bool) and int in kinds):
            raise ContractError(f"{item.name} is {value!r:.60}; want a value of type {item.type}")


@dataclass(frozen=True)
class Quantization:
    """One scale and zero point for a whole tensor: `real = scale * (quantized - zero_point)`."""

    scale: float
    zero_point: int

    def __post_init__(self) -> None:
        _check_types(self)
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise ContractError(f"a scale of {self.scale}: it must be a finite number over 0")


@dataclass(frozen=True)
class ImageInput:
    """The model's one input tensor, and how a picture becomes it.

    A pixel value p of 0..255 becomes the real `(p - mean) / std`, channel by channel, in the order of *colour*;
    a quantized input then takes `round(real / scale) + zero_point`.
    """

    name: str
    height: int
    width: int
    colour: str
    dtype: str
    mean: Tuple[float, ...]
    std: Tuple[float, ...]
    resize: str
    quantization: Optional[Quantization] = None

    def __post_init__(self) -> None:
        _check_types(self)
        _one_of("the colour order", self.colour, COLOURS)
        _one_of("the input's dtype", self.dtype, DTYPES)
        _one_of("the resize rule", self.resize, RESIZE_RULES)
        if self.height < 1 or self.width < 1:
            raise ContractError(f"an input of {self.height} x {self.width} pixels: both must be at least 1")
        if len(self.mean) != self.channels or len(self.std) != self.channels:
            raise ContractError(
                f"{len(self.mean)} means and {len(self.std)} stds for {self.channels} channels: one each is wanted"
            )
        if not all(math.isfinite(m) for m in self.mean) or not all(math.isfinite(s) and s > 0 for s in self.std):
            raise ContractError(f"mean {self.mean} and std {self.std}: want finite means, and stds over 0")
        if (self.dtype == "float32") is not (self.quantization is None):
            raise ContractError(f"a {self.dtype} input with quantization {self.quantization}: integers alone have it")

    @property
    def channels(self) -> int:
        """1 for GRAY, else 3."""
        return 1 if self.colour == "GRAY" else 3


@dataclass(frozen=True)
class Output:
    """One output tensor of the model, by what it means."""

    role: str
    name: str
    index: int
    shape: Tuple[int, ...]
    dtype: str
    quantization: Optional[Quantization] = None

    def __post_init__(self) -> None:
        _check_types(self)
        _one_of("an output's role", self.role, RAW_ROLES + DETECTION_ROLES)
        _one_of("an output's dtype", self.dtype, DTYPES)
        if self.index < 0:
            raise ContractError(f"output {self.role} is number {self.index}; want 0 or more")


@dataclass(frozen=True)
class BoxCoder:
    """How boxes are coded, and the scales of that; see `detlite.runtime.boxes.coding.decode`.

    *faster_rcnn* is that of SSD: sizes as logarithms. *center_offset* is CenterNet's: offsets and sizes in anchors.
    """

    y: float = 10.0
    x: float = 10.0
    height: float = 5.0
    width: float = 5.0
    coding: str = "faster_rcnn"

    def __post_init__(self) -> None:
        _check_types(self)
        _one_of("the box coding", self.coding, BOX_CODINGS)
        scales = (self.y, self.x, self.height, self.width)
        if not all(math.isfinite(s) and s > 0 for s in scales):
            raise ContractError(f"box coder scales {scales}: all must be finite and over 0")


@dataclass(frozen=True)
class Nms:
    """Non-maximum suppression, in the terms of `TFLite_Detection_PostProcess`.

    *fast* suppresses all classes together, each anchor with its best `max_classes_per_detection`; *regular*
    suppresses class by class, at most `detections_per_class` each, and keeps the best `max_detections` of all;
    *peaks* compares no boxes: it keeps scores that no neighbour of the 3 x 3 *cells* (rows, columns) around exceeds.
    *clip* clips boxes to the image first, as the TensorFlow graphs do and the op does not. *place* says who
    does it: the op in the model, or the host.
    """

    place: str = "host"
    kind: str = "regular"
    score_threshold: float = 0.01
    iou_threshold: float = 0.6
    max_detections: int = 100
    max_classes_per_detection: int = 1
    detections_per_class: int = 100
    clip: bool = True
    cells: Optional[Tuple[int, int]] = None

    def __post_init__(self) -> None:
        _check_types(self)
        if (self.kind == "peaks") is not (self.cells is not None) or (self.kind, self.place) == ("peaks", "model"):
            raise ContractError(
                f"NMS {self.kind} by the {self.place} with cells {self.cells}: peaks, on the host, has cells"
            )
        _one_of("where NMS is done", self.place, PLACES)
        _one_of("the kind of NMS", self.kind, NMS_KINDS)
        if not (0 <= self.score_threshold <= 1 and 0 < self.iou_threshold <= 1):
            raise ContractError(
                f"score threshold {self.score_threshold} and IoU threshold {self.iou_threshold}: want 0 to 1"
            )
        counts = (self.max_detections, self.max_classes_per_detection, self.detections_per_class)
        if not all(1 <= c <= 100_000 for c in counts):
            raise ContractError(f"detections, classes per detection, per class {counts}: want 1 to 100000 each")


@dataclass(frozen=True, eq=False)
class Contract:
    """How to feed a detector's model and to read what it returns.

    Attributes:
        image: the input.
        outputs: two raw heads (`box_encodings` [1, N, 4], `class_scores` [1, N, C]), or the four of the
            post-processing op (`boxes` [1, D, 4], `classes` [1, D], `scores` [1, D], `count` [1]).
        anchors: float32, (N, 4): (y centre, x centre, height, width), 0..1 of the image.
        box_coder: the scales of the encodings.
        score_converter: what makes scores of logits.
        score_converter_place: `model` where `class_scores` are scores already, `host` where they are logits.
        labels: one for each class from 0 on, without the background; `???` where a class has no name.
        label_offset: C - len(labels): 1 where column 0 of the scores is the background, else 0.
        nms: the settings, and who applies them.
        origin: for each thing that the model file does not say itself, where it comes from.
    """

    image: ImageInput
    outputs: Tuple[Output, ...]
    anchors: Floats
    box_coder: BoxCoder
    score_converter: str
    score_converter_place: str
    labels: Tuple[str, ...]
    label_offset: int
    nms: Nms
    origin: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_types(self)
        _one_of("the score converter", self.score_converter, SCORE_CONVERTERS)
        _one_of("where scores are converted", self.score_converter_place, PLACES)
        if self.label_offset not in (0, 1):
            raise ContractError(f"a label offset of {self.label_offset}: it must be 0 or 1")
        if not self.labels:
            raise ContractError("no labels: a detector has at least one class")
        if not all(isinstance(text, str) for text in (*self.labels, *self.origin, *self.origin.values())):
            raise ContractError("labels and origins must be texts")
        if self.anchors.ndim != 2 or self.anchors.shape[1] != 4 or self.anchors.dtype != np.float32:
            raise ContractError(f"want float32 (N, 4) anchors, got {self.anchors.dtype} {self.anchors.shape}")
        if not np.isfinite(self.anchors).all():
            raise ContractError("the anchors hold values that are not finite numbers")
        roles = tuple(output.role for output in self.outputs)
        if sorted(roles) not in (sorted(RAW_ROLES), sorted(DETECTION_ROLES)):
            raise ContractError(f"outputs {roles}: want {RAW_ROLES} or {DETECTION_ROLES}")
        if len({output.index for output in self.outputs}) != len(self.outputs):
            raise ContractError(f"outputs {roles} have the numbers {[o.index for o in self.outputs]}: want others")
        if self.nms.cells is not None and self.nms.cells[0] * self.nms.cells[1] != len(self.anchors):
            raise ContractError(f"{len(self.anchors)} anchors for {self.nms.cells} cells: want one for each")
        if self.is_raw:
            self._check_raw_shapes()

    def _check_raw_shapes(self) -> None:
        anchors, columns = len(self.anchors), len(self.labels) + self.label_offset
        for role, want in (("box_encodings", (1, anchors, 4)), ("class_scores", (1, anchors, columns))):
            if self.output(role).shape != want:
                raise ContractError(
                    f"output {role} has shape {self.output(role).shape}; {anchors} anchors and {len(self.labels)} "
                    f"labels (offset {self.label_offset}) want {want}"
                )

    @property
    def is_raw(self) -> bool:
        """Whether the outputs are raw heads, which the host decodes and suppresses."""
        return any(output.role == "box_encodings" for output in self.outputs)

    def output(self, role: str) -> Output:
        """Return the output with that *role*."""
        for output in self.outputs:
            if output.role == role:
                return output
        raise ContractError(f"no output has the role {role!r}; there are {[o.role for o in self.outputs]}")

    def to_json(self) -> str:
        """Return the contract as JSON text, the same bytes for the same contract."""
        record: Dict[str, Any] = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION}
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if item.name == "anchors":
                record["anchors"] = _anchors_record(value)
            elif item.name == "outputs":
                record["outputs"] = [dataclasses.asdict(output) for output in value]
            elif item.name == "origin":
                record["origin"] = dict(sorted(value.items()))
            else:
                is_part = isinstance(value, (ImageInput, BoxCoder, Nms))
                record[item.name] = dataclasses.asdict(value) if is_part else value
        return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _anchors_record(anchors: Floats) -> Dict[str, Any]:
    little = np.ascontiguousarray(anchors, dtype="<f4")
    return {
        "order": "y_centre x_centre height width",
        "dtype": "float32",
        "shape": list(anchors.shape),
        "base64": base64.b64encode(little.tobytes()).decode("ascii"),
    }


def _anchors_from(record: Mapping[str, Any]) -> Floats:
    raw = base64.b64decode(record["base64"], validate=True)
    array: Floats = np.frombuffer(raw, dtype="<f4").astype(np.float32)
    return array.reshape(tuple(int(side) for side in record["shape"]))


def _quantization_from(record: Optional[Mapping[str, Any]]) -> Optional[Quantization]:
    return None if record is None else Quantization(float(record["scale"]), int(record["zero_point"]))


def _image_from(record: Mapping[str, Any]) -> ImageInput:
    known = dict(record)
    known["mean"], known["std"] = tuple(map(float, known["mean"])), tuple(map(float, known["std"]))
    known["quantization"] = _quantization_from(known["quantization"])
    return ImageInput(**known)


def _output_from(record: Mapping[str, Any]) -> Output:
    known = dict(record)
    known["shape"] = tuple(int(side) for side in known["shape"])
    known["quantization"] = _quantization_from(known["quantization"])
    return Output(**known)


def _nms_from(record: Mapping[str, Any]) -> Nms:
    known = dict(record)
    if known["cells"] is not None:
        rows, columns = known["cells"]
        known["cells"] = (int(rows), int(columns))
    return Nms(**known)


def contract_from_json(text: str) -> Contract:
    """Return the contract that *text* holds; `ContractError` where it is damaged, or of another version."""
    try:
        record = json.loads(text)
        schema, version = record.pop("schema"), record.pop("schema_version")
        if schema != SCHEMA or version != SCHEMA_VERSION:
            raise ContractError(
                f"a contract of schema {schema!r} version {version!r}; this detlite reads {SCHEMA!r} version "
                f"{SCHEMA_VERSION}: convert the model again, or update detlite"
            )
        record["image"] = _image_from(record["image"])
        record["outputs"] = tuple(_output_from(output) for output in record["outputs"])
        record["anchors"] = _anchors_from(record["anchors"])
        record["box_coder"] = BoxCoder(**record["box_coder"])
        record["labels"] = tuple(record["labels"]) if isinstance(record["labels"], list) else ()
        record["nms"] = _nms_from(record["nms"])
        return Contract(**record)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, RecursionError, binascii.Error) as error:
        raise ContractError(f"the contract is damaged: {type(error).__name__}: {error}") from error


def read_contract(path: Path) -> Contract:
    """Return the contract in the file at *path*."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ContractError(f"{path} is missing: an artifact has a contract.json beside its model") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(f"{path} cannot be read: {error}") from error
    try:
        return contract_from_json(text)
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from error
