"""SSD: box encodings and class scores for anchors on several feature maps."""

from __future__ import annotations

from detlite.convert.detector import DEPLOYED_SCORE_THRESHOLD
from detlite.convert.files.float32 import shortest
from detlite.convert.graph.trained_ranges import QAT_MEAN, QAT_STD
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import (
    Architecture,
    Decoding,
    Normalization,
    RebuildPlan,
    detection_contract,
    image_input,
)
from detlite.convert.rebuild.detector_config import PostProcessing, Ssd
from detlite.convert.rebuild.network.anchors import Size, make_anchors
from detlite.convert.rebuild.network.built_network import BuiltNetwork
from detlite.convert.rebuild.network.extractor import Extractor
from detlite.convert.rebuild.network.ssd import build_ssd
from detlite.convert.rebuild.odapi.config.ssd import read_ssd
from detlite.convert.rebuild.odapi.family import Family, family_of_extractor
from detlite.convert.rebuild.weights.weights import Weights
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

EXPORTER_DETECTIONS = 10
"""`max_detections` of the OD API's TFLite exporters."""


def build(plan: RebuildPlan, weights: Weights, size: Size) -> BuiltNetwork:
    """Return the SSD of *plan* with *weights*.

    Raises:
        InputError: no family has its feature extractor, the images are too small for it, or the parts of the config do
            not fit together.
    """
    model, _family, extractor = _parts(plan)
    if min(size) < extractor.smallest_side:
        raise InputError(
            f"{plan.origin}: images of {size[0]} x {size[1]} pixels; {model.extractor.type} needs at least "
            f"{extractor.smallest_side} on each side"
        )
    return build_ssd(model, extractor, weights, size, quantized=plan.quantized)


def contract(plan: RebuildPlan, options: DetectorOptions, size: Size, built: BuiltNetwork) -> Contract:
    """Return the contract of the SSD that `build` made of *plan*."""
    model, family, _extractor = _parts(plan)
    decoding = _decoding(model, plan.origin, options, size, built.maps)
    decoding.origin["image"] = _image_origin(plan, family)
    image = image_input(_normalization(plan, family, gray=model.resizer.grayscale), size)
    return detection_contract(plan, options, image, decoding)


def _parts(plan: RebuildPlan) -> tuple[Ssd, Family, Extractor]:
    model = plan.model
    assert isinstance(model, Ssd)
    family, extractor = family_of_extractor(model.extractor.type, model.extractor.line, plan.origin)
    return model, family, extractor


def _image_origin(plan: RebuildPlan, family: Family) -> str:
    if plan.quantized:
        how = f"mean {QAT_MEAN:.0f} and std {QAT_STD:.0f} of quantization-aware training"
    else:
        how = f"mean and std of the family {family.title}"
    return f"{how}; size of {plan.origin} or of --input"


def _normalization(plan: RebuildPlan, family: Family, *, gray: bool) -> Normalization:
    mean, std = ((QAT_MEAN,) * 3, (QAT_STD,) * 3) if plan.quantized else (family.mean, family.std)
    if not gray:
        return "RGB", mean, std
    return ("GRAY", mean[:1], std[:1]) if family.normalizes_gray else ("GRAY", (0.0,), (1.0,))


def _decoding(model: Ssd, source: str, options: DetectorOptions, size: Size, maps: tuple[Size, ...]) -> Decoding:
    """Return the decoding of an SSD's heads.

    Args:
        model: the SSD.
        source: the name of its config in the contract.
        options: the user's options.
        size: (height, width) of the image.
        maps: (rows, columns) of the feature maps.
    """
    scales = model.box_scales
    nms, nms_origin = _nms(model.post_processing, source, options)
    return Decoding(
        anchors=make_anchors(model.anchors, size, maps),
        box_coder=BoxCoder(scales.y, scales.x, scales.height, scales.width),
        score_converter=model.post_processing.score_converter,
        columns=model.columns,
        label_offset=model.columns - model.classes,
        nms=nms,
        origin={
            "anchors": source,
            "box_coder": source,
            "label_offset": f"{source}: add_background_class",
            "nms": nms_origin,
        },
    )


def _nms(post: PostProcessing, source: str, options: DetectorOptions) -> tuple[Nms, str]:
    score, iou = shortest(post.score_threshold), shortest(post.iou_threshold)
    config = (
        f"{source} says score {score:g}, IoU {iou:g}, {counted(post.max_detections_per_class, 'detection')} a class, "
        f"{post.max_total_detections} in all"
    )
    if options.as_exported:
        exported = Nms(kind="fast", score_threshold=score, iou_threshold=iou, max_detections=EXPORTER_DETECTIONS)
        origin = f"as the OD API's TFLite exporter sets it: fast, {EXPORTER_DETECTIONS} detections; {config}"
        return options.nms.over(exported), origin
    deployed = Nms(score_threshold=DEPLOYED_SCORE_THRESHOLD, iou_threshold=iou)
    return options.nms.over(deployed), f"IoU threshold: {source}; the rest: detlite's own or asked for; {config}"


PLUGIN = Architecture(title="SSD", reads=Ssd, build=build, contract=contract, messages={"ssd": read_ssd})
