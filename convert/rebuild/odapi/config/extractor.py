"""Reader of the `feature_extractor` message of an SSD."""

from __future__ import annotations

from detlite.convert.files.fields import Fields
from detlite.convert.rebuild.detector_config import BiFpn, FeatureExtractor, Fpn
from detlite.convert.rebuild.odapi.config.anchors import read_levels
from detlite.convert.rebuild.odapi.config.hyperparams import read_conv

MAX_MULTIPLIER = 16.0
MAX_CHANNELS = 8192
MAX_MULTIPLE = 1024  # pixels
MAX_LAYERS = 16
MAX_ITERATIONS = 64
COMBINE_METHODS = {"sum": 0, "weighted_sum": 1, "attention": 2, "fast_attention": 3}


def read_extractor(fields: Fields) -> FeatureExtractor:
    """Return the config of an `SsdFeatureExtractor` message; its type is not checked here.

    Raises:
        InputError: it has no type, a part is unsupported, or a value is invalid.
    """
    if fields.flag("replace_preprocessor_with_placeholder", False):
        raise fields.unsupported(
            "replace_preprocessor_with_placeholder", "the normalization of the images would be unknown"
        )
    pyramid = fields.one_of("fpn", "bifpn")
    read = FeatureExtractor(
        type=fields.text("type"),
        depth_multiplier=fields.positive("depth_multiplier", 1.0, high=MAX_MULTIPLIER),
        min_depth=fields.integer("min_depth", 16, low=1, high=MAX_CHANNELS),
        pad_to_multiple=fields.integer("pad_to_multiple", 1, low=1, high=MAX_MULTIPLE),
        use_depthwise=fields.flag("use_depthwise", False),
        use_explicit_padding=fields.flag("use_explicit_padding", False),
        num_layers=fields.integer("num_layers", 6, low=1, high=MAX_LAYERS),
        override_hyperparams=fields.flag("override_base_feature_extractor_hyperparams", False),
        conv=read_conv(fields.inside("conv_hyperparams")),
        fpn=_fpn(fields.inside("fpn")) if pyramid == "fpn" else None,
        bifpn=_bifpn(fields.inside("bifpn")) if pyramid == "bifpn" else None,
        spaghettinet_arch_name=fields.text("spaghettinet_arch_name", ""),
        line=fields.line_of("type"),
    )
    fields.finish()
    return read


def _fpn(fields: Fields) -> Fpn:
    depth = fields.integer("additional_layer_depth", 256, low=1, high=MAX_CHANNELS)
    read = Fpn(*read_levels(fields), additional_layer_depth=depth)
    fields.finish()
    return read


def _bifpn(fields: Fields) -> BiFpn:
    read = BiFpn(
        *read_levels(fields),
        num_iterations=fields.integer("num_iterations", low=1, high=MAX_ITERATIONS),
        num_filters=fields.integer("num_filters", low=1, high=MAX_CHANNELS),
        combine_method=fields.choice("combine_method", "fast_attention", COMBINE_METHODS),
    )
    fields.finish()
    return read
