"""The definition of an architecture: a kind of network and the contract of its heads, one file in `architectures/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from detlite.convert.detector import raw_outputs
from detlite.convert.files.fields import Fields
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.detector_config import DetectorConfig, ImageResizer, PostProcessing
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import BOX_ENCODINGS, CLASS_LOGITS, CLASS_SCORES, BuiltNetwork
from detlite.convert.rebuild.weights.weights import Weights
from detlite.convert.sidecar_files import Hints
from detlite.runtime.arrays import Floats
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.inputs import ImageInput
from detlite.runtime.letterbox import Letterbox
from detlite.runtime.plugins import load_plugins
from detlite.runtime.stream_inputs import Input
from detlite.runtime.task import Task
from detlite.runtime.tasks.detection import DETECTION_ROLES, RAW_ROLES, Detection
from detlite.runtime.tasks.instances import MASKS
from detlite.runtime.tensors import Output

ARCHITECTURES = "detlite.convert.rebuild.architectures"
RESIZE = "tf1_bilinear"
"""The OD API calls `tf.compat.v1.image.resize_images`, in TF2 models too."""

Normalization = tuple[str, tuple[float, ...], tuple[float, ...]]
"""Colour order, mean and std."""


MASK_ROLES = (*DETECTION_ROLES, MASKS)
MASK_THRESHOLD = 0.5
"""A pixel with at least this belongs to an object, for the OD API and for TF-Vision's evaluator."""


NO_POSTPROCESS = (
    "post-processing in the model decodes one box for an anchor, and a two-stage detector has proposals and a box for "
    "each class: leave out --heads postprocess; detlite's runtime decodes the heads, on a device too"
)


@dataclass(frozen=True)
class RebuildPlan:
    """A network to build.

    Attributes:
        model: the config of the network.
        origin: the name of the config in the contract's origin: "pipeline.config", "preset ssdlite_mobilenet_v2".
        folder: the folder that may hold a label map, or None.
        labels: the user's label file, or None.
        edges: pairs of keypoints, by their places, that the config draws lines between.
        quantized: whether the trained quantization ranges stay in the graph.
        skipped: fields of the config that the OD API no longer has.
        random_seed: the seed of random weights; None for trained weights.
        averages: whether the weights are moving averages; None where the checkpoint has none, or its config decides.
    """

    model: DetectorConfig
    origin: str
    folder: Path | None = None
    labels: Path | None = None
    edges: tuple[tuple[int, int], ...] = ()
    quantized: bool = False
    skipped: tuple[str, ...] = ()
    random_seed: int | None = None
    averages: bool | None = None


def raw_heads(plan: RebuildPlan, options: DetectorOptions) -> Mapping[str, str]:
    """Return the tensors of a detector's raw heads, by role, as *options* ask for them."""
    del plan
    scores = CLASS_LOGITS if options.logits else CLASS_SCORES
    return dict(zip(RAW_ROLES, (BOX_ENCODINGS, scores), strict=True))


def images_of(config: DetectorConfig) -> str:
    """Return what a network of *config* takes, in words: images of the size that the config says."""
    size = config.resizer
    return f"images of {size.height} x {size.width} pixels" if size.height else "images of a size that it leaves open"


@dataclass(frozen=True)
class Architecture:
    """One kind of network; its name is its file's name.

    Attributes:
        title: the name shown to users.
        reads: the type of the configs that it builds.
        build: makes the network of a plan with weights, for images of a size (height, width).
        contract: writes the contract of a network that it built.
        outputs: names the tensors that the model of a plan returns, by role.
        takes: returns what its networks take, in words for users.
        limited: returns the config with at most so many proposals; None for a network that has none.
        suppressing: returns the config with the user's settings of the NMS that is in the network; None for a network
            that never has any.
        embedding: returns the config of the network that finds so many detections itself, with their features; None
            for a network that has none. It raises `InputError` for a config without.
        refused: the formats that it does not go to, by the names of their exporters, and why.
        no_postprocess: why it takes no `--heads postprocess`; None where it does, or its format decides.
        messages: readers of its config from `model { ... }` of a `pipeline.config`, by the name of the message; empty
            if the OD API does not train it. They raise `InputError` for what is missing or unsupported.
    """

    title: str
    reads: type[DetectorConfig]
    build: Callable[[RebuildPlan, Weights, Size], BuiltNetwork]
    contract: Callable[[RebuildPlan, DetectorOptions, Size, BuiltNetwork], Contract]
    outputs: Callable[[RebuildPlan, DetectorOptions], Mapping[str, str]] = raw_heads
    takes: Callable[[DetectorConfig], str] = images_of
    limited: Callable[[DetectorConfig, int], DetectorConfig] | None = None
    suppressing: Callable[[DetectorConfig, DetectorOptions], DetectorConfig] | None = None
    embedding: Callable[[DetectorConfig, int], DetectorConfig] | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    no_postprocess: str | None = None
    messages: Mapping[str, Callable[[Fields], DetectorConfig]] = field(default_factory=dict)


def architecture_of(config: DetectorConfig) -> Architecture:
    """Return the architecture that builds *config*."""
    found: list[Architecture] = [one for one in load_plugins(ARCHITECTURES).values() if isinstance(config, one.reads)]
    assert len(found) == 1, type(config)  # each type of config has one architecture; a test checks it
    return found[0]


def message_readers() -> Mapping[str, Callable[[Fields], DetectorConfig]]:
    """Return the readers of all messages in `model { ... }` of a `pipeline.config`, by the name of the message."""
    return {name: read for one in load_plugins(ARCHITECTURES).values() for name, read in one.messages.items()}


def detection_outputs(most: int, mask_size: Size | None) -> tuple[Output, ...]:
    """Return the outputs of a network that finds at most *most* detections itself; *mask_size* is None without masks.

    They are `boxes` [1, most, 4], `classes` and `scores` [1, most], `count` [1] and `masks` [1, most, rows, columns].
    """
    shapes: dict[str, tuple[int, ...]]
    shapes = dict(zip(DETECTION_ROLES, ((1, most, 4), (1, most), (1, most), (1,)), strict=True))
    if mask_size is not None:
        shapes[MASKS] = (1, most, *mask_size)
    return tuple(Output(role, role, number, shape, "float32") for number, (role, shape) in enumerate(shapes.items()))


def most_detections(post: PostProcessing, proposals: int, classes: int) -> int:
    """Return how many of so many *proposals* the NMS *post*, in the network, can keep at most in all *classes*."""
    return min(post.max_total_detections, min(post.max_detections_per_class, proposals) * classes)


def suppression_asked(post: PostProcessing, options: DetectorOptions) -> PostProcessing:
    """Return *post*, of a two-stage detector, with the user's settings.

    Raises:
        InputError: they ask for NMS over all classes together.
    """
    asked = options.nms
    if asked.kind == "fast" or asked.max_classes_per_detection is not None:
        raise InputError("the NMS of a two-stage detector is regular: leave out --nms fast and --classes-per-detection")
    changes: dict[str, Any] = {
        "score_threshold": asked.score_threshold,
        "iou_threshold": asked.iou_threshold,
        "max_total_detections": asked.max_detections,
    }
    return replace(post, **{name: value for name, value in changes.items() if value is not None})


@dataclass(frozen=True, eq=False)
class Decoding:
    """The parts of a contract that describe its raw heads; see `detlite.runtime.tasks.detection.Detection`.

    Attributes:
        anchors: float32 (N, 4), (y centre, x centre, height, width).
        box_coder: the coding of the box encodings.
        score_converter: IDENTITY, SIGMOID or SOFTMAX.
        columns: the number of columns of the class scores.
        label_offset: the number of background columns.
        nms: the non-maximum suppression.
        origin: the source of each part, for the contract.
    """

    anchors: Floats
    box_coder: BoxCoder
    score_converter: str
    columns: int
    label_offset: int
    nms: Nms
    origin: dict[str, str]

    def task(self, options: DetectorOptions) -> Detection:
        """Return the settings of the task, with logits converted where *options* say."""
        deferred = options.logits and self.score_converter != "IDENTITY"
        return Detection(
            anchors=self.anchors,
            box_coder=self.box_coder,
            score_converter=self.score_converter,
            score_converter_place="host" if deferred else "model",
            label_offset=self.label_offset,
            nms=self.nms,
        )


def detection_contract(plan: RebuildPlan, options: DetectorOptions, image: ImageInput, decoding: Decoding) -> Contract:
    """Return the contract of a detector with raw heads that are decoded as *decoding* says."""
    outputs = raw_outputs(len(decoding.anchors), decoding.columns)
    return detector_contract(plan, options, image, outputs, decoding.task(options), decoding.origin)


def detector_contract(
    plan: RebuildPlan,
    options: DetectorOptions,
    image: ImageInput,
    outputs: tuple[Output, ...],
    task: Task,
    origin: Mapping[str, str],
    *,
    further: tuple[Input, ...] = (),
) -> Contract:
    """Return the contract with the labels of *plan*, and where its weights come from; *further* inputs come last."""
    origin = {"weights": weights_origin(plan), **origin}
    labels = Hints(plan.folder or Path(), plan.model.classes).labels(plan.model.classes, options.labels, origin)
    return Contract((image, *further), outputs, labels, task, origin)


def image_input(normalization: Normalization, size: Size) -> ImageInput:
    """Return the image input of *size* (height, width) with that colour order, mean and std."""
    colour, mean, std = normalization
    return ImageInput(
        name="image",
        height=size[0],
        width=size[1],
        colour=colour,
        dtype="float32",
        mean=mean,
        std=std,
        resize=RESIZE,
    )


def letterbox_of(resizer: ImageResizer, mean: tuple[float, ...]) -> Letterbox | None:
    """Return how images keep their aspect ratio, or None; *mean* is the RGB colour that the network sees as 0.

    Beside an image that the original does not pad, the network sees 0.
    """
    if not resizer.keeps_aspect:
        return None
    if not resizer.pads:
        return Letterbox(pad_value=mean)
    return Letterbox(pad_value=resizer.pad_value or (0.0, 0.0, 0.0))


def weights_origin(plan: RebuildPlan) -> str:
    """Return where the weights of *plan* come from, for the contract's origin."""
    if plan.random_seed is None:
        return f"the checkpoint that was trained with {plan.origin}"
    return f"random numbers, seed {plan.random_seed}: nobody trained them"
