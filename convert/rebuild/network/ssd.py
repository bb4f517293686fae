"""Build an SSD from its config: feature extractor, box predictor, raw heads."""

from __future__ import annotations

from typing import Any

from detlite.convert.rebuild.detector_config import ConvolutionalPredictor, Ssd
from detlite.convert.rebuild.network.anchors import Size, boxes_per_cell
from detlite.convert.rebuild.network.built_network import BOX_ENCODINGS, CLASS_LOGITS, CLASS_SCORES, BuiltNetwork
from detlite.convert.rebuild.network.extractor import Extractor
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.keras_predictors import keras_predictor
from detlite.convert.rebuild.network.predictors import BOX_CODE, Columns, Predictions, convolutional_predictor, gather
from detlite.convert.rebuild.network.shared_predictor import shared_predictor
from detlite.convert.rebuild.network.slim import Slim
from detlite.convert.rebuild.weights.weights import Weights


def build_ssd(
    config: Ssd, extractor: Extractor, weights: Weights, size: Size, *, quantized: bool = False
) -> BuiltNetwork:
    """Return the network of *config* with *weights*.

    Args:
        config: the SSD.
        extractor: the feature extractor that its type names.
        weights: reports missing variables later, in `Weights.finish`.
        size: (height, width) of the image.
        quantized: keep the trained ranges, for `exporters.tflite.to_int8`.

    Raises:
        InputError: the parts of the config do not fit together.
    """
    extractor.check(config.extractor)
    channels = 1 if config.resizer.grayscale else 3
    with GraphBuilder(weights, (*size, channels), quantized=quantized) as net:
        image = _padded(net, config.extractor.pad_to_multiple)
        maps = extractor.build(net, image, config.extractor)
        encodings, logits = _predicted(net, maps, config, extractor)
        boxes = _clipped(net, gather(net, encodings, BOX_CODE, "concat"), config)
        net.identity(boxes, BOX_ENCODINGS)
        scores = net.identity(gather(net, logits, config.columns, "concat_1"), CLASS_LOGITS)
        post = config.post_processing
        net.convert_scores(scores, post.score_converter, post.logit_scale, CLASS_SCORES)
        return BuiltNetwork(net.graph_def, tuple(net.size(features) for features in maps), net.parameters, net.macs)


def _padded(net: GraphBuilder, multiple: int) -> Tensor:
    """Return the image padded with zeros at the bottom and right to a multiple of *multiple*."""
    below, right = (-side % multiple for side in net.size(net.image))
    return net.pad(net.image, (0, 0), (below, right), "pad_to_multiple")


def _predicted(net: GraphBuilder, maps: Any, config: Ssd, extractor: Extractor) -> Predictions:
    anchors = boxes_per_cell(config.anchors, len(maps))
    columns = Columns(config.columns)
    if extractor.keras:
        return keras_predictor(net, maps, config.predictor, anchors, columns)
    if isinstance(config.predictor, ConvolutionalPredictor):
        return convolutional_predictor(Slim(net), maps, config.predictor, anchors, columns)
    return shared_predictor(Slim(net), maps, config.predictor, anchors, columns)


def _clipped(net: GraphBuilder, boxes: Tensor, config: Ssd) -> Tensor:
    if config.predictor.clip_range is None:
        return boxes
    return net.clip(boxes, *config.predictor.clip_range, "clip")
