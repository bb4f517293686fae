"""What a form of non-maximum suppression in an ONNX file is: one file in `convert/onnx/nms/`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from detlite.convert.model import Model
from detlite.convert.onnx.graph import OnnxGraph, OnnxTensor
from detlite.convert.onnx.options import OnnxOptions
from detlite.convert.onnx.package import load_onnx
from detlite.convert.onnx.write import packed
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.plugins import load_plugin, plugin_names
from detlite.runtime.tasks.detection import has_embeddings, has_proposals, has_raw_heads
from detlite.runtime.tensors import Output

VARIANTS = "detlite.convert.onnx.nms"


@dataclass(frozen=True)
class NmsVariant:
    """One form; its name is its file's name.

    Attributes:
        title: what it is, for people.
        attach: adds it to an ONNX model with raw heads.
    """

    title: str
    attach: Callable[[Model, OnnxOptions], Model]


def variant_called(name: str) -> NmsVariant:
    """Return the form of that *name*.

    Raises:
        UnknownNameError: there is no such form.
    """
    if name not in plugin_names(VARIANTS):
        raise unknown_name("form of NMS", name, plugin_names(VARIANTS))
    found: NmsVariant = load_plugin(VARIANTS, name)
    return found


def opened(model: Model) -> OnnxGraph:
    """Return the graph of *model*, to be extended.

    Raises:
        InputError: it is no detector with one box for each anchor.
    """
    if not has_raw_heads(model.contract):
        raise InputError("the model has non-maximum suppression already: export it from a TFLite artifact")
    if has_proposals(model.contract) or has_embeddings(model.contract):
        found = "is a two-stage detector" if has_proposals(model.contract) else "finds its detections itself"
        raise InputError(
            f"non-maximum suppression in the file decodes one box for each anchor, and the model {found}: leave out "
            "--nms and --interface; detlite's runtime reads its outputs"
        )
    return OnnxGraph.of(load_onnx().load_from_string(model.data))


def closed(
    model: Model, graph: OnnxGraph, ends: Sequence[tuple[str, str, OnnxTensor]], nms: Nms, *, is_standard: bool = True
) -> Model:
    """Return *model* with the outputs *ends* of its *graph* in place of the raw heads.

    Args:
        model: the model with raw heads.
        graph: what `opened` returned, with the nodes that were added.
        ends: of each output in order its role, its value in the graph, and itself.
        nms: what was written.
        is_standard: whether all operators are ONNX's own, so that its checker knows them.
    """
    outputs = tuple(
        Output(role, end.name, place, end.shape, end.dtype) for place, (role, _value, end) in enumerate(ends)
    )
    contract = replace(model.contract, outputs=outputs).with_task(
        nms=replace(nms, place="model"), score_converter_place="model"
    )
    proto = graph.finish(graph.inputs, [(value, end) for _role, value, end in ends])
    return replace(model, data=packed(proto, contract, is_standard=is_standard), contract=contract)
