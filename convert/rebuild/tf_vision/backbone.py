"""The definition of a TF-Vision backbone: how its config is read, and how its maps are built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from detlite.convert.rebuild.network.blocks import NormActivation
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.tf_vision.params import Params
from detlite.runtime.errors import InputError
from detlite.runtime.plugins import load_plugins, plugin_names

BACKBONES = "detlite.convert.rebuild.tf_vision.backbones"

ACTIVATIONS: Mapping[str, str] = {
    "relu": "RELU",
    "relu6": "RELU_6",
    "swish": "SWISH",
    "hard_swish": "HARD_SWISH",
    "sigmoid": "SIGMOID",
    "linear": "NONE",
}
"""The network builder's names of TF-Vision's activations."""

ALTERNATIVES = (
    *("resnet", "dilated_resnet", "revnet", "efficientnet", "spinenet", "spinenet_mobile", "mobilenet", "mobiledet"),
    "vit",
)
"""The backbones of `official/vision/configs/backbones.py`."""

SPINE_LEVELS = (3, 7)

EPSILON = 0.001
"""Of the class `NormActivation`; some experiments set another."""


@dataclass(frozen=True)
class Backbone:
    """One backbone; its file's name is its `type`.

    Attributes:
        title: the name shown to users.
        reads: the type of its configs.
        read: returns the config in `backbone.<type>`, for the norm and activation of the model.
        build: returns the maps of an image by level, of the backbone at a path; with `classifies`, what a classifier
            pools has the highest level.
    """

    title: str
    reads: type[Any]
    read: Callable[[Params, NormActivation], Any]
    build: Callable[[GraphBuilder, Tensor, Any, str, bool], Mapping[int, Tensor]]


def read_norm(model: Params) -> NormActivation:
    """Return `norm_activation` of *model*."""
    section = model.inside("norm_activation")
    section.needs("activation", "norm_epsilon")
    activation = section.choice("activation", "relu", tuple(ACTIVATIONS))
    epsilon = section.real("norm_epsilon", EPSILON, high=1.0)
    section.ignore("norm_momentum", "use_sync_bn")
    section.finish()
    return NormActivation(ACTIVATIONS[activation], epsilon)


def read_backbone(model: Params, norm: NormActivation) -> Any:
    """Return the config of the backbone of *model*, of a type that one file in `tf_vision/backbones/` reads.

    Raises:
        InputError: no file does, or it refuses a value.
    """
    kind, section = model.one_of("backbone", "resnet", ALTERNATIVES)
    if kind not in plugin_names(BACKBONES):
        known = ", ".join(plugin_names(BACKBONES))
        raise InputError(f"{model.where('backbone')} is {kind}, which detlite does not rebuild; it rebuilds {known}")
    plugin: Backbone = load_plugins(BACKBONES)[kind]
    config = plugin.read(section, norm)
    section.finish()
    return config


def backbone_of(config: Any) -> Backbone:
    """Return the backbone that builds *config*."""
    backbones: dict[str, Backbone] = load_plugins(BACKBONES)
    return next(one for one in backbones.values() if type(config) is one.reads)


def spine_levels(section: Params) -> tuple[int, int]:
    """Return the lowest and the highest level of the SpineNet in *section*.

    Raises:
        InputError: they are not within 3 to 7.
    """
    low = section.integer("min_level", SPINE_LEVELS[0], low=SPINE_LEVELS[0], high=SPINE_LEVELS[1])
    high = section.integer("max_level", SPINE_LEVELS[1], low=SPINE_LEVELS[0], high=SPINE_LEVELS[1])
    if low > high:
        raise InputError(f"{section.where('min_level')} is {low} and max_level {high}: want no more than that")
    return low, high
