"""Video classification with MoViNet: its backbone and its own head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detlite.convert.rebuild.network.blocks import GATES
from detlite.convert.rebuild.network.movinet import POOLS, Movinet
from detlite.convert.rebuild.network.movinet_sizes import SIZES
from detlite.convert.rebuild.tf_vision.backbone import ACTIVATIONS, EPSILON
from detlite.convert.rebuild.tf_vision.clips import ClipConfig, read_clips
from detlite.convert.rebuild.tf_vision.params import Params
from detlite.convert.rebuild.tf_vision.read import TaskReader, backbones_in
from detlite.runtime.errors import InputError

KIND = "movinet"
CONVOLUTIONS = ("3d", "2plus1d", "3d_2plus1d")
ONE_CONVOLUTION = CONVOLUTIONS[0]


@dataclass(frozen=True)
class MovinetClassifier(ClipConfig):
    """A MoViNet.

    Attributes:
        backbone: its backbone.
        head_activation: of the layer before the classes, one of `graph.ACTIVATIONS`.
    """

    backbone: Movinet
    head_activation: str


def recognizes(model: Mapping[str, Any]) -> bool:
    """Return whether *model* is a MoViNet."""
    return bool(model["model_type"] == KIND) if "model_type" in model else KIND in backbones_in(model)


def read(task: Params) -> MovinetClassifier:
    """Return the MoViNet in *task*.

    Raises:
        InputError: TF-Vision has no such network, or detlite does not rebuild it.
    """
    model = task.inside("model")
    model.needs("backbone", "activation")
    model.ignore("model_type", "dropout_rate", "output_states", "require_endpoints")
    model.only("aggregate_endpoints", False, "detlite does not rebuild a head on several maps")
    norm = model.inside("norm_activation")
    epsilon = norm.real("norm_epsilon", EPSILON, high=1.0)
    norm.ignore("activation", "norm_momentum", "use_sync_bn")
    norm.finish()
    kind, section = model.one_of("backbone", KIND, (KIND, "resnet_3d", "resnet_3d_rs"))
    if kind != KIND:
        raise InputError(f"{model.where('backbone')} is {kind}; want {KIND}, as model_type says")
    config = MovinetClassifier(
        clips=read_clips(task),
        backbone=_backbone(section, epsilon),
        head_activation=ACTIVATIONS[model.choice("activation", "swish", tuple(ACTIVATIONS))],
    )
    model.finish()
    return config


def _backbone(section: Params, epsilon: float) -> Movinet:
    section.needs("model_id", "causal", "conv_type", "se_type", "activation", "gating_activation")
    section.ignore("stochastic_depth_drop_rate", "use_external_states", "output_states")
    section.only("average_pooling_type", "3d", "detlite rebuilds the pool over time and space alone, 3d")
    causal, convolution = section.flag("causal", False), section.choice("conv_type", ONE_CONVOLUTION, CONVOLUTIONS)
    if causal and convolution == ONE_CONVOLUTION:
        raise InputError(
            f"{section.where('conv_type')} is {convolution} in a causal network; detlite rebuilds streams with "
            f"{' or '.join(CONVOLUTIONS[1:])}, whose buffers are of frames"
        )
    config = Movinet(
        size=section.choice("model_id", "a0", tuple(SIZES)),
        activation=ACTIVATIONS[section.choice("activation", "swish", tuple(ACTIVATIONS))],
        gate=section.choice("gating_activation", "sigmoid", tuple(gate.lower() for gate in GATES)).upper(),
        epsilon=epsilon,
        causal=causal,
        split=convolution != ONE_CONVOLUTION,
        pooling=section.choice("se_type", "3d", POOLS),
        positions=section.flag("use_positional_encoding", False) and causal,
    )
    section.finish()
    return config


PLUGIN = TaskReader(title="video classification with MoViNet", recognizes=recognizes, read=read)
