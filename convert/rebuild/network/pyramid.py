"""Feature pyramids of TF1, between a backbone and shared heads (OD API `feature_map_generators`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from detlite.convert.graph.trained_ranges import SUM
from detlite.convert.rebuild.detector_config import FeatureExtractor, Fpn
from detlite.convert.rebuild.network.channel_counts import depth_of
from detlite.convert.rebuild.network.extractor import where
from detlite.convert.rebuild.network.graph import Tensor
from detlite.convert.rebuild.network.slim import PLAIN, Slim, style_of
from detlite.runtime.errors import InputError

FINEST, COARSEST_TAP = 2, 5
"""The levels of a backbone; level n has a stride of 2 to the power of n pixels."""

COARSEST = 12
"""The highest level: more than any image needs, since each level halves the previous one."""


@dataclass(frozen=True)
class Pyramid:
    """The feature pyramid network of TF1 (Lin et al., Feature Pyramid Networks, 2017).

    Attributes:
        scope: the scope of its variables: `FeatureExtractor/MobilenetV1/fpn`.
        coarse: the name of the layers after the backbone: `bottom_up_Conv2d_`.
        first: the number in that name at level 6.
    """

    scope: str
    coarse: str
    first: int

    def add_to(self, slim: Slim, taps: Mapping[int, Tensor], extractor: FeatureExtractor) -> list[Tensor]:
        """Return the maps of the levels in the config, finest first.

        Args:
            slim: builds its layers.
            taps: the backbone's features by level.
            extractor: the config.

        Raises:
            InputError: a level does not exist, or the maps of two levels do not double in size.
        """
        fpn = levels_of(extractor)
        last = min(fpn.max_level, COARSEST_TAP)
        used = [taps[level] for level in range(fpn.min_level, last + 1)]
        maps = self._top_down(slim, used, extractor)
        for level in range(COARSEST_TAP + 1, fpn.max_level + 1):
            name = f"{self.coarse}{self.first + level - COARSEST_TAP - 1}"
            maps.append(self._smooth(slim, maps[-1], name, extractor, stride=2))
        return maps

    def _top_down(self, slim: Slim, taps: list[Tensor], extractor: FeatureExtractor) -> list[Tensor]:
        """Return the smoothed sums, finest first; the top-down path and the coarsest level are not smoothed."""
        top = self._project(slim, taps[-1], len(taps), extractor)
        maps = [top]
        for number in reversed(range(1, len(taps))):
            lateral = self._project(slim, taps[number - 1], number, extractor)
            scope = f"{self.scope}/top_down/add" + (f"_{len(maps) - 1}" if len(maps) > 1 else "")
            top = slim.net.add(doubled(slim, top, lateral, scope, extractor), lateral, scope, kind=SUM)
            maps.append(self._smooth(slim, top, f"smoothing_{number}", extractor))
        return maps[::-1]

    def _project(self, slim: Slim, x: Tensor, number: int, extractor: FeatureExtractor) -> Tensor:
        depth = depth_of(levels_of(extractor).additional_layer_depth, extractor)
        return slim.conv(x, f"{self.scope}/projection_{number}", depth, 1, style=PLAIN)

    def _smooth(self, slim: Slim, x: Tensor, name: str, extractor: FeatureExtractor, *, stride: int = 1) -> Tensor:
        depth = depth_of(levels_of(extractor).additional_layer_depth, extractor)
        style = replace(style_of(extractor.conv), explicit_padding=extractor.use_explicit_padding and stride > 1)
        build = slim.separable if extractor.use_depthwise else slim.conv
        return build(x, f"{self.scope}/{name}", depth, 3, style=style, stride=stride)


def levels_of(extractor: FeatureExtractor) -> Fpn:
    """Return the pyramid in the config, or the default one.

    Raises:
        InputError: its levels are empty, too many, or finer than any backbone has.
    """
    fpn = extractor.fpn or Fpn()
    if not FINEST <= fpn.min_level <= min(fpn.max_level, COARSEST_TAP) or fpn.max_level > COARSEST:
        raise InputError(
            f"{where(extractor)}: fpn needs min_level in {FINEST}..{COARSEST_TAP} and max_level in min_level.."
            f"{COARSEST}, got {fpn.min_level} and {fpn.max_level}"
        )
    return fpn


def doubled(slim: Slim, x: Tensor, like: Tensor, scope: str, extractor: FeatureExtractor) -> Tensor:
    """Return *x* up-sampled to the size of *like*, twice its own, by repeating pixels.

    With `use_explicit_padding` a surplus row or column is cropped, as in the original.

    Raises:
        InputError: *like* is not twice as large.
    """
    rows, columns = slim.net.size(x)
    up = slim.net.resize_nearest(x, (2 * rows, 2 * columns), scope)
    size = slim.net.size(like)
    if slim.net.size(up) != size and not extractor.use_explicit_padding:
        raise InputError(
            f"{where(extractor)}: its maps of {size[0]} x {size[1]} and {rows} x {columns} do not double in size; "
            "want an image whose sides are multiples of 32, or pad_to_multiple: 32"
        )
    return slim.net.crop(up, size, scope)


def pooled(slim: Slim, x: Tensor, count: int, scope: str) -> list[Tensor]:
    """Return *x* and its repeated 2x2 max-poolings, *count* maps in total (Jin et al., Pooling Pyramid, 2018)."""
    maps = [x]
    for number in range(count - 1):
        maps.append(slim.net.max_pool(maps[-1], 2, 2, f"{scope}/MaxPool2d_{number}_2x2"))
    return maps
