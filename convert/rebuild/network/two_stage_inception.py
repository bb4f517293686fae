"""An Inception network in two parts: the first for the whole image, the last blocks for each of its regions."""

from __future__ import annotations

from dataclasses import dataclass

from detlite.convert.rebuild.detector_config import BatchNorm, FeatureExtractor
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.inception import Inception, InceptionBuilder
from detlite.convert.rebuild.network.slim import Slim, Style

STYLE = Style("RELU", BatchNorm(scale=True))
"""The config's hyperparameters do not reach this backbone."""


@dataclass(frozen=True)
class TwoStageInception:
    """The backbone *design*; regions begin with the block *regions_from*."""

    design: Inception
    regions_from: str

    def image_features(self, net: GraphBuilder, image: Tensor, stride: int) -> Tensor:
        """Return the map of the whole image, with cells 16 pixels apart."""
        del stride  # there is no other
        builder = self._builder(net, "FirstStageFeatureExtractor")
        x = image
        for layer in self.design.stem:
            x = builder.layer(x, layer, builder.scope)
        return self._mixed(builder, x, regions=False)

    def region_features(self, net: GraphBuilder, regions: Tensor) -> Tensor:
        """Return the maps of *regions* [count, rows, columns, channels]."""
        return self._mixed(self._builder(net, "SecondStageFeatureExtractor"), regions, regions=True)

    def _mixed(self, builder: InceptionBuilder, x: Tensor, *, regions: bool) -> Tensor:
        names = list(self.design.mixed)
        split = names.index(self.regions_from)
        for name in names[split:] if regions else names[:split]:
            x = builder.mixed(x, self.design.mixed[name], f"{builder.scope}/{name}")
        return x

    def _builder(self, net: GraphBuilder, stage: str) -> InceptionBuilder:
        scope = f"{stage}/{self.design.scope.rsplit('/', 1)[-1]}"
        return InceptionBuilder(scope, Slim(net), STYLE, FeatureExtractor("faster_rcnn"))
