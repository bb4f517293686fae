"""A classifier of TF-Vision: a backbone, the mean of its last map, and one dense layer."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.convert.graph.trained_ranges import WEIGHTS
from detlite.convert.labels.background import labels_of, without_background
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import Architecture, RebuildPlan, weights_origin
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import CLASS_LOGITS, CLASS_SCORES, BuiltNetwork
from detlite.convert.rebuild.network.wrapped_ranges import IMAGE, builder_of
from detlite.convert.rebuild.tf_vision.backbone import backbone_of
from detlite.convert.rebuild.tf_vision.image import image_input
from detlite.convert.rebuild.tf_vision.tasks.classification import Classifier
from detlite.convert.rebuild.weights.weights import Weights
from detlite.runtime.boxes.scores import SCORES
from detlite.runtime.contract import Contract
from detlite.runtime.tasks.classification import Classification
from detlite.runtime.tensors import Output

BACKBONE, DENSE = "layer_with_weights-0", "layer_with_weights-1"
POOLED = "wrapper-1"
"""Of a quantization-aware model: the wrapper of the pooling."""

CONVERTER = "SOFTMAX"


def build(plan: RebuildPlan, weights: Weights, size: Size) -> BuiltNetwork:
    """Return the classifier of *plan* with *weights*, for images of *size*."""
    config = plan.model
    assert isinstance(config, Classifier)
    with builder_of(weights, (*size, 3), quantized=plan.quantized, wrapped=config.has_ranges) as net:
        image = net.ranged(net.image, f"{BACKBONE}/{IMAGE}")
        maps = backbone_of(config.backbone).build(net, image, config.backbone, BACKBONE, True)
        last = maps[max(maps)]
        channels = net.channels(last)
        means = net.ranged(net.channel_means(last, "pooled"), POOLED)
        kernel = net.variable(f"{DENSE}/kernel", (channels, config.columns))
        bias = net.variable(f"{DENSE}/bias", (config.columns,))
        if plan.quantized:  # as a convolution: TensorFlow's converter cannot turn a matrix with a grid for each column
            found = net.conv(means, net.ranged(kernel[None, None], DENSE, WEIGHTS), bias, name="classes")
            logits = net.reshape(net.ranged(found, DENSE), (1, config.columns), "logits")
        else:
            logits = net.dense(net.reshape(means, (1, channels), "features"), kernel, bias, "classes")
        logits = net.identity(logits, CLASS_LOGITS)
        if not plan.quantized:
            net.convert_scores(logits, CONVERTER, 1.0, CLASS_SCORES)
        return BuiltNetwork(net.graph_def, (), net.parameters, net.macs)


def contract(plan: RebuildPlan, options: DetectorOptions, size: Size, built: BuiltNetwork) -> Contract:
    """Return the contract of the classifier that `build` made of *plan*."""
    del built
    config = plan.model
    assert isinstance(config, Classifier)
    origin = {"weights": weights_origin(plan), "image": f"TF-Vision's normalization and resizing; {plan.origin}"}
    labels, offset = without_background(*labels_of(options.labels, plan.folder), config.columns, origin)
    task = Classification(CONVERTER, "host" if options.logits or plan.quantized else "model", offset)
    outputs = (Output(SCORES, SCORES, 0, (1, config.columns), "float32"),)
    return Contract((image_input(size, crop=config.crop),), outputs, labels, task, origin)


def outputs(plan: RebuildPlan, options: DetectorOptions) -> Mapping[str, str]:
    """Return the tensor of the class scores, or of the logits if *options* ask for them, or ranges end there."""
    return {SCORES: CLASS_LOGITS if options.logits or plan.quantized else CLASS_SCORES}


PLUGIN = Architecture(
    title="image classifier (TF-Vision)", reads=Classifier, build=build, contract=contract, outputs=outputs
)
