"""The settings of `TFLite_Detection_PostProcess`: a FlexBuffer map in the operator."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from detlite.convert.files.float32 import shortest
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

MAX_CLASSES = 100_000
MAX_SETTING = 1e6
MAX_KEYS, MAX_BYTES = 64, 1 << 14  # exporters write at most 14 keys, in about 300 bytes
DEFAULT_DETECTIONS_PER_CLASS = 100  # the op's default


@dataclass(frozen=True)
class PostprocessSettings:
    """The op's settings, besides its three inputs."""

    classes: int
    box_coder: BoxCoder
    nms: Nms


def read_settings(operator: Any) -> PostprocessSettings:
    """Return the settings of the op *operator*; numbers may be integers, floats or booleans, as exporters differ.

    Raises:
        InputError: its map is damaged, or a setting is missing or implausible.
    """
    raw = bytes(bytearray(() if operator.customOptions is None else operator.customOptions))
    try:
        return _settings(_numbers(raw))
    except InputError:
        raise
    except KeyError as error:
        raise InputError(f"the post-processing op has no setting {error}: the model's exporter is unknown") from error
    except (TypeError, ValueError, IndexError, OverflowError, struct.error) as error:
        raise InputError(
            f"the settings of the post-processing op are damaged: {type(error).__name__}: {error}"
        ) from error


def _numbers(raw: bytes) -> dict[str, int | float]:
    """Return the numbers of the FlexBuffer map *raw* by key.

    Only the map's own numbers are read: vectors may contain each other many times over, and unpacking a hundred bytes
    of them can take hours.
    """
    from flatbuffers import flexbuffers

    if not 3 <= len(raw) <= MAX_BYTES:
        raise InputError(f"the settings of the post-processing op have {len(raw)} bytes; want 3 to {MAX_BYTES}")
    root = flexbuffers.GetRoot(raw)
    if not root.IsMap or len(root.AsMap) > MAX_KEYS:
        raise InputError(f"the settings of the post-processing op are not a map of at most {MAX_KEYS} keys")
    keys, values = root.AsMap.Keys, root.AsMap.Values
    found: dict[str, int | float] = {}
    for i in range(len(keys)):
        value = values[i]
        if value.IsFloat:
            found[str(keys[i].AsKey)] = value.AsFloat
        elif value.IsInt or value.IsBool:
            found[str(keys[i].AsKey)] = value.AsInt
    return found


def _settings(found: dict[str, int | float]) -> PostprocessSettings:
    y, x, height, width = (_short(float(found[name])) for name in ("y_scale", "x_scale", "h_scale", "w_scale"))
    nms = Nms(
        place="model",
        kind="regular" if bool(found.get("use_regular_nms", False)) else "fast",
        score_threshold=_short(float(found["nms_score_threshold"])),
        iou_threshold=_short(float(found["nms_iou_threshold"])),
        max_detections=int(found["max_detections"]),
        max_classes_per_detection=int(found["max_classes_per_detection"]),
        detections_per_class=int(found.get("detections_per_class", DEFAULT_DETECTIONS_PER_CLASS)),
        clip=False,
    )
    classes = int(found["num_classes"])
    if not 1 <= classes <= MAX_CLASSES:
        raise InputError(f"the post-processing op is for {counted(classes, 'class')}; want 1 to {MAX_CLASSES}")
    return PostprocessSettings(classes, BoxCoder(y, x, height, width), nms)


def _short(value: float) -> float:
    if not abs(value) <= MAX_SETTING:
        raise InputError(f"a setting of the post-processing op is {value}; want at most {MAX_SETTING:g}")
    return shortest(value)


def write_settings(operator: Any, settings: PostprocessSettings) -> None:
    """Write *settings* into *operator*, with the keys and types of the TF1 exporter."""
    import numpy as np
    from flatbuffers import flexbuffers

    nms, coder = settings.nms, settings.box_coder
    builder = flexbuffers.Builder()
    with builder.Map():
        builder.Int("detections_per_class", nms.detections_per_class)
        builder.Float("h_scale", coder.height)
        builder.Int("max_classes_per_detection", nms.max_classes_per_detection)
        builder.Int("max_detections", nms.max_detections)
        builder.Float("nms_iou_threshold", nms.iou_threshold)
        builder.Float("nms_score_threshold", nms.score_threshold)
        builder.Int("num_classes", settings.classes)
        builder.Bool("use_regular_nms", nms.kind == "regular")
        builder.Float("w_scale", coder.width)
        builder.Float("x_scale", coder.x)
        builder.Float("y_scale", coder.y)
    operator.customOptions = np.frombuffer(bytes(builder.Finish()), np.uint8)
