"""CenterNet: an object is a peak in the heat map of its class, with an offset and a size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detlite.convert.detector import DEPLOYED_SCORE_THRESHOLD
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import (
    Architecture,
    Decoding,
    RebuildPlan,
    detection_contract,
    image_input,
    letterbox_of,
)
from detlite.convert.rebuild.detector_config import CenterNet
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import BuiltNetwork
from detlite.convert.rebuild.network.center_net import CenterExtractor, build_center_net
from detlite.convert.rebuild.odapi.config.center_net import read_center_net
from detlite.convert.rebuild.odapi.family import Family, family_of_center_net
from detlite.convert.rebuild.weights.weights import Weights
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError

CODER = BoxCoder(1.0, 1.0, 1.0, 1.0, coding="center_offset")


def build(plan: RebuildPlan, weights: Weights, size: Size) -> BuiltNetwork:
    """Return the CenterNet of *plan* with *weights*.

    Raises:
        InputError: no family has its feature extractor, or it takes no such images.
    """
    model, _family, extractor = _parts(plan)
    if any(side % extractor.multiple for side in size) or model.resizer.grayscale:
        gray = "gray " if model.resizer.grayscale else ""
        raise InputError(
            f"{plan.origin}: {gray}images of {size[0]} x {size[1]} pixels; {model.type} needs colour images with sides "
            f"that are multiples of {extractor.multiple}"
        )
    return build_center_net(model, extractor, weights, size)


def contract(plan: RebuildPlan, options: DetectorOptions, size: Size, built: BuiltNetwork) -> Contract:
    """Return the contract of the CenterNet that `build` made of *plan*."""
    model, family, extractor = _parts(plan)
    decoding = _decoding(model, plan.origin, options, built.maps[0])
    decoding.origin["image"] = f"channel means and stds of {plan.origin}, then those of the family {family.title}"
    colour, mean, std = extractor.normalization(model)
    image = image_input((colour, mean, std), size)
    letterbox = letterbox_of(model.resizer, mean if colour == "RGB" else mean[::-1])
    return detection_contract(plan, options, replace(image, letterbox=letterbox), decoding)


def _parts(plan: RebuildPlan) -> tuple[CenterNet, Family, CenterExtractor]:
    model = plan.model
    assert isinstance(model, CenterNet)
    family, extractor = family_of_center_net(model.type, model.line, plan.origin)
    return model, family, extractor


def _decoding(model: CenterNet, source: str, options: DetectorOptions, cells: Size) -> Decoding:
    """Return the decoding of a CenterNet's heads; an anchor is a cell, given by its top left corner and its size."""
    rows, columns = cells
    anchors = np.empty((rows, columns, 4), np.float32)
    anchors[..., 0] = (np.arange(rows) / rows)[:, None]
    anchors[..., 1] = (np.arange(columns) / columns)[None, :]
    anchors[..., 2:] = 1 / rows, 1 / columns
    most = model.max_box_predictions
    peaks = Nms(kind="peaks", score_threshold=DEPLOYED_SCORE_THRESHOLD, max_detections=most, cells=(rows, columns))
    return Decoding(
        anchors=anchors.reshape(-1, 4),
        box_coder=CODER,
        score_converter="SIGMOID",
        columns=model.classes,
        label_offset=0,
        nms=options.nms.over(peaks),
        origin={
            "anchors": "the cells of the one feature map",
            "box_coder": "CenterNet's offsets and sizes",
            "label_offset": "a CenterNet has no background",
            "nms": f"peaks of the heat map, at most {most} of them: {source}; the score threshold is detlite's own",
        },
    )


PLUGIN = Architecture(
    title="CenterNet", reads=CenterNet, build=build, contract=contract, messages={"center_net": read_center_net}
)
