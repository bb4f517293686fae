"""Find the tensors that separate the network of an OD API graph from its pre- and post-processing.

They are found by the structure and the scopes that the SSD meta-architecture writes (object_detection/
meta_architectures/ssd_meta_arch.py): `Preprocessor/`, `Postprocessor/convert_scores`, `Postprocessor/Decode/`; in a
graph exported for TFLite, by the inputs of `TFLite_Detection_PostProcess`. The name of the model is not used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from detlite.convert.graph.index import GraphIndex, node_of, tensor_of
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

OP = "TFLite_Detection_PostProcess"
CONVERTERS = {"Sigmoid": "SIGMOID", "Softmax": "SOFTMAX"}
SHAPE_OPS = ("Identity", "Reshape", "Squeeze", "ExpandDims", "Cast")
CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")
PADDING = ("Pad", "PadV2", "MirrorPad", "Identity")


@dataclass(frozen=True)
class Cut:
    """The tensors at which a graph is cut, by name.

    Attributes:
        network_input: float [?, H, W, C], the image after resizing and normalization.
        image: the placeholder for unprocessed images, or None if the graph has no preprocessing.
        box_encodings: float [1, N, 4] or [1, N, 1, 4].
        class_logits: float [1, N, C], before the score converter.
        class_scores: float [1, N, C], after the score converter.
        score_converter: IDENTITY, SIGMOID or SOFTMAX.
        anchors: [N, 4], the decoder's input as corners, or the TFLite op's anchors as centres and sizes; None if the
            decoder has them in its constants.
        anchors_are_corners: whether *anchors* are corners.
        decoded: [N, 4], the decoder's output; None in a graph exported for TFLite.
        label_offset: 1 if the first class column is dropped as background, 0 if it is a class, None if unknown.
    """

    network_input: str
    image: str | None
    box_encodings: str
    class_logits: str
    class_scores: str
    score_converter: str
    anchors: str | None
    anchors_are_corners: bool
    decoded: str | None
    label_offset: int | None


def cut_graph(index: GraphIndex) -> Cut:
    """Return where to cut the graph in *index*.

    Raises:
        InputError: it is not an SSD of the TF Object Detection API; the message says what is missing.
    """
    ops = index.find(lambda node: node.op == OP)
    return _cut_at_op(index, ops[0]) if ops else _cut_at_postprocessor(index)


def _cut_at_op(index: GraphIndex, op: Any) -> Cut:
    encodings, scores, anchors = (index.input(op, place) for place in range(3))
    logits, converter = _through_converter(index, scores)
    return Cut(
        network_input=network_input(index, (node_of(encodings), node_of(scores))),
        image=None,
        box_encodings=tensor_of(encodings),
        class_logits=logits,
        class_scores=tensor_of(scores),
        score_converter=converter,
        anchors=tensor_of(anchors),
        anchors_are_corners=False,
        decoded=None,
        label_offset=None,
    )


def _through_converter(index: GraphIndex, scores: str) -> tuple[str, str]:
    """Return the logits that *scores* are computed from, and the name of the score converter."""
    name = node_of(scores)
    node = index.nodes.get(name)
    while node is not None and node.op == "Identity":
        name = node_of(index.input(node, 0))
        node = index.nodes.get(name)
    if node is not None and node.op in CONVERTERS:
        return tensor_of(index.input(node, 0)), CONVERTERS[node.op]
    return tensor_of(scores), "IDENTITY"


def _cut_at_postprocessor(index: GraphIndex) -> Cut:
    decode = _decode_node(index)
    scope = decode.name[: -len("Decode/transpose")]
    centres = index.nodes.get(f"{scope}Decode/get_center_coordinates_and_sizes/transpose")
    decoded = index.nodes.get(f"{scope}Decode/transpose_1")
    encodings = _leave_scope(index, index.input(decode, 0), scope)
    if decoded is None or (centres is None and not _is_alone(index, decoded.name, node_of(encodings))):
        raise InputError(
            f"the graph decodes boxes in {scope}Decode with an unsupported box coder; want the Faster R-CNN box coder"
        )
    logits, scores, converter = _scores(index, scope)
    image = index.find(lambda node: node.op == "Placeholder")
    heads = (node_of(encodings), node_of(logits))
    read = network_input(index, heads)
    unprocessed = [node.name for node in image if tensor_of(node.name) != read]
    return Cut(
        network_input=read,
        image=tensor_of(unprocessed[0]) if unprocessed else None,
        box_encodings=encodings,
        class_logits=logits,
        class_scores=scores,
        score_converter=converter,
        anchors=None if centres is None else tensor_of(index.input(centres, 0)),
        anchors_are_corners=True,
        decoded=tensor_of(decoded.name),
        label_offset=_label_offset(index, scope, scores),
    )


def _is_alone(index: GraphIndex, name: str, encodings: str) -> bool:
    """Return whether the node *name* is computed from the node *encodings* and constants, as folded anchors are."""
    walked = index.walk_back([name], lambda node: node.name != encodings)
    return not any(index.nodes[one].op.startswith("Placeholder") for one in walked if one in index.nodes)


def _decode_node(index: GraphIndex) -> Any:
    pattern = re.compile(r"(^|/)Postprocessor/Decode/transpose$")
    found = index.find(lambda node: node.op == "Transpose" and bool(pattern.search(node.name)))
    if not found:
        raise InputError(
            f"not an SSD of the TF Object Detection API: no node of the graph's {len(index.nodes)} is "
            f"Postprocessor/Decode or {OP}; {_guess_kind(index)}"
        )
    return found[0]


def _guess_kind(index: GraphIndex) -> str:
    names = " ".join(index.nodes)
    if "SecondStage" in names or "FirstStage" in names:
        return (
            "it looks like a two-stage detector, which is rebuilt: give its pipeline.config with --config, and its "
            "checkpoint or this frozen graph with --checkpoint"
        )
    if "CenterNet" in names or "center_net" in names.lower():
        return (
            "it looks like a CenterNet, whose peaks cannot be cut: give its checkpoint, with --config and --checkpoint"
        )
    if index.find(lambda node: node.op.startswith(("NonMaxSuppression", "CombinedNonMaxSuppression"))):
        return "it looks like a detector of another kind, which detlite cannot cut"
    if re.search(r"logits|[Pp]redictions|softmax", names):
        return "it looks like a classifier"
    return "give the graph of a detector"


def _leave_scope(index: GraphIndex, reference: str, scope: str) -> str:
    """Return the tensor outside the post-processor's *scope* that *reference* is a reshape of."""
    name = reference
    while (node := index.nodes.get(node_of(name))) is not None and node.name.startswith(scope):
        if node.op not in SHAPE_OPS:
            raise InputError(f"the box encodings go through {node.name}, an unsupported {node.op}")
        name = index.input(node, 0)
    return tensor_of(name)


def _scores(index: GraphIndex, scope: str) -> tuple[str, str, str]:
    """Return logits, scores and the converter's name; see `ssd_meta_arch.postprocess`."""
    inside = index.find(
        lambda node: node.name.startswith(f"{scope}convert_scores") and node.op in (*CONVERTERS, "Identity", "Reshape")
    )
    if not inside:
        raise InputError(f"cannot find the class scores: the graph has {scope}Decode but no {scope}convert_scores")
    last = inside[-1]
    kinds = [CONVERTERS[node.op] for node in inside if node.op in CONVERTERS]
    entered = set(index.walk_back([last.name], lambda node: node.name.startswith(scope)))
    outside = [
        name
        for name in index.walk_back([last.name], lambda node: node.name.startswith(scope))
        if not name.startswith(scope) and not _is_constant(index, name)
    ]
    if not outside:
        raise InputError(f"cannot find the class logits: {last.name} reads nothing from outside {scope}")
    reference = next(
        source
        for name in entered
        if name.startswith(scope) and name in index.nodes
        for source in index.inputs(index.nodes[name])
        if node_of(source) == outside[0]
    )
    return tensor_of(reference), tensor_of(last.name), (kinds or ["IDENTITY"])[0]


def _is_constant(index: GraphIndex, name: str) -> bool:
    feeding = index.ancestors([name])
    return not any(index.nodes[n].op == "Placeholder" for n in feeding if n in index.nodes)


def _label_offset(index: GraphIndex, scope: str, scores: str) -> int | None:
    """Return the first class column that is kept: 1 if a Slice drops the background, None if there is no Slice."""
    readers = [node for node in index.consumers(node_of(scores)) if node.name.startswith(scope)]
    readers += [node for one in readers if one.op == "Identity" for node in index.consumers(one.name)]
    for node in readers:
        begin = index.constant(node, 1) if node.op in ("Slice", "StridedSlice") else None
        if begin is not None:
            from tensorflow import make_ndarray

            return int(make_ndarray(begin.attr["value"].tensor).ravel()[-1])
    return None


def network_input(index: GraphIndex, heads: tuple[str, ...]) -> str:
    """Return the network's input: the image that its first convolutions read, before padding.

    Scopes cannot be used: exporters put the preprocessor before, inside or after the resizing loop.
    """
    feeding = index.ancestors(heads)
    first = [index.nodes[name] for name in sorted(feeding) if _is_first_convolution(index, name)]
    tensors = {_before_padding(index, index.input(node, 0)) for node in first}
    if len(tensors) != 1:
        raise InputError(
            f"{counted(len(tensors), 'tensor')} could be the network's input "
            f"({', '.join(sorted(tensors)[:4]) or 'none'}); want one image that all first convolutions read"
        )
    return tensors.pop()


def _is_first_convolution(index: GraphIndex, name: str) -> bool:
    node = index.nodes.get(name)
    if node is None or node.op not in CONVOLUTIONS:
        return False
    source = node_of(index.input(node, 0))
    before = index.walk_back([source], lambda other: other.op not in CONVOLUTIONS)
    ops = [index.nodes[other].op for other in before if other in index.nodes]
    return not any(op in CONVOLUTIONS for op in ops) and "Placeholder" in ops


def _before_padding(index: GraphIndex, reference: str) -> str:
    while (node := index.nodes.get(node_of(reference))) is not None and node.op in PADDING:
        reference = index.input(node, 0)
    return tensor_of(reference)
