"""What a `pipeline.config` says of a network and its deployment, with the defaults of the OD API's protos.

Source of names and defaults: `object_detection/protos/*.proto` of the OD API 2.8.0.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class BatchNorm:
    """`batch_norm` of a hyperparameter block; gamma exists where *scale*, beta where *center*."""

    epsilon: float = 0.001
    center: bool = True
    scale: bool = False


@dataclass(frozen=True)
class ConvHyperparams:
    """`conv_hyperparams`: what follows a convolution. Without *batch_norm* convolutions have biases.

    Attributes:
        activation: `NONE`, `RELU`, `RELU_6` or `SWISH`.
    """

    activation: str = "RELU"
    batch_norm: BatchNorm | None = None
    force_use_bias: bool = False


@dataclass(frozen=True)
class ImageResizer:
    """`image_resizer`; *keeps_aspect* where it is `keep_aspect_ratio_resizer`, whose largest side is meant here."""

    height: int = 300
    width: int = 300
    grayscale: bool = False
    keeps_aspect: bool = False


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
    """`feature_extractor` of an SSD; *line* is where it stands in the file."""

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
    """`convolutional_box_predictor`: heads of their own for every feature map.

    Attributes:
        layers, min_depth, max_depth: 1x1 convolutions before the heads; none where the depth is 0.
        clip_range: lowest and highest value of box encodings, or None.
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
    """`ssd_anchor_generator`. Strides and offsets are in pixels; empty ones follow from the feature maps."""

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
    """`multiscale_anchor_generator` (RetinaNet); sizes in pixels of the input."""

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
    """`post_processing`: logits to scores, and non-maximum suppression."""

    score_converter: str = "IDENTITY"
    logit_scale: float = 1.0
    score_threshold: float = 0.0
    iou_threshold: float = 0.6
    max_detections_per_class: int = 100
    max_total_detections: int = 100


@dataclass(frozen=True)
class Ssd:
    """`model { ssd }`; *classes* is without the background, *columns* with it where the network has it."""

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
        """Columns of the class scores."""
        return self.classes + int(self.add_background_class)


@dataclass(frozen=True)
class CenterNet:
    """`model { center_net }` with its boxes; keypoints, masks and the like are refused by the reader.

    Attributes:
        means, stds: of the preprocessing, in the order of the channels that the network reads.
        bgr: whether that order is blue, green, red.
        head_filters, head_kernels: of the object centre head's convolutions.
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
    line: int = 0


Model = Ssd | CenterNet


@dataclass(frozen=True)
class Pipeline:
    """A whole `pipeline.config`, as far as deployment needs it.

    Attributes:
        model: the network.
        use_moving_averages: whether `eval_config` asks for the averaged weights.
        quantization_aware: whether there is a `graph_rewriter { quantization }`: the checkpoint holds ranges.
        skipped: fields that no proto of the OD API 2.8 has, or that have been removed: "batch_norm_trainable, line 12".
        name: the file, for errors.
    """

    model: Model
    use_moving_averages: bool = False
    quantization_aware: bool = False
    skipped: tuple[str, ...] = ()
    name: str = "pipeline.config"
