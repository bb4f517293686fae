"""MoViNet of TF-Vision: a classifier of clips, or of a stream, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import Architecture, RebuildPlan
from detlite.convert.rebuild.detector_config import DetectorConfig
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import BuiltNetwork
from detlite.convert.rebuild.network.graph import GraphBuilder
from detlite.convert.rebuild.network.movinet import MovinetBuilder, WholeClip
from detlite.convert.rebuild.network.stream import OneFrame
from detlite.convert.rebuild.tf_vision.clips import clips_taken, contract_of, frames_taken, name_outputs, outputs_of
from detlite.convert.rebuild.tf_vision.tasks.movinet import MovinetClassifier
from detlite.convert.rebuild.weights.weights import Weights
from detlite.runtime.contract import Contract

BACKBONE, HEAD = "layer_with_weights-0", "layer_with_weights-1"


def build(plan: RebuildPlan, weights: Weights, size: Size) -> BuiltNetwork:
    """Return the MoViNet of *plan* with *weights*, for frames of *size*."""
    config = _config(plan)
    shape = (*size, 3) if config.backbone.causal else (config.clips.frames, *size, 3)
    with GraphBuilder(weights, shape) as net:
        stream = OneFrame(net) if config.backbone.causal else None
        frames = net.image if stream is not None else net.reshape(net.image, shape, "frames")
        builder = MovinetBuilder(net, config.backbone, stream or WholeClip(net), BACKBONE)
        logits = builder.logits(frames, HEAD, config.head_activation, config.clips.columns)
        name_outputs(net, logits, config.clips)
        states = () if stream is None else stream.states
        return BuiltNetwork(net.graph_def, (), net.parameters, net.macs, states=states, is_frozen=True)


def contract(plan: RebuildPlan, options: DetectorOptions, size: Size, built: BuiltNetwork) -> Contract:
    """Return the contract of the MoViNet that `build` made of *plan*."""
    return contract_of(plan, _config(plan).clips, options, size, built)


def outputs(plan: RebuildPlan, options: DetectorOptions) -> Mapping[str, str]:
    """Return the tensor of the class scores, or of the logits if *options* ask for them."""
    del plan
    return outputs_of(options)


def takes(config: DetectorConfig) -> str:
    """Return what the MoViNet of *config* takes, in words."""
    assert isinstance(config, MovinetClassifier)
    return frames_taken(config.clips) if config.backbone.causal else clips_taken(config.clips)


def _config(plan: RebuildPlan) -> MovinetClassifier:
    assert isinstance(plan.model, MovinetClassifier)
    return plan.model


PLUGIN = Architecture(
    title="MoViNet (TF-Vision)", reads=MovinetClassifier, build=build, contract=contract, outputs=outputs, takes=takes
)
