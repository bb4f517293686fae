"""The OD API's extra maps and pyramids of TF2: `KerasMultiResolutionFeatureMaps`, `KerasFpnTopDownFeatureMaps`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from detlite.convert.rebuild.detector_config import FeatureExtractor
from detlite.convert.rebuild.network.channel_counts import depth_of
from detlite.convert.rebuild.network.feature_maps import EXTRA_LAYERS
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.keras import EXTRACTOR, KERAS_NAMES, keras_style
from detlite.convert.rebuild.network.pyramid import COARSEST_TAP, doubled, levels_of
from detlite.convert.rebuild.network.slim import PLAIN, Slim

PYRAMID = f"{EXTRACTOR}/_fpn_features_generator"
COARSE = f"{EXTRACTOR}/_coarse_feature_layers"
BLOCK = 3
"""Entries per layer in a Keras list: convolution, batch norm, activation."""


def extra_maps(
    net: GraphBuilder, taps: Sequence[Tensor], extractor: FeatureExtractor, *, generator: str = "feature_map_generator"
) -> list[Tensor]:
    """Return *taps* and the extra maps, each half the size of the previous one, `num_layers` in total.

    *generator* is the attribute of the feature extractor that holds their layers.
    """
    slim = Slim(net, KERAS_NAMES)
    maps = list(taps)[: extractor.num_layers]
    for number, (channels, kernel) in enumerate(EXTRA_LAYERS, start=len(taps)):
        if number < extractor.num_layers:
            scope = f"{EXTRACTOR}/{generator}/convolutions/{number}"
            maps.append(_halved(slim, maps[-1], scope, (channels, kernel), extractor))
    return maps


def _halved(slim: Slim, x: Tensor, scope: str, layer: tuple[int, int], extractor: FeatureExtractor) -> Tensor:
    channels, kernel = layer
    style = keras_style(extractor.conv)
    strided = replace(style, explicit_padding=extractor.use_explicit_padding)
    y = slim.conv(x, f"{scope}/0", depth_of(channels // 2, extractor), 1, style=style)
    at = BLOCK + int(extractor.use_explicit_padding)  # the padding is a separate entry
    filters = depth_of(channels, extractor)
    if not extractor.use_depthwise:
        return slim.conv(y, f"{scope}/{at}", filters, kernel, style=strided, stride=2)
    y = slim.depthwise(y, f"{scope}/{at}", kernel, style=strided, stride=2)
    return slim.conv(y, f"{scope}/{at + BLOCK}", filters, 1, style=style)


def pyramid_maps(net: GraphBuilder, taps: Mapping[int, Tensor], extractor: FeatureExtractor) -> list[Tensor]:
    """Return the maps of the levels in the config, finest first.

    Each level is computed from the smoothed coarser level; TF1 uses the sum before smoothing.

    Args:
        net: the graph to build in.
        taps: the backbone's features by level.
        extractor: the config.

    Raises:
        InputError: a level does not exist, or the maps of two levels do not double in size.
    """
    slim, fpn = Slim(net, KERAS_NAMES), levels_of(extractor)
    last = min(fpn.max_level, COARSEST_TAP)
    depth = depth_of(fpn.additional_layer_depth, extractor)
    top = slim.conv(taps[last], f"{PYRAMID}/top_layers/0", depth, 1, style=PLAIN)
    maps = [top]
    for number, level in enumerate(reversed(range(fpn.min_level, last))):
        lateral = slim.conv(taps[level], f"{PYRAMID}/residual_blocks/{number}/0", depth, 1, style=PLAIN)
        scope = f"{PYRAMID}/top_down_blocks/{number}"
        total = net.add(doubled(slim, maps[-1], lateral, scope, extractor), lateral, scope)
        maps.append(_smoothed(slim, total, f"{PYRAMID}/conv_layers/{number}", extractor))
    maps.reverse()
    for number in range(fpn.max_level - last):
        maps.append(_smoothed(slim, maps[-1], f"{COARSE}/{number}", extractor, stride=2))
    return maps


def _smoothed(slim: Slim, x: Tensor, scope: str, extractor: FeatureExtractor, *, stride: int = 1) -> Tensor:
    padded = extractor.use_explicit_padding
    style = replace(keras_style(extractor.conv), explicit_padding=padded)
    build = slim.separable if extractor.use_depthwise else slim.conv
    depth = depth_of(levels_of(extractor).additional_layer_depth, extractor)
    return build(x, f"{scope}/{int(padded)}", depth, 3, style=style, stride=stride)
