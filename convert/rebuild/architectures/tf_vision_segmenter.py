"""A segmenter of TF-Vision: DeepLab V3 and V3+."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.convert.labels.background import labels_of, with_background
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import Architecture, RebuildPlan, weights_origin
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import CLASS_LOGITS, BuiltNetwork
from detlite.convert.rebuild.network.deeplab import DeepLab
from detlite.convert.rebuild.network.wrapped_ranges import IMAGE, builder_of
from detlite.convert.rebuild.tf_vision.backbone import backbone_of
from detlite.convert.rebuild.tf_vision.image import PADDED, RESIZE, image_input
from detlite.convert.rebuild.tf_vision.tasks.segmentation import Segmenter
from detlite.convert.rebuild.weights.weights import Weights
from detlite.runtime.boxes.scores import SCORES
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.segmentation import Segmentation
from detlite.runtime.tensors import Output

BACKBONE = "model/backbone"


def build(plan: RebuildPlan, weights: Weights, size: Size) -> BuiltNetwork:
    """Return the segmenter of *plan* with *weights*, for images of *size*.

    Raises:
        InputError: the backbone lacks a level that the decoder or the head takes.
    """
    config = _config(plan)
    with builder_of(weights, (*size, 3), quantized=plan.quantized, wrapped=config.has_ranges) as net:
        image = net.ranged(net.image, f"{BACKBONE}/{IMAGE}")
        maps = backbone_of(config.backbone).build(net, image, config.backbone, BACKBONE, False)
        for level in (config.aspp.level, config.head.low_level):
            if level is not None and level not in maps:
                raise InputError(f"{plan.origin}: the backbone has the levels {sorted(maps)}; level {level} is missing")
        deeplab = DeepLab(net, config.norm)
        logits = deeplab.logits(deeplab.aspp(maps, config.aspp), maps, config.head, config.columns)
        net.identity(logits, CLASS_LOGITS)
        return BuiltNetwork(net.graph_def, (net.size(logits),), net.parameters, net.macs)


def contract(plan: RebuildPlan, options: DetectorOptions, size: Size, built: BuiltNetwork) -> Contract:
    """Return the contract of the segmenter that `build` made of *plan*."""
    config = _config(plan)
    origin = {"weights": weights_origin(plan), "image": f"TF-Vision's normalization and resizing; {plan.origin}"}
    labels = with_background(*labels_of(options.labels, plan.folder), config.columns, origin)
    outputs = (Output(SCORES, SCORES, 0, (1, *built.maps[0], config.columns), "float32"),)
    image = image_input(size, letterbox=PADDED if config.keeps_aspect else None)
    return Contract((image,), outputs, labels, Segmentation(RESIZE, "SOFTMAX", "host"), origin)


def outputs(plan: RebuildPlan, options: DetectorOptions) -> Mapping[str, str]:
    """Return the tensor of the logits, whatever *options* say: they become scores after they have grown."""
    del plan, options
    return {SCORES: CLASS_LOGITS}


def _config(plan: RebuildPlan) -> Segmenter:
    assert isinstance(plan.model, Segmenter)
    return plan.model


PLUGIN = Architecture(title="segmenter (TF-Vision)", reads=Segmenter, build=build, contract=contract, outputs=outputs)
