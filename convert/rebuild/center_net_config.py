"""The typed config of a CenterNet: boxes, keypoints and DeepMAC's masks, with the defaults of the OD API's protos.

Source of names and defaults: `object_detection/protos/center_net.proto` of the OD API 2.8.0.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from detlite.convert.rebuild.detector_config import ImageResizer


@dataclass(frozen=True)
class HeadLayers:
    """The convolutions of a CenterNet's head before its last one: their channels and the sides of their kernels."""

    filters: tuple[int, ...] = (256,)
    kernels: tuple[int, ...] = (3,)


@dataclass(frozen=True)
class KeypointTask:
    """`keypoint_estimation_task`; its numbers mean what `detlite.runtime.boxes.keypoints.Snapping` says.

    Attributes:
        name: part of the names of its variables.
        class_name: the `name` in the label map of the class that has the keypoints.
        label_map: the path of the label map, as the config writes it.
        line: of the task in the file, or 0.
    """

    name: str
    class_name: str
    label_map: str = ""
    candidate_threshold: float = 0.1
    candidates: int = 100
    unmatched_score: float = 0.1
    box_scale: float = 1.2
    search_scale: float = 0.3
    ranking: str = "min_distance"
    distance_offset: float = 1.0
    distance_multiplier: float = 0.1
    clips: bool = False
    per_keypoint_offset: bool = False
    heatmap: HeadLayers = field(default_factory=HeadLayers)
    regression: HeadLayers = field(default_factory=HeadLayers)
    offset: HeadLayers = field(default_factory=HeadLayers)
    line: int = 0


@dataclass(frozen=True)
class EmbeddedMasks:
    """`deepmac_mask_estimation`: masks by a network on the embeddings in a box.

    Attributes:
        depth: layers of the hourglass that computes a mask.
        instance: channels of the embedding of an object.
        pixel: channels of the embedding of a cell.
        size: rows and columns of a mask.
        width: channels after the first convolution of the hourglass.
        line: of the task in the file, or 0.
    """

    depth: int = 52
    instance: int = 256
    pixel: int = 16
    size: int = 32
    width: int = 64
    line: int = 0


@dataclass(frozen=True)
class CenterNet:
    """`model { center_net }` with its boxes, keypoints or masks; the reader refuses other tasks.

    Attributes:
        means: the means of the preprocessing, in the channel order of the network's input.
        stds: the standard deviations of the preprocessing, in the same order.
        bgr: whether that order is blue, green, red.
        center_head_filters: the channels of the convolutions of the object centre head.
        center_head_kernels: the kernels of these convolutions.
        box_head_filters: the channels of the convolutions of the size and offset heads.
        box_head_kernels: the kernels of these convolutions.
        keypoints: the task of keypoints; None if there is none.
        masks: the task of masks; None if there is none.
    """

    classes: int
    type: str
    resizer: ImageResizer = field(default_factory=ImageResizer)
    means: tuple[float, ...] = (0.0, 0.0, 0.0)
    stds: tuple[float, ...] = (1.0, 1.0, 1.0)
    bgr: bool = False
    depth_multiplier: float = 1.0
    use_depthwise: bool = False
    use_separable_conv: bool = False
    upsampling_interpolation: str = "nearest"
    max_box_predictions: int = 100
    center_head_filters: tuple[int, ...] = ()
    center_head_kernels: tuple[int, ...] = ()
    box_head_filters: tuple[int, ...] = ()
    box_head_kernels: tuple[int, ...] = ()
    keypoints: KeypointTask | None = None
    masks: EmbeddedMasks | None = None
    line: int = 0
