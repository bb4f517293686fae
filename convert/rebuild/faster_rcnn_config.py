"""The typed config of a Faster, Mask or Context R-CNN, or an R-FCN, with the defaults of the OD API's protos.

Source of names and defaults: `object_detection/protos/*.proto` of the OD API 2.8.0.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from detlite.convert.rebuild.detector_config import ConvHyperparams, ImageResizer, PostProcessing


@dataclass(frozen=True)
class GridAnchors:
    """`grid_anchor_generator`; all but scales and aspect ratios in pixels of the input."""

    height: float = 256.0
    width: float = 256.0
    height_stride: int = 16
    width_stride: int = 16
    height_offset: int = 0
    width_offset: int = 0
    scales: tuple[float, ...] = (0.5, 1.0, 2.0)
    aspect_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)


@dataclass(frozen=True)
class FirstStage:
    """The fields `first_stage_...`: the region proposal network."""

    anchors: GridAnchors = field(default_factory=GridAnchors)
    conv: ConvHyperparams = field(default_factory=ConvHyperparams)
    atrous_rate: int = 1
    kernel_size: int = 3
    depth: int = 512
    score_threshold: float = 0.0
    iou_threshold: float = 0.7
    max_proposals: int = 300


@dataclass(frozen=True)
class PositionSensitive:
    """`rfcn_box_predictor`: each bin of a region is cropped out of maps of its own, and the bins are averaged.

    Attributes:
        bins: (rows, columns) of a region.
        crop: (rows, columns) of a whole region's crop.
        depth: channels of the map that the bins' maps are computed from.
    """

    bins: tuple[int, int] = (3, 3)
    crop: tuple[int, int] = (12, 12)
    depth: int = 1024


@dataclass(frozen=True)
class MaskHead:
    """The masks of `mask_rcnn_box_predictor`.

    Attributes:
        height: of a mask, in cells.
        width: likewise.
        layers: number of convolutions, with the one that predicts.
        depth: their channels; 0 lets the OD API choose.
        class_agnostic: whether there is one mask for all classes.
        upsamples_last: whether the first convolutions come before the resizing (`convolve_then_upsample_masks`).
        conv: what follows them.
    """

    height: int = 15
    width: int = 15
    layers: int = 2
    depth: int = 256
    class_agnostic: bool = False
    upsamples_last: bool = False
    conv: ConvHyperparams = field(default_factory=ConvHyperparams)


@dataclass(frozen=True)
class Attention:
    """`context_config`: regions attend to a memory of the features of other images.

    Attributes:
        slots: rows of the memory.
        width: numbers of a row.
        depth: channels in which regions and rows are compared (`attention_bottleneck_dimension`).
        temperature: the similarities are divided by it before the softmax.
        heads: of a layer; their results are averaged.
        layers: one after the other; each reads what the one before left.
        attends_itself: whether regions attend to each other, too.
        itself_first: whether they do it before they attend to the memory, not beside it.
        before_second_stage: whether attention changes the cropped features (`POST_RPN`), not the second stage's.
    """

    slots: int = 2000
    width: int = 2057
    depth: int = 2048
    temperature: float = 0.01
    heads: int = 1
    layers: int = 1
    attends_itself: bool = False
    itself_first: bool = False
    before_second_stage: bool = False


@dataclass(frozen=True)
class FasterRcnn:
    """`model { faster_rcnn }`.

    An R-FCN if it is *position_sensitive*, a Mask R-CNN if it has *masks*, a Context R-CNN if it has an *attention*.

    Attributes:
        classes: without the background.
        type: of the feature extractor.
        stride: pixels between the cells of the map that regions are cropped from.
        crop_size: rows and columns of a cropped region.
        pool_kernel: of the max-pooling of regions.
        pool_stride: likewise.
        share_box: whether a region has one box for all classes.
        position_sensitive: the predictor of an R-FCN; None for one that looks at cropped features.
        masks: the head of the third stage; None for a detector that finds boxes alone.
        attention: to a memory; None for a detector without one.
        embeds: whether detections are found in the network and come with the means of their features.
        line: of the feature extractor's type, or 0.
    """

    classes: int
    type: str
    resizer: ImageResizer = field(default_factory=ImageResizer)
    stride: int = 16
    first_stage: FirstStage = field(default_factory=FirstStage)
    crop_size: int = 14
    pool_kernel: int = 2
    pool_stride: int = 2
    share_box: bool = False
    position_sensitive: PositionSensitive | None = None
    masks: MaskHead | None = None
    attention: Attention | None = None
    embeds: bool = False
    post_processing: PostProcessing = field(default_factory=PostProcessing)
    line: int = 0

    @property
    def has_window(self) -> bool:
        """Whether images are padded, and what is found in the padding is not to count (`true_image_shapes`)."""
        return self.resizer.keeps_aspect and self.resizer.pads

    @property
    def finds_itself(self) -> bool:
        """Whether the network itself finds the detections: it crops them again, for masks or embeddings."""
        return self.embeds or self.masks is not None
