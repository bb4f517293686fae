"""A classifier of TF-Vision: a backbone, the mean of its last map, and one dense layer."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.convert.labels.background import labels_of, without_background
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import Architecture, RebuildPlan, weights_origin
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import CLASS_LOGITS, CLASS_SCORES, BuiltNetwork
from detlite.convert.rebuild.network.graph import GraphBuilder
from detlite.convert.rebuild.tf_vision.backbone import backbone_of
from detlite.convert.rebuild.tf_vision.image import image_input
from detlite.convert.rebuild.tf_vision.tasks.classification import Classifier
from detlite.convert.rebuild.weights.weights import Weights
from detlite.runtime.boxes.scores import SCORES
from detlite.runtime.contract import Contract
from detlite.runtime.tasks.classification import Classification
from detlite.runtime.tensors import Output

BACKBONE, DENSE = "layer_with_weights-0", "layer_with_weights-1"
CONVERTER = "SOFTMAX"


def build(plan: RebuildPlan, weights: Weights, size: Size) -> BuiltNetwork:
    """Return the classifier of *plan* with *weights*, for images of *size*."""
    config = plan.model
    assert isinstance(config, Classifier)
    with GraphBuilder(weights, (*size, 3)) as net:
        maps = backbone_of(config.backbone).build(net, net.image, config.backbone, BACKBONE, True)
        last = maps[max(maps)]
        channels = net.channels(last)
        means = net.reshape(net.channel_means(last, "pooled"), (1, channels), "features")
        kernel = net.variable(f"{DENSE}/kernel", (channels, config.columns))
        logits = net.dense(means, kernel, net.variable(f"{DENSE}/bias", (config.columns,)), "classes")
        net.convert_scores(net.identity(logits, CLASS_LOGITS), CONVERTER, 1.0, CLASS_SCORES)
        return BuiltNetwork(net.graph_def, (), net.parameters, net.macs)


def contract(plan: RebuildPlan, options: DetectorOptions, size: Size, built: BuiltNetwork) -> Contract:
    """Return the contract of the classifier that `build` made of *plan*."""
    del built
    config = plan.model
    assert isinstance(config, Classifier)
    origin = {"weights": weights_origin(plan), "image": f"TF-Vision's normalization and resizing; {plan.origin}"}
    labels, offset = without_background(*labels_of(options.labels, plan.folder), config.columns, origin)
    task = Classification(CONVERTER, "host" if options.logits else "model", offset)
    outputs = (Output(SCORES, SCORES, 0, (1, config.columns), "float32"),)
    return Contract((image_input(size, crop=config.crop),), outputs, labels, task, origin)


def outputs(plan: RebuildPlan, options: DetectorOptions) -> Mapping[str, str]:
    """Return the tensor of the class scores, or of the logits if *options* ask for them."""
    del plan
    return {SCORES: CLASS_LOGITS if options.logits else CLASS_SCORES}


PLUGIN = Architecture(
    title="image classifier (TF-Vision)", reads=Classifier, build=build, contract=contract, outputs=outputs
)
