"""TFLite: a trimmed graph to a flatbuffer of float32, float16 or dynamic-range weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from detlite.convert.graph.index import tensor_of
from detlite.convert.graph.runner import import_graph
from detlite.convert.graph.trim import INPUT
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.errors import InputError, unknown_name

TYPES = ("float32", "float16", "dynamic")


def to_tflite(graph_def: Any, heads: Sequence[str], kind: str = "float32") -> bytes:
    """Return the TFLite file of a trimmed graph with the placeholder `INPUT`; outputs in no order that is promised.

    Args:
        graph_def: what `detlite.convert.graph.trim.trim` returns.
        heads: the tensors to return.
        kind: one of `TYPES`: float32; weights as float16; or weights as int8 with activations quantized at run time.

    Raises:
        InputError: TensorFlow cannot convert the graph.
    """
    if kind not in TYPES:
        raise unknown_name("type of weights", kind, TYPES)
    tf = load_tensorflow()
    converter = converter_of(graph_def, heads)
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    return converted(converter)


def converter_of(graph_def: Any, heads: Sequence[str]) -> Any:
    """Return a `TFLiteConverter` for a graph with the placeholder `INPUT`; its options are still to be set."""
    tf = load_tensorflow()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([_function(graph_def, heads)], tf.Module())
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return converter


def converted(converter: Any) -> bytes:
    """Return the file that *converter* makes.

    Raises:
        InputError: it cannot convert its graph.
    """
    tf = load_tensorflow()
    try:
        data: bytes = converter.convert()
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        line = next((text for text in str(error).splitlines() if "error:" in text), str(error).splitlines()[0])
        raise InputError(f"TensorFlow's converter refuses the graph: {line.strip()[:300]}") from error
    return data


def _function(graph_def: Any, heads: Sequence[str]) -> Any:
    tf = load_tensorflow()
    wrapped = tf.compat.v1.wrap_function(lambda: import_graph(graph_def), [])
    graph = wrapped.graph
    return wrapped.prune(
        graph.get_tensor_by_name(f"{INPUT}:0"), [graph.get_tensor_by_name(tensor_of(head)) for head in heads]
    )
