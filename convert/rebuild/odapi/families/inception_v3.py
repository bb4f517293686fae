"""SSD with Inception V3."""

from __future__ import annotations

from detlite.convert.rebuild.network.extractor import Extractor
from detlite.convert.rebuild.network.feature_maps import ExtraMaps
from detlite.convert.rebuild.network.inception import AVERAGE, Branches, Conv, Inception, Pool, Split
from detlite.convert.rebuild.odapi.config.presets import ssd
from detlite.convert.rebuild.odapi.family import Family

SCOPE = "FeatureExtractor/InceptionV3"
SHRINK = Pool(largest=True, stride=2, valid=True)
SMALLEST_SIDE = 75
"""The smallest image side in pixels: below it nothing is left for the last reduction, which does not pad."""


def _mixed_5(pooled: int, second: tuple[str, str] = ("Conv2d_0a_1x1", "Conv2d_0b_5x5")) -> Branches:
    """Return a block at stride 8 (figure 5 of the paper); *second* names the layers of its second branch."""
    return (
        (Conv("Conv2d_0a_1x1", 64),),
        (Conv(second[0], 48), Conv(second[1], 64, 5)),
        (Conv("Conv2d_0a_1x1", 64), Conv("Conv2d_0b_3x3", 96, 3), Conv("Conv2d_0c_3x3", 96, 3)),
        (AVERAGE, Conv("Conv2d_0b_1x1", pooled)),
    )


def _mixed_6(inner: int) -> Branches:
    """Return a block at stride 16 (figure 6), whose 7x7 convolutions are split into 1x7 and 7x1."""
    return (
        (Conv("Conv2d_0a_1x1", 192),),
        (
            Conv("Conv2d_0a_1x1", inner),
            Conv("Conv2d_0b_1x7", inner, (1, 7)),
            Conv("Conv2d_0c_7x1", 192, (7, 1)),
        ),
        (
            Conv("Conv2d_0a_1x1", inner),
            Conv("Conv2d_0b_7x1", inner, (7, 1)),
            Conv("Conv2d_0c_1x7", inner, (1, 7)),
            Conv("Conv2d_0d_7x1", inner, (7, 1)),
            Conv("Conv2d_0e_1x7", 192, (1, 7)),
        ),
        (AVERAGE, Conv("Conv2d_0b_1x1", 192)),
    )


def _mixed_7(column: str) -> Branches:
    """Return a block at stride 32 (figure 7); *column* names the 3x1 convolution of its second branch."""
    return (
        (Conv("Conv2d_0a_1x1", 320),),
        (
            Conv("Conv2d_0a_1x1", 384),
            Split((Conv("Conv2d_0b_1x3", 384, (1, 3)), Conv(column, 384, (3, 1)))),
        ),
        (
            Conv("Conv2d_0a_1x1", 448),
            Conv("Conv2d_0b_3x3", 384, 3),
            Split((Conv("Conv2d_0c_1x3", 384, (1, 3)), Conv("Conv2d_0d_3x1", 384, (3, 1)))),
        ),
        (AVERAGE, Conv("Conv2d_0b_1x1", 192)),
    )


MIXED_6A: Branches = (
    (Conv("Conv2d_1a_1x1", 384, 3, stride=2, valid=True),),  # 3x3, despite its name
    (
        Conv("Conv2d_0a_1x1", 64),
        Conv("Conv2d_0b_3x3", 96, 3),
        Conv("Conv2d_1a_1x1", 96, 3, stride=2, valid=True),
    ),
    (SHRINK,),
)
MIXED_7A: Branches = (
    (Conv("Conv2d_0a_1x1", 192), Conv("Conv2d_1a_3x3", 320, 3, stride=2, valid=True)),
    (
        Conv("Conv2d_0a_1x1", 192),
        Conv("Conv2d_0b_1x7", 192, (1, 7)),
        Conv("Conv2d_0c_7x1", 192, (7, 1)),
        Conv("Conv2d_1a_3x3", 192, 3, stride=2, valid=True),
    ),
    (SHRINK,),
)

DESIGN = Inception(
    scope=SCOPE,
    stem=(
        Conv("Conv2d_1a_3x3", 32, 3, stride=2, valid=True),
        Conv("Conv2d_2a_3x3", 32, 3, valid=True),
        Conv("Conv2d_2b_3x3", 64, 3),
        SHRINK,
        Conv("Conv2d_3b_1x1", 80),
        Conv("Conv2d_4a_3x3", 192, 3, valid=True),
        SHRINK,
    ),
    mixed={
        "Mixed_5b": _mixed_5(32),
        "Mixed_5c": _mixed_5(64, second=("Conv2d_0b_1x1", "Conv_1_0c_5x5")),
        "Mixed_5d": _mixed_5(64),
        "Mixed_6a": MIXED_6A,
        "Mixed_6b": _mixed_6(128),
        "Mixed_6c": _mixed_6(160),
        "Mixed_6d": _mixed_6(160),
        "Mixed_6e": _mixed_6(192),
        "Mixed_7a": MIXED_7A,
        "Mixed_7b": _mixed_7("Conv2d_0b_3x1"),
        "Mixed_7c": _mixed_7("Conv2d_0c_3x1"),
    },
    taps=("Mixed_5d", "Mixed_6e", "Mixed_7c"),
    extra=ExtraMaps(SCOPE, "Mixed_7c", layers=((512, 3), (256, 3), (128, 3))),
)
"""Table 1 of the paper, with the names and channels of TF-Slim's checkpoints."""

PLUGIN = Family(
    title="SSD Inception V3",
    paper="Szegedy et al., Rethinking the Inception Architecture, CVPR 2016; Liu et al., SSD, ECCV 2016",
    scopes=(SCOPE,),
    mean=(127.5, 127.5, 127.5),
    std=(127.5, 127.5, 127.5),
    archives=(),
    extractors={"ssd_inception_v3": Extractor(DESIGN.six_maps, smallest_side=SMALLEST_SIDE)},
    presets={"ssd_inception_v3": ssd("ssd_inception_v3", override_hyperparams=True)},
)
