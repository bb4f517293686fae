"""Rebuild a detector in current TensorFlow from its config and weights, as a `FloatGraph`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from detlite.convert.detector import DetectorOptions, raw_outputs
from detlite.convert.float_graph import FloatGraph
from detlite.convert.graph.trim import prune
from detlite.convert.rebuild.decoding import Decoding, center_net_decoding, ssd_decoding
from detlite.convert.rebuild.detector_config import CenterNet, DetectorConfig, Ssd
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import BOX_ENCODINGS, CLASS_LOGITS, CLASS_SCORES, BuiltNetwork
from detlite.convert.rebuild.network.center_net import OCTAVE, build_center_net
from detlite.convert.rebuild.network.ssd import build_ssd
from detlite.convert.rebuild.odapi.family import Family, family_of_center_net, family_of_extractor
from detlite.convert.rebuild.weights.unused_variables import UnusedVariables
from detlite.convert.rebuild.weights.weights import Weights
from detlite.convert.sidecar_files import Hints
from detlite.runtime.artifact import RANDOM_WEIGHTS
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.inputs import ImageInput
from detlite.runtime.tasks.detection import RAW_ROLES, Detection

RESIZE = "tf1_bilinear"
"""The OD API calls `tf.compat.v1.image.resize_images`, in TF2 models too."""

QAT_MEAN, QAT_STD = 128.0, 128.0
"""The normalization of quantization-aware models, in steps of 1/128, as in the zoo's quantized archives."""

Normalization = tuple[str, tuple[float, ...], tuple[float, ...]]
"""Colour order, mean and std."""


@dataclass(frozen=True)
class RebuildPlan:
    """A network to build.

    Attributes:
        model: the config of the network.
        origin: the name of the config in the contract's origin: "pipeline.config", "preset ssdlite_mobilenet_v2".
        folder: the folder that may hold a label map, or None.
        quantized: whether the trained quantization ranges stay in the graph.
        skipped: fields of the config that the OD API no longer has.
        random_seed: the seed of random weights; None for trained weights.
    """

    model: DetectorConfig
    origin: str
    folder: Path | None = None
    quantized: bool = False
    skipped: tuple[str, ...] = ()
    random_seed: int | None = None


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """A rebuilt detector.

    Attributes:
        graph: the detector, ready to export.
        unused: the variables of the checkpoint that it does not use.
        notices: lines for the user, such as a replaced resizer.
    """

    graph: FloatGraph
    unused: UnusedVariables
    notices: tuple[str, ...] = ()


def rebuild(plan: RebuildPlan, weights: Weights, options: DetectorOptions) -> Rebuilt:
    """Return the detector of *plan* with *weights*.

    Raises:
        InputError: no family has the feature extractor, the parts of the config do not fit together, or the weights
            do not fit the network.
    """
    size = options.input_size or (plan.model.resizer.height, plan.model.resizer.width)
    build = _center_net if isinstance(plan.model, CenterNet) else _ssd
    built, normalization, decoding = build(plan, weights, options, size)
    unused = weights.finish(config=plan.origin)
    contract = _contract(plan, options, _image(normalization, size), decoding)
    scores = CLASS_LOGITS if options.logits else CLASS_SCORES
    graph_def = prune(built.graph_def, (BOX_ENCODINGS, scores))
    facts: dict[str, object] = {"parameters": built.parameters, "macs": built.macs}
    if plan.random_seed is not None:
        facts[RANDOM_WEIGHTS] = plan.random_seed
    outputs = dict(zip(RAW_ROLES, (BOX_ENCODINGS, scores), strict=True))
    return Rebuilt(FloatGraph(graph_def, outputs, contract, facts=facts), unused, _notices(plan, size, unused))


def _ssd(
    plan: RebuildPlan, weights: Weights, options: DetectorOptions, size: Size
) -> tuple[BuiltNetwork, Normalization, Decoding]:
    model = plan.model
    assert isinstance(model, Ssd)
    kind = model.extractor.type
    family, extractor = family_of_extractor(kind, model.extractor.line, plan.origin)
    if min(size) < extractor.smallest_side:
        raise InputError(
            f"{plan.origin}: images of {size[0]} x {size[1]} pixels; {kind} needs at least {extractor.smallest_side} "
            "on each side"
        )
    built = build_ssd(model, extractor, weights, size, quantized=plan.quantized)
    decoding = ssd_decoding(model, plan.origin, options, size, built.maps)
    decoding.origin["image"] = _image_origin(plan, family)
    return built, _ssd_normalization(plan, family, gray=model.resizer.grayscale), decoding


def _center_net(
    plan: RebuildPlan, weights: Weights, options: DetectorOptions, size: Size
) -> tuple[BuiltNetwork, Normalization, Decoding]:
    model = plan.model
    assert isinstance(model, CenterNet)
    family, extractor = family_of_center_net(model.type, model.line, plan.origin)
    if any(side % OCTAVE for side in size) or model.resizer.grayscale:
        gray = "gray " if model.resizer.grayscale else ""
        raise InputError(
            f"{plan.origin}: {gray}images of {size[0]} x {size[1]} pixels; {model.type} needs colour images with sides "
            f"that are multiples of {OCTAVE}"
        )
    built = build_center_net(model, extractor, weights, size)
    decoding = center_net_decoding(model, plan.origin, options, built.maps[0])
    decoding.origin["image"] = f"channel means and stds of {plan.origin}, then those of the family {family.title}"
    return built, extractor.normalization(model), decoding


def _image_origin(plan: RebuildPlan, family: Family) -> str:
    if plan.quantized:
        how = f"mean {QAT_MEAN:.0f} and std {QAT_STD:.0f} of quantization-aware training"
    else:
        how = f"mean and std of the family {family.title}"
    return f"{how}; size of {plan.origin} or of --input"


def _ssd_normalization(plan: RebuildPlan, family: Family, *, gray: bool) -> Normalization:
    mean, std = ((QAT_MEAN,) * 3, (QAT_STD,) * 3) if plan.quantized else (family.mean, family.std)
    if not gray:
        return "RGB", mean, std
    return ("GRAY", mean[:1], std[:1]) if family.normalizes_gray else ("GRAY", (0.0,), (1.0,))


def _image(normalization: Normalization, size: Size) -> ImageInput:
    colour, mean, std = normalization
    return ImageInput(
        name="image",
        height=size[0],
        width=size[1],
        colour=colour,
        dtype="float32",
        mean=mean,
        std=std,
        resize=RESIZE,
    )


def _contract(plan: RebuildPlan, options: DetectorOptions, image: ImageInput, decoding: Decoding) -> Contract:
    origin = {"weights": _weights_origin(plan), **decoding.origin}
    hints = Hints(plan.folder or Path(), plan.model.classes)
    deferred = options.logits and decoding.score_converter != "IDENTITY"
    task = Detection(
        anchors=decoding.anchors,
        box_coder=decoding.box_coder,
        score_converter=decoding.score_converter,
        score_converter_place="host" if deferred else "model",
        label_offset=decoding.label_offset,
        nms=decoding.nms,
    )
    labels = hints.labels(plan.model.classes, options.labels, origin)
    return Contract((image,), raw_outputs(len(decoding.anchors), decoding.columns), labels, task, origin)


def _weights_origin(plan: RebuildPlan) -> str:
    if plan.random_seed is None:
        return f"the checkpoint that was trained with {plan.origin}"
    return f"random numbers, seed {plan.random_seed}: nobody trained them"


def _notices(plan: RebuildPlan, size: Size, unused: UnusedVariables) -> tuple[str, ...]:
    notices = []
    if plan.model.resizer.keeps_aspect:
        notices.append(
            f"the config's keep_aspect_ratio_resizer becomes a fixed size of {size[0]} x {size[1]}: images are "
            "stretched to it, not padded"
        )
    if plan.skipped:
        notices.append(f"skipped fields of the config that the OD API no longer has: {', '.join(plan.skipped)}")
    if unused.layers:
        notices.append(f"variables of the checkpoint that this detector does not have: {unused}")
    return tuple(notices)
