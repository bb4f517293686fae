"""TFLite in int8 from end to end: a graph of quantization-aware training, whose ranges were trained with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from detlite.convert.exporters.tflite import converted, converter_of
from detlite.convert.graph.fake_quant import fit_for_int8
from detlite.convert.tensorflow import load_tensorflow
from detlite.convert.tflite.describe import describe
from detlite.runtime.errors import InputError


def to_int8(graph_def: Any, heads: Sequence[str]) -> bytes:
    """Return the int8 TFLite file of a graph with trained ranges; no image is asked for.

    The input is int8 and stands for (p - 128) / 128 of pixels p of 0..255; the heads are int8 too.

    Args:
        graph_def: what `build_ssd(..., quantized=True)` builds, with the placeholder `trim.INPUT`.
        heads: the tensors to return.

    Raises:
        InputError: it holds no ranges, or not enough of them for a model without floats.
    """
    tf = load_tensorflow()
    converter = converter_of(fit_for_int8(graph_def, heads), heads)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    data = converted(converter)
    facts = describe(data, "the int8 model")
    if facts.float_operators:
        raise InputError(
            f"{facts.float_operators} operators of the network have no trained ranges and would stay float: convert "
            "the checkpoint as float32, and use `detlite quantize` with images"
        )
    return data
