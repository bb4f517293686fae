"""TFLite: a float graph to a flatbuffer with float32, float16 or dynamic-range weights, or in int8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from detlite.convert.exporter import INT8, Exporter
from detlite.convert.float_graph import FloatGraph
from detlite.convert.graph.fake_quant import fit_for_int8
from detlite.convert.graph.index import tensor_of
from detlite.convert.graph.runner import import_graph
from detlite.convert.graph.trim import INPUT
from detlite.convert.model import Model, require_tflite, tflite_model
from detlite.convert.tensorflow import load_tensorflow
from detlite.convert.tflite.describe import describe
from detlite.convert.tflite.heads import canonicalize, input_names, refreshed
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.postprocess import attach_op
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError, unknown_name

TYPES = ("float32", "float16", "dynamic")

LARGE_GRAPH = 50_000_000
"""Bytes of a graph that is converted with less memory: half of it for a ResNet-50, which has 100 million."""


def to_tflite(
    graph_def: Any,
    heads: Sequence[str],
    kind: str = "float32",
    *,
    is_frozen: bool = False,
    inputs: Sequence[str] = (INPUT,),
) -> bytes:
    """Return the TFLite file of a trimmed graph; the order of its inputs and outputs is undefined.

    Args:
        graph_def: the result of `detlite.convert.graph.trim.trim`.
        heads: the output tensors.
        kind: one of `TYPES`: float32; weights as float16; or weights as int8 with activations quantized at run time.
        is_frozen: see `FloatGraph`; a graph over `LARGE_GRAPH` is converted that way in any case.
        inputs: its placeholders.

    Raises:
        InputError: TensorFlow cannot convert the graph.
    """
    if kind not in TYPES:
        raise unknown_name("type of weights", kind, TYPES)
    tf = load_tensorflow()
    saves_memory = is_frozen or graph_def.ByteSize() > LARGE_GRAPH
    make = _converter_of_frozen if saves_memory else converter_of
    converter = make(graph_def, heads, inputs)
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    return converted(converter)


def to_int8(graph_def: Any, heads: Sequence[str]) -> bytes:
    """Return the int8 TFLite file of a graph with trained ranges, without images.

    The input is int8 and represents (p - 128) / 128 of pixels p of 0..255; the heads are int8 too.

    Args:
        graph_def: of `build_ssd(..., quantized=True)` or `ranged_graph`, with the placeholder `trim.INPUT`.
        heads: the output tensors.

    Raises:
        InputError: it has no ranges, or too few for a model without floats.
    """
    tf = load_tensorflow()
    converter = converter_of(fit_for_int8(graph_def, heads), heads)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    data = converted(converter)
    facts = describe(data, "the int8 model")
    if facts.float_operators:
        raise InputError(
            f"{counted(facts.float_operators, 'operator of the network has', 'operators of the network have')} no "
            "trained ranges and would stay float: convert the checkpoint as float32, and use `detlite quantize` with "
            "images"
        )
    return data


def converter_of(graph_def: Any, heads: Sequence[str], inputs: Sequence[str] = (INPUT,)) -> Any:
    """Return a `TFLiteConverter` for a graph with the placeholders *inputs*; its options are not set yet."""
    tf = load_tensorflow()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([_function(graph_def, heads, inputs)], tf.Module())
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return converter


def _converter_of_frozen(graph_def: Any, heads: Sequence[str], inputs: Sequence[str]) -> Any:
    """Return the converter of frozen graphs, which copies the weights less often than `converter_of`'s.

    Two fields of its file's metadata differ; they are set to what the other one writes.
    """
    tf = load_tensorflow()
    from tensorflow.lite.python.conversion_metadata_schema_py_generated import ModelType

    ends = _like_tensors_of(graph_def, [*map(tensor_of, inputs), *map(tensor_of, heads)])
    converter = tf.compat.v1.lite.TFLiteConverter(graph_def, ends[: len(inputs)], ends[len(inputs) :])
    environment = converter._metadata.environment
    environment.apiVersion, environment.modelType = 2, ModelType.TF_CONCRETE_FUNCTIONS
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return converter


def _like_tensors_of(graph_def: Any, names: Sequence[str]) -> list[Any]:
    """Return tensors with the *names*, types and shapes that *graph_def* has, in a graph without its weights."""
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph:
        import_graph(graph_def)
    with tf.Graph().as_default():
        found = [graph.get_tensor_by_name(name) for name in names]
        return [tf.compat.v1.placeholder(one.dtype, one.shape, one.op.name) for one in found]


def converted(converter: Any) -> bytes:
    """Return the output file of *converter*.

    Raises:
        InputError: it cannot convert its graph.
    """
    tf = load_tensorflow()
    from tensorflow.lite.python.convert_phase import ConverterError

    try:
        data: bytes = converter.convert()
    except (ValueError, RuntimeError, tf.errors.OpError, ConverterError) as error:
        line = next((text for text in str(error).splitlines() if "error:" in text), str(error).splitlines()[0])
        raise InputError(f"TensorFlow's converter refuses the graph: {line.strip()[:300]}") from error
    return data


def _function(graph_def: Any, heads: Sequence[str], inputs: Sequence[str]) -> Any:
    tf = load_tensorflow()
    wrapped = tf.compat.v1.wrap_function(lambda: import_graph(graph_def), [])
    graph = wrapped.graph
    given, found = ([graph.get_tensor_by_name(tensor_of(name)) for name in names] for names in (inputs, heads))
    return wrapped.prune(given, found)


def from_graph(graph: FloatGraph, kind: str) -> Model:
    """Return *graph* as a TFLite model with raw heads: *kind* is one of `TYPES`, or `INT8`; errors as the two above."""
    if kind == INT8:
        if len(graph.inputs) > 1:
            raise InputError("a graph with trained ranges has one image as its input, and this one has more inputs")
        raw = to_int8(graph.graph_def, graph.heads)
    else:
        raw = to_tflite(graph.graph_def, graph.heads, kind, is_frozen=graph.is_frozen, inputs=graph.inputs)
    file = TfliteFile(raw, "the converted model")
    canonicalize(file, graph.heads, outputs=tuple(graph.outputs), inputs=input_names(graph.contract))
    return tflite_model(file, refreshed(graph.contract, file), ())


def from_tflite(model: Model, options: Mapping[str, object]) -> Model:
    """Return *model* itself.

    Raises:
        InputError: it is not a TFLite model.
        UnknownNameError: there are *options*, of which this format has none.
    """
    for name in options:
        raise unknown_name("option of a TFLite export", name, ())
    require_tflite(model, "exporting")
    return model


def with_op(model: Model) -> Model:
    """Return *model*, which has raw heads, with `TFLite_Detection_PostProcess` after them; errors as `attach_op`."""
    file = model.file.copy()
    contract = attach_op(file, model.contract)
    return tflite_model(file, contract, model.history)


MOST_PROPOSALS = 100
"""Devices run TFLite: the 300 of most configs take them minutes."""

PLUGIN = Exporter(
    title="TFLite",
    suffix=".tflite",
    from_graph=from_graph,
    from_tflite=from_tflite,
    nms=with_op,
    most_proposals=MOST_PROPOSALS,
)
