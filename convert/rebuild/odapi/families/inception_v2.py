"""SSD with Inception V2."""

from __future__ import annotations

from detlite.convert.rebuild.network.extractor import Extractor
from detlite.convert.rebuild.network.faster_rcnn import TwoStageExtractor
from detlite.convert.rebuild.network.feature_maps import ExtraMaps
from detlite.convert.rebuild.network.inception import AVERAGE, LARGEST, Branches, Conv, Inception, Pool, StemConv
from detlite.convert.rebuild.network.two_stage_inception import TwoStageInception
from detlite.convert.rebuild.odapi.config.presets import ssd
from detlite.convert.rebuild.odapi.family import Family

SCOPE = "FeatureExtractor/InceptionV2"
SHRINK = Pool(largest=True, stride=2)


def _mixed(single: int, twice: tuple[int, int], thrice: tuple[int, int], pooled: int, pool: Pool = AVERAGE) -> Branches:
    """Return a block that keeps the size, with four branches: 1x1; 1x1 and 3x3; 1x1 and two 3x3; *pool* and 1x1."""
    return (
        (Conv("Conv2d_0a_1x1", single),),
        (Conv("Conv2d_0a_1x1", twice[0]), Conv("Conv2d_0b_3x3", twice[1], 3)),
        (
            Conv("Conv2d_0a_1x1", thrice[0]),
            Conv("Conv2d_0b_3x3", thrice[1], 3),
            Conv("Conv2d_0c_3x3", thrice[1], 3),
        ),
        (pool, Conv("Conv2d_0b_1x1", pooled)),
    )


def _reduction(once: tuple[int, int], twice: tuple[int, int]) -> Branches:
    """Return a block that halves the size, with three branches: 1x1 and 3x3; 1x1 and two 3x3; a pooling."""
    return (
        (Conv("Conv2d_0a_1x1", once[0]), Conv("Conv2d_1a_3x3", once[1], 3, stride=2)),
        (
            Conv("Conv2d_0a_1x1", twice[0]),
            Conv("Conv2d_0b_3x3", twice[1], 3),
            Conv("Conv2d_1a_3x3", twice[1], 3, stride=2),
        ),
        (SHRINK,),
    )


DESIGN = Inception(
    scope=SCOPE,
    stem=(
        StemConv("Conv2d_1a_7x7", 64, kernel=7, stride=2, multiplier=8),
        SHRINK,
        Conv("Conv2d_2b_1x1", 64),
        Conv("Conv2d_2c_3x3", 192, 3),
        SHRINK,
    ),
    mixed={
        "Mixed_3b": _mixed(64, (64, 64), (64, 96), 32),
        "Mixed_3c": _mixed(64, (64, 96), (64, 96), 64),
        "Mixed_4a": _reduction((128, 160), (64, 96)),
        "Mixed_4b": _mixed(224, (64, 96), (96, 128), 128),
        "Mixed_4c": _mixed(192, (96, 128), (96, 128), 128),
        "Mixed_4d": _mixed(160, (128, 160), (128, 160), 96),
        "Mixed_4e": _mixed(96, (128, 192), (160, 192), 96),
        "Mixed_5a": _reduction((128, 192), (192, 256)),
        "Mixed_5b": _mixed(352, (192, 320), (160, 224), 128),
        "Mixed_5c": _mixed(352, (192, 320), (192, 224), 128, pool=LARGEST),
    },
    taps=("Mixed_4c", "Mixed_5c"),
    extra=ExtraMaps(SCOPE, "Mixed_5c"),
)
"""Figure 5 of the paper, with the channels of TF-Slim's checkpoints."""

TWO_STAGE = TwoStageInception(DESIGN, regions_from="Mixed_5a")

PLUGIN = Family(
    title="Inception V2",
    paper="Ioffe and Szegedy, Batch Normalization, ICML 2015; Liu et al., SSD, ECCV 2016",
    scopes=("FeatureExtractor/InceptionV2", "FirstStageFeatureExtractor/InceptionV2"),
    mean=(127.5, 127.5, 127.5),
    std=(127.5, 127.5, 127.5),
    archives=("ssd_inception_v2", "faster_rcnn_inception_v2_coco", "mask_rcnn_inception_v2_coco"),
    extractors={"ssd_inception_v2": Extractor(DESIGN.six_maps)},
    two_stage={
        "faster_rcnn_inception_v2": TwoStageExtractor(
            TWO_STAGE.image_features, TWO_STAGE.region_features, strides=(16,)
        )
    },
    presets={"ssd_inception_v2": ssd("ssd_inception_v2", override_hyperparams=True)},
)
