"""The levels, the decoder and the anchors of a detector's `task.model`."""

from __future__ import annotations

from detlite.convert.rebuild.network.fpn import TILING, PyramidConfig
from detlite.convert.rebuild.network.retinanet import LevelAnchors
from detlite.convert.rebuild.tf_vision.params import Params
from detlite.convert.rebuild.tf_vision.quantization import TRAINS, refused
from detlite.runtime.errors import InputError

TOP = 5
"""The highest level of the maps of a ResNet or a MobileNet."""

DECODERS = ("fpn", "nasfpn", "identity", "aspp")
"""The decoders of `official/vision/configs/decoders.py`."""

LEVELS = (1, 10)


def read_levels(model: Params, defaults: tuple[int, int]) -> tuple[int, int]:
    """Return `min_level` and `max_level` of *model*.

    Raises:
        InputError: the lowest is over the highest.
    """
    low, high = (
        model.integer(name, default, low=LEVELS[0], high=LEVELS[1])
        for name, default in zip(("min_level", "max_level"), defaults, strict=True)
    )
    if low > high:
        raise InputError(f"{model.where('min_level')} is {low} and max_level {high}: want no more than that")
    return low, high


def read_ranged_pyramid(model: Params, levels: tuple[int, int], activation: str) -> PyramidConfig | None:
    """Return the pyramid of *model* as `read_pyramid` does, trained aware of quantization.

    *activation* is the model's. The backbones that train so have levels up to `TOP`; a pyramid adds the others, with
    an activation before each but the first.

    Raises:
        InputError: it is another decoder, or one that TF-Vision cannot build with ranges.
    """
    pyramid = read_pyramid(model, levels, has_ranges=True)
    if activation not in TRAINS and levels[1] > TOP + 1:
        because = f"because its FPN has {activation} between levels {TOP + 1} and {TOP + 2}"
        raise refused(model, "norm_activation", because)
    return pyramid


def read_pyramid(model: Params, levels: tuple[int, int], *, has_ranges: bool = False) -> PyramidConfig | None:
    """Return the pyramid in `decoder` of *model*, or None for `identity`; *has_ranges* is `PyramidConfig`'s.

    Raises:
        InputError: it is another decoder, or has ranges with which TF-Vision cannot build it.
    """
    kind, section = model.one_of("decoder", "fpn", DECODERS)
    if has_ranges and kind != "fpn":
        raise refused(model, "decoder", f"because quantize_detection_decoder is for fpn alone, and this is {kind}")
    if kind == "identity":
        return None
    if kind != "fpn":
        raise InputError(f"{model.where('decoder')} is {kind}; detlite rebuilds fpn and identity")
    section.only("fusion_type", "sum", "detlite rebuilds pyramids that add their maps")
    config = PyramidConfig(
        section.integer("num_filters", 256, low=1, high=4096),
        section.flag("use_separable_conv", False),
        levels,
        1 if section.flag("use_keras_layer", False) else TILING,
        has_ranges,
    )
    if has_ranges and config.up_layers > 1:
        raise refused(section, "use_keras_layer", "where quantize_detection_decoder is true and this is not")
    section.finish()
    return config


def read_anchors(model: Params, *, size: float, scales: int) -> LevelAnchors:
    """Return `anchor` of *model*, whose defaults are *size* and *scales*.

    Raises:
        InputError: it has no aspect ratio.
    """
    section = model.inside("anchor")
    section.needs("anchor_size", "num_scales", "aspect_ratios")
    ratios = section.reals("aspect_ratios", (0.5, 1.0, 2.0))
    if not ratios:
        raise InputError(f"{section.where('aspect_ratios')} is empty; want one number or more")
    anchors = LevelAnchors(
        section.real("anchor_size", size, low=0.01, high=1000.0),
        section.integer("num_scales", scales, low=1, high=64),
        ratios,
    )
    section.finish()
    return anchors
