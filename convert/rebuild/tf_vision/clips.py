"""What the video classifiers of TF-Vision have in common: the clips they are trained on, and their contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from detlite.convert.labels.background import labels_of, without_background
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import RebuildPlan, weights_origin
from detlite.convert.rebuild.detector_config import ImageResizer
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import CLASS_LOGITS, CLASS_SCORES, BuiltNetwork
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.tf_vision.image import RESIZE
from detlite.convert.rebuild.tf_vision.params import Params
from detlite.runtime.boxes.scores import SCORES
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.inputs import ImageInput
from detlite.runtime.stream_inputs import ClipInput, StateInput
from detlite.runtime.tasks.classification import Classification
from detlite.runtime.tensors import Output

AXES = 4
"""Of `feature_shape`: frames, height, width, channels."""

LONGEST_CLIP, LARGEST_SIDE = 4096, 4096
MOST_CLASSES = 100_000
KINETICS_CLASSES = 600
WHITE = 255.0


@dataclass(frozen=True)
class Clips:
    """How a video classifier was trained.

    Attributes:
        columns: the number of its outputs.
        frames: of a clip.
        size: (height, width) of a frame.
        stride: how many frames of a video apart those of a clip are.
        shortest: what the shorter side of a video is scaled to, before its centre is cut out.
        centred: whether pixels are in -1..1 instead of 0..1.
        multilabel: whether a clip may have several classes.
    """

    columns: int
    frames: int
    size: Size
    stride: int
    shortest: int
    centred: bool
    multilabel: bool

    @property
    def converter(self) -> str:
        """What makes scores of its logits."""
        return "SIGMOID" if self.multilabel else "SOFTMAX"


@dataclass(frozen=True)
class ClipConfig:
    """A classifier of clips, whatever its backbone.

    Attributes:
        clips: what it was trained on.
    """

    clips: Clips

    @property
    def classes(self) -> int:
        """The number of outputs."""
        return self.clips.columns

    @property
    def resizer(self) -> ImageResizer:
        """The input's size."""
        return ImageResizer(*self.clips.size)


class VideoClassifier(Protocol):
    """The config of a classifier of clips."""

    @property
    def clips(self) -> Clips:
        """What it was trained on."""


def read_clips(task: Params) -> Clips:
    """Return `train_data` of *task*.

    Raises:
        InputError: its `feature_shape` is none of a square clip.
    """
    data = task.inside("train_data")
    task.ignore("validation_data")
    data.needs("feature_shape", "num_classes", "temporal_stride")
    data.only("output_audio", False, "detlite does not rebuild networks that hear")
    shape = data.integers("feature_shape", (64, 224, 224, 3))
    if len(shape) != AXES or shape[3] != 3 or shape[0] > LONGEST_CLIP or max(shape[1:3]) > LARGEST_SIDE:
        raise InputError(
            f"{data.where('feature_shape')} is {list(shape)}; want [frames, height, width, 3] of at most "
            f"{LONGEST_CLIP} frames and {LARGEST_SIDE} pixels"
        )
    if shape[1] != shape[2]:
        raise InputError(f"{data.where('feature_shape')} is {list(shape)}; want square frames")
    return Clips(
        columns=data.integer("num_classes", KINETICS_CLASSES, low=2, high=MOST_CLASSES),
        frames=shape[0],
        size=(shape[1], shape[2]),
        stride=data.integer("temporal_stride", 1, low=1, high=LONGEST_CLIP),
        shortest=data.integer("min_image_size", 256, low=1, high=LARGEST_SIDE),
        centred=data.flag("zero_centering_image", False),
        multilabel=data.flag("is_multilabel", False),
    )


def clips_taken(clips: Clips) -> str:
    """Return what a network of *clips* takes, in words."""
    rows, columns = clips.size
    return f"clips of {counted(clips.frames, 'frame')} of {rows} x {columns} pixels, stride {clips.stride}"


def frames_taken(clips: Clips) -> str:
    """Return what a network of a stream takes that was trained on *clips*, in words."""
    rows, columns = clips.size
    return f"a stream of frames of {rows} x {columns} pixels, stride {clips.stride}"


def name_outputs(net: GraphBuilder, logits: Tensor, clips: Clips) -> None:
    """Name the *logits* [1, columns] and their scores, as `outputs_of` finds them."""
    net.convert_scores(net.identity(logits, CLASS_LOGITS), clips.converter, 1.0, CLASS_SCORES)


def outputs_of(options: DetectorOptions) -> dict[str, str]:
    """Return the tensor of the class scores, or of the logits if *options* ask for them."""
    return {SCORES: CLASS_LOGITS if options.logits else CLASS_SCORES}


def contract_of(plan: RebuildPlan, clips: Clips, options: DetectorOptions, size: Size, built: BuiltNetwork) -> Contract:
    """Return the contract of a classifier of *clips*: of whole ones, or frame by frame if it was *built* with states.

    Raises:
        InputError: the labels do not fit.
    """
    image, origin = _frame(clips, size), {"weights": weights_origin(plan)}
    origin["image"] = f"TF-Vision's scaling and centre crop; {plan.origin}"
    if built.states:
        origin["frames"] = (
            f"one by one; trained on clips of {clips.frames}, each {clips.stride} frames of a video apart"
        )
    labels, offset = without_background(*labels_of(options.labels, plan.folder), clips.columns, origin)
    task = Classification(clips.converter, "host" if options.logits else "model", offset)
    outputs = (Output(SCORES, SCORES, 0, (1, clips.columns), "float32"),)
    first = image if built.states else ClipInput(image, clips.frames, clips.stride)
    states = [StateInput(one.name, one.shape, "float32", place) for place, one in enumerate(built.states, 1)]
    return Contract((first, *states), outputs, labels, task, origin)


def _frame(clips: Clips, size: Size) -> ImageInput:
    """Return how a frame becomes an input of *size*: the shorter side is scaled, and the centre is cut out."""
    half = WHITE / 2
    mean, std = (half, half) if clips.centred else (0.0, WHITE)
    return ImageInput(
        name="image",
        height=size[0],
        width=size[1],
        colour="RGB",
        dtype="float32",
        mean=(mean,) * 3,
        std=(std,) * 3,
        resize=RESIZE,
        crop=min(1.0, min(size) / clips.shortest),
    )
