"""A 3-D ResNet of TF-Vision: SlowOnly, R3D or R3D-RS, a classifier of clips."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import Architecture, RebuildPlan
from detlite.convert.rebuild.detector_config import DetectorConfig
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import BuiltNetwork
from detlite.convert.rebuild.network.clip_layers import ClipLayers
from detlite.convert.rebuild.network.graph import GraphBuilder
from detlite.convert.rebuild.network.resnet_3d import build_resnet_3d
from detlite.convert.rebuild.tf_vision.clips import clips_taken, contract_of, name_outputs, outputs_of
from detlite.convert.rebuild.tf_vision.tasks.video_classification import ClipClassifier
from detlite.convert.rebuild.weights.weights import Weights
from detlite.runtime.contract import Contract

BACKBONE, DENSE = "layer_with_weights-0", "layer_with_weights-1"


def build(plan: RebuildPlan, weights: Weights, size: Size) -> BuiltNetwork:
    """Return the classifier of *plan* with *weights*, for frames of *size*."""
    config = _config(plan)
    shape = (config.clips.frames, *size, 3)
    with GraphBuilder(weights, shape) as net:
        last = build_resnet_3d(net, net.reshape(net.image, shape, "frames"), config.backbone, BACKBONE)
        channels, columns = net.channels(last), config.clips.columns
        means = net.reshape(ClipLayers(net).mean(last, "pooled"), (1, channels), "features")
        kernel = net.variable(f"{DENSE}/kernel", (channels, columns))
        logits = net.dense(means, kernel, net.variable(f"{DENSE}/bias", (columns,)), "classes")
        name_outputs(net, logits, config.clips)
        return BuiltNetwork(net.graph_def, (), net.parameters, net.macs, is_frozen=True)


def contract(plan: RebuildPlan, options: DetectorOptions, size: Size, built: BuiltNetwork) -> Contract:
    """Return the contract of the classifier that `build` made of *plan*."""
    return contract_of(plan, _config(plan).clips, options, size, built)


def outputs(plan: RebuildPlan, options: DetectorOptions) -> Mapping[str, str]:
    """Return the tensor of the class scores, or of the logits if *options* ask for them."""
    del plan
    return outputs_of(options)


def takes(config: DetectorConfig) -> str:
    """Return what the classifier of *config* takes, in words."""
    assert isinstance(config, ClipClassifier)
    return clips_taken(config.clips)


def _config(plan: RebuildPlan) -> ClipClassifier:
    assert isinstance(plan.model, ClipClassifier)
    return plan.model


PLUGIN = Architecture(
    title="3-D ResNet (TF-Vision)", reads=ClipClassifier, build=build, contract=contract, outputs=outputs, takes=takes
)
