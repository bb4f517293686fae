"""The typed config of a detector, with the defaults of the OD API's protos: what all detectors share, and SSDs.

Two-stage detectors are in `faster_rcnn_config.py`, CenterNets in `center_net_config.py`.

Source of names and defaults: `object_detection/protos/*.proto` of the OD API 2.8.0; of `SsdResNet34`, MLPerf v1.0.
"""

from __future__ import annotations

from dataclasses import Field, dataclass, field
from typing import Any, ClassVar, Protocol


@dataclass(frozen=True)
class BatchNorm:
    """`batch_norm` of a hyperparameter block; it has a gamma if *scale*, a beta if *center*."""

    epsilon: float = 0.001
    center: bool = True
    scale: bool = False


@dataclass(frozen=True)
class ConvHyperparams:
    """`conv_hyperparams`: what follows a convolution: a bias if *batch_norm* is None, and an activation.

    Attributes:
        activation: `NONE`, `RELU`, `RELU_6` or `SWISH`.
    """

    activation: str = "RELU"
    batch_norm: BatchNorm | None = None
    force_use_bias: bool = False


@dataclass(frozen=True)
class ImageResizer:
    """`image_resizer`.

    Attributes:
        height: in pixels; the largest side of a `keep_aspect_ratio_resizer`.
        width: likewise.
        grayscale: whether images become gray.
        keeps_aspect: whether it is a `keep_aspect_ratio_resizer`.
        shortest: the shorter side that such a resizer wants, in pixels.
        pads: whether it pads images to a square.
        pad_value: of the pixels that it pads with; empty for zeros.
    """

    height: int = 300
    width: int = 300
    grayscale: bool = False
    keeps_aspect: bool = False
    shortest: int = 0
    pads: bool = False
    pad_value: tuple[float, ...] = ()


@dataclass(frozen=True)
class Fpn:
    """`fpn` of a feature extractor."""

    min_level: int = 3
    max_level: int = 7
    additional_layer_depth: int = 256


@dataclass(frozen=True)
class BiFpn:
    """`bifpn` of a feature extractor."""

    min_level: int = 3
    max_level: int = 7
    num_iterations: int = 3
    num_filters: int = 64
    combine_method: str = "fast_attention"


@dataclass(frozen=True)
class FeatureExtractor:
    """`feature_extractor` of an SSD; *line* is its line in the file, or 0."""

    type: str
    depth_multiplier: float = 1.0
    min_depth: int = 16
    pad_to_multiple: int = 1
    use_depthwise: bool = False
    use_explicit_padding: bool = False
    num_layers: int = 6
    override_hyperparams: bool = False
    conv: ConvHyperparams = field(default_factory=ConvHyperparams)
    fpn: Fpn | None = None
    bifpn: BiFpn | None = None
    spaghettinet_arch_name: str = ""
    line: int = 0


@dataclass(frozen=True)
class ConvolutionalPredictor:
    """`convolutional_box_predictor`: separate heads for every feature map.

    Attributes:
        layers: number of 1x1 convolutions before the heads; there are none if their depth is 0.
        min_depth: the smallest number of channels of these convolutions.
        max_depth: the largest number of channels of these convolutions.
        clip_range: (lowest, highest) value of the box encodings, or None.
    """

    conv: ConvHyperparams = field(default_factory=ConvHyperparams)
    kernel_size: int = 1
    use_depthwise: bool = False
    layers: int = 0
    min_depth: int = 0
    max_depth: int = 0
    clip_range: tuple[float, float] | None = None
    apply_sigmoid_to_scores: bool = False


@dataclass(frozen=True)
class WeightSharedPredictor:
    """`weight_shared_convolutional_box_predictor`: towers and heads that all feature maps share."""

    conv: ConvHyperparams = field(default_factory=ConvHyperparams)
    kernel_size: int = 3
    use_depthwise: bool = False
    layers: int = 0
    depth: int = 0
    share_prediction_tower: bool = False
    apply_batch_norm: bool = True
    clip_range: tuple[float, float] | None = None


Predictor = ConvolutionalPredictor | WeightSharedPredictor


@dataclass(frozen=True)
class SsdAnchors:
    """`ssd_anchor_generator`. Strides and offsets are in pixels; if empty, the feature maps determine them."""

    num_layers: int = 6
    min_scale: float = 0.2
    max_scale: float = 0.95
    scales: tuple[float, ...] = ()
    aspect_ratios: tuple[float, ...] = (1.0, 2.0, 0.5, 3.0, 1.0 / 3)
    interpolated_scale_aspect_ratio: float = 1.0
    reduce_boxes_in_lowest_layer: bool = True
    base_anchor_height: float = 1.0
    base_anchor_width: float = 1.0
    height_stride: tuple[int, ...] = ()
    width_stride: tuple[int, ...] = ()
    height_offset: tuple[int, ...] = ()
    width_offset: tuple[int, ...] = ()


@dataclass(frozen=True)
class MultiscaleAnchors:
    """`multiscale_anchor_generator` (RetinaNet); sizes are in pixels of the input."""

    min_level: int = 3
    max_level: int = 7
    anchor_scale: float = 4.0
    aspect_ratios: tuple[float, ...] = (1.0, 2.0, 0.5)
    scales_per_octave: int = 2
    normalize_coordinates: bool = True


AnchorGenerator = SsdAnchors | MultiscaleAnchors


@dataclass(frozen=True)
class BoxScales:
    """`faster_rcnn_box_coder`."""

    y: float = 10.0
    x: float = 10.0
    height: float = 5.0
    width: float = 5.0


@dataclass(frozen=True)
class PostProcessing:
    """`post_processing`: score conversion and non-maximum suppression."""

    score_converter: str = "IDENTITY"
    logit_scale: float = 1.0
    score_threshold: float = 0.0
    iou_threshold: float = 0.6
    max_detections_per_class: int = 100
    max_total_detections: int = 100


@dataclass(frozen=True)
class Ssd:
    """`model { ssd }`; *classes* does not count the background, *columns* does if the network has one."""

    classes: int
    extractor: FeatureExtractor
    predictor: Predictor
    anchors: AnchorGenerator
    resizer: ImageResizer = field(default_factory=ImageResizer)
    box_scales: BoxScales = field(default_factory=BoxScales)
    post_processing: PostProcessing = field(default_factory=PostProcessing)
    add_background_class: bool = True

    @property
    def columns(self) -> int:
        """The number of columns of the class scores."""
        return self.classes + int(self.add_background_class)


@dataclass(frozen=True)
class SsdResNet34:
    """MLPerf's ssd-resnet34; only the number of classes and the size of the image may differ."""

    classes: int = 80
    resizer: ImageResizer = field(default_factory=lambda: ImageResizer(1200, 1200))


class DetectorConfig(Protocol):
    """The config of a network: a frozen dataclass, with a type of its own for each architecture."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def classes(self) -> int:
        """The number of classes without the background."""

    @property
    def resizer(self) -> ImageResizer:
        """How images become the network's input."""


@dataclass(frozen=True)
class Pipeline:
    """A `pipeline.config`, as far as deployment needs it.

    Attributes:
        model: the network.
        use_moving_averages: whether `eval_config` selects the averaged weights.
        quantization_aware: whether there is a `graph_rewriter { quantization }`, so that the checkpoint has ranges.
        skipped: fields that the OD API 2.8 does not have, or no longer has: "batch_norm_trainable, line 12".
        keypoint_edges: pairs of keypoints, by their places, that the evaluation draws lines between.
        name: the file name, for errors.
    """

    model: DetectorConfig
    use_moving_averages: bool = False
    quantization_aware: bool = False
    skipped: tuple[str, ...] = ()
    keypoint_edges: tuple[tuple[int, int], ...] = ()
    name: str = "pipeline.config"
