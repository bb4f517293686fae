"""CenterNet with an hourglass network, TF2."""

from __future__ import annotations

from dataclasses import dataclass

from detlite.convert.rebuild.center_net_config import CenterNet
from detlite.convert.rebuild.detector_config import ImageResizer
from detlite.convert.rebuild.network.center_net import CenterExtractor
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.hourglass import Hourglass, HourglassShape, hourglass_shape
from detlite.convert.rebuild.network.keras import EXTRACTOR
from detlite.convert.rebuild.odapi.family import Family

NO_MEAN, NO_STD = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
WIDTHS = {10: 32, 20: 48, 32: 48, 52: 64, 104: 128}
"""Channels after the first convolution, by the number of layers."""


@dataclass(frozen=True)
class HourglassMap:
    """The map at stride 4 of the last hourglass of *shape*."""

    shape: HourglassShape

    def build(self, net: GraphBuilder, image: Tensor, config: CenterNet) -> Tensor:
        """Return the map; *config* changes nothing in it."""
        del config
        return Hourglass(net, f"{EXTRACTOR}/_network", self.shape).features(image)


def _extractor(depth: int) -> CenterExtractor:
    shape = hourglass_shape(depth, WIDTHS[depth])
    build = HourglassMap(shape).build
    return CenterExtractor(build, NO_MEAN, NO_STD, multiple=shape.multiple, stages=shape.count)


PLUGIN = Family(
    title="CenterNet Hourglass",
    paper="Zhou et al., Objects as Points, 2019; Newell et al., Stacked Hourglass Networks, 2016",
    scopes=("center_net_hourglass_feature_extractor",),
    mean=NO_MEAN,
    std=NO_STD,
    archives=(
        "centernet_hg104_512x512_coco17_tpu_8",
        "centernet_hg104_512x512_kpts_coco17_tpu_32",
        "centernet_hg104_1024x1024_coco17_tpu_32",
        "centernet_hg104_1024x1024_kpts_coco17_tpu_32",
    ),
    center_nets={f"hourglass_{depth}": _extractor(depth) for depth in WIDTHS},
    presets={
        "centernet_hourglass_104": CenterNet(
            classes=90,
            type="hourglass_104",
            resizer=ImageResizer(512, 512, keeps_aspect=True, shortest=512, pads=True),
            means=(104.01362, 114.034225, 119.916595),
            stds=(73.60277, 69.89082, 70.91508),
            bgr=True,
            center_head_filters=(256,),
            center_head_kernels=(3,),
            box_head_filters=(256,),
            box_head_kernels=(3,),
        )
    },
)
