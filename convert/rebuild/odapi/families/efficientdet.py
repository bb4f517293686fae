"""EfficientDet D0 to D7 of the TF Object Detection API, TF2."""

from __future__ import annotations

from dataclasses import dataclass, replace

from detlite.convert.rebuild.detector_config import (
    BatchNorm,
    BiFpn,
    ConvHyperparams,
    FeatureExtractor,
    ImageResizer,
    MultiscaleAnchors,
    PostProcessing,
    Ssd,
    WeightSharedPredictor,
)
from detlite.convert.rebuild.network.bifpn import BiFpnBuilder
from detlite.convert.rebuild.network.efficientnet import EfficientNet
from detlite.convert.rebuild.network.extractor import Extractor, where
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.slim import Slim
from detlite.convert.rebuild.odapi.family import Family
from detlite.runtime.errors import InputError

SMALLEST_SIDE = 129
SCALINGS = (
    (1.0, 1.0),
    (1.0, 1.1),
    (1.1, 1.2),
    (1.2, 1.4),
    (1.4, 1.8),
    (1.6, 2.2),
    (1.8, 2.6),
    (2.0, 3.1),
)
"""(width, depth) of EfficientNet B0 to B7 (Tan and Le, 2019)."""

FIRST_SUMMED = 6
"""The first detector whose BiFPN adds its inputs unweighted, which is more stable in training (Tan et al., 2020)."""

DETECTORS = (
    (0, 512, 64, 3, 3),
    (1, 640, 88, 4, 3),
    (2, 768, 112, 5, 3),
    (3, 896, 160, 6, 4),
    (4, 1024, 224, 7, 4),
    (5, 1280, 288, 7, 4),
    (6, 1408, 384, 8, 5),
    (6, 1536, 384, 8, 5),
)
"""(backbone, side, channels, BiFPN iterations, layers of the heads) of D0 to D7 (Tan et al., 2020, table 1)."""

CONV = ConvHyperparams("SWISH", BatchNorm(epsilon=0.001, scale=True), force_use_bias=True)


@dataclass(frozen=True)
class EfficientDetMaps:
    """The feature maps on an EfficientNet with the (width, depth) *scaling* of B0."""

    scaling: tuple[float, float]

    def build(self, net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
        """Return the maps of all levels, finest first.

        Raises:
            InputError: the config has an unsupported setting, or the maps of two levels do not double in size.
        """
        if extractor.depth_multiplier != 1 or extractor.use_explicit_padding:
            raise InputError(
                f"{where(extractor)}: want a depth_multiplier of 1 and no use_explicit_padding, got "
                f"{extractor.depth_multiplier:g} and {str(extractor.use_explicit_padding).lower()}"
            )
        builder = BiFpnBuilder(Slim(net), extractor)
        octave = 2**builder.config.max_level
        if any(side % octave for side in net.size(image)):
            rows, columns = net.size(image)
            raise InputError(
                f"{where(extractor)}: the maps of images of {rows} x {columns} pixels do not double in size; want "
                f"sides that are multiples of {octave}"
            )
        return builder.maps(EfficientNet(*self.scaling).levels(net, image))


def _kind(backbone: int) -> str:
    return f"ssd_efficientnet-b{backbone}_bifpn_keras"


def _detector(number: int) -> Ssd:
    backbone, side, channels, iterations, layers = DETECTORS[number]
    method = "sum" if number >= FIRST_SUMMED else "fast_attention"
    pyramid = BiFpn(num_iterations=iterations, num_filters=channels, combine_method=method)
    return Ssd(
        classes=90,
        extractor=FeatureExtractor(_kind(backbone), conv=CONV, bifpn=pyramid),
        predictor=WeightSharedPredictor(CONV, layers=layers, depth=channels, use_depthwise=True),
        anchors=replace(MultiscaleAnchors(), scales_per_octave=3),
        resizer=ImageResizer(side, side),
        post_processing=PostProcessing("SIGMOID", score_threshold=1e-8, iou_threshold=0.5),
        add_background_class=False,
    )


PLUGIN = Family(
    title="EfficientDet",
    paper="Tan et al., EfficientDet, CVPR 2020",
    scopes=tuple(f"EfficientNet-B{number}_BiFPN" for number in range(len(SCALINGS))),
    mean=(0.485 * 255, 0.456 * 255, 0.406 * 255),
    std=(0.229 * 255, 0.224 * 255, 0.225 * 255),
    archives=("efficientdet",),
    extractors={
        _kind(number): Extractor(
            EfficientDetMaps(scaling).build, keras=True, smallest_side=SMALLEST_SIDE, reads=("bifpn",)
        )
        for number, scaling in enumerate(SCALINGS)
    },
    presets={f"efficientdet_d{number}": _detector(number) for number in range(len(DETECTORS))},
)
