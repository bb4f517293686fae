"""The axes of a plan: what a cell can choose, with types, defaults and known values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from detlite.accuracy.metric import metric_names
from detlite.calibration.models import DEFAULT_ESTIMATOR
from detlite.calibration.numbers.scheme import IO_TYPES, scheme_called, scheme_names
from detlite.calibration.ranges.estimator import ESTIMATORS
from detlite.calibration.weights.method import DEFAULT_METHOD, METHODS
from detlite.convert.source import TFLITE
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.measure.options import PACED, PRESET, SCENARIO
from detlite.runtime.measure.presets import PRESETS
from detlite.runtime.plugins import plugin_names
from detlite.runtime.runners.backend import BACKENDS

FLOAT = "float32"
NONE = "none"
"""The value of an axis that leaves its stage out: the device none is not measured, the dataset none not scored."""

SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
SCENARIOS = "detlite.runtime.measure.scenarios"

Value = str | int | float | None


def _any() -> None:
    return None


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        name: its key in a plan.
        kind: `text`, `whole`, `number` or `size`.
        help: what it chooses, in one phrase.
        default: the value where a plan does not give it.
        known: returns the values that there are; None for any.
        least: the least number; None for texts.
        most: the greatest number; None for no bound.
    """

    name: str
    kind: str
    help: str
    default: Value = None
    known: Callable[[], Sequence[str] | None] = _any
    least: float | None = None
    most: float | None = None

    def check(self, value: object) -> Value:
        """Return *value*, which a plan gives.

        Raises:
            InputError: it has another type, or is out of bounds.
            UnknownNameError: it is none of the known ones.
        """
        if self.kind in ("whole", "number"):
            return self._number(value)
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise InputError(f"{self.name} is {value!r:.60}; want a text")
        if self.kind == "size" and not SIZE.fullmatch(value):
            raise InputError(f"{self.name} is {value!r:.60}; want HEIGHTxWIDTH, such as 320x320")
        known = self.known()
        if known is not None and value not in known:
            raise unknown_name(f"value of {self.name}", value, known)
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of one value."""
        if self.kind in ("whole", "number"):
            bounds = {"minimum": self.least, "maximum": self.most}
            kind = "integer" if self.kind == "whole" else "number"
            return {"type": kind, **{key: bound for key, bound in bounds.items() if bound is not None}}
        known = self.known()
        more = {"enum": list(known)} if known is not None else {"pattern": SIZE.pattern} if self.kind == "size" else {}
        return {"type": "string", **more}

    def _number(self, value: object) -> Value:
        types = (int,) if self.kind == "whole" else (int, float)
        if isinstance(value, bool) or not isinstance(value, types):
            raise InputError(f"{self.name} is {value!r:.60}; want a {'whole ' * (self.kind == 'whole')}number")
        if (self.least is not None and value < self.least) or (self.most is not None and value > self.most):
            raise InputError(f"{self.name} is {value!r}; want {self.least} to {self.most}")
        return value


AXES: Mapping[str, Axis] = {
    axis.name: axis
    for axis in (
        Axis("model", "text", "a name in [models], a file or a folder, or a model of the zoo"),
        Axis("input_size", "size", "size of the input as HEIGHTxWIDTH, for a graph that takes any"),
        Axis("heads", "text", "outputs of the model", "raw", lambda: ("raw", "postprocess")),
        Axis("nms", "text", "kind of NMS", None, lambda: ("fast", "regular")),
        Axis("score_threshold", "number", "minimum score of returned detections", None, _any, 0, 1),
        Axis("iou", "number", "IoU above which NMS drops the lower-scored of two boxes", None, _any, 0, 1),
        Axis("max_detections", "whole", "most detections of an image", None, _any, 1, 10_000),
        Axis("scheme", "text", "number format", FLOAT, lambda: (FLOAT, *scheme_names())),
        Axis("method", "text", "quantization method", DEFAULT_METHOD, lambda: plugin_names(METHODS)),
        Axis("estimator", "text", "how ranges are chosen", DEFAULT_ESTIMATOR, lambda: plugin_names(ESTIMATORS)),
        Axis("io", "text", "dtype of the input and of raw heads", None, lambda: IO_TYPES),
        Axis("calibration", "text", "folder of calibration images or videos, a list of images, or a video"),
        Axis("count", "whole", "number of calibration images, clips or frames", 100, _any, 1, 1_000_000),
        Axis("seed", "whole", "seed of the choice of calibration images", 0, _any, 0, 2**32),
        Axis("format", "text", "format of the model's file: an exporter, or a name in [formats]", TFLITE),
        Axis("target", "text", "what the model is compiled for: a chip, a name in [targets], or none", NONE),
        Axis("backend", "text", "what runs the model", None, lambda: plugin_names(BACKENDS)),
        Axis("device", "text", "a device of the inventory, host for this machine, or none", "host"),
        Axis("threads", "whole", "threads of the interpreter", 1, _any, 1, 64),
        Axis(
            "scenario",
            "text",
            "scenario of MLPerf v1.0",
            SCENARIO,
            lambda: tuple(name.replace("_", "-") for name in plugin_names(SCENARIOS)),
        ),
        Axis("streams", "whole", "samples of each query of multi-stream", None, _any, 1, 1024),
        Axis("target_qps", "number", "queries per second of server", None, _any, 0.001, 1_000_000),
        Axis("fps", "number", "frames a second of camera, and queries of multi-stream", None, _any, 0.001, 10_000),
        Axis("preset", "text", "rules of the measurement", PRESET, lambda: tuple(PRESETS)),
        Axis("dataset", "text", "a name in [datasets], or none", NONE),
        Axis("metric", "text", "metric; the usual one for the labels by default", None, metric_names),
    )
}

RECIPE = ("method", "estimator", "io")
CALIBRATION = ("calibration", "count", "seed")
MEASURING = ("backend", "threads", "scenario", "streams", "target_qps", "fps", "preset")


def normal(choices: Mapping[str, Value]) -> dict[str, Value]:
    """Return *choices* with the default for each axis that plays no part: two such cells are one."""
    found = {name: choices.get(name, axis.default) for name, axis in AXES.items()}
    scheme = str(found["scheme"])
    if scheme == FLOAT or scheme_called(scheme).is_packing:
        found |= {name: AXES[name].default for name in (*RECIPE, *CALIBRATION)}
    if found["scenario"] != "multi-stream":
        found["streams"] = None
    if found["scenario"] != "server":
        found["target_qps"] = None
    if found["scenario"] not in PACED:
        found["fps"] = None
    if found["device"] == NONE:
        found |= {name: AXES[name].default for name in MEASURING if name != "threads"}
    if found["dataset"] == NONE:
        found["metric"] = None
    return found


def size_of(text: str) -> tuple[int, int]:
    """Return (height, width) of `HEIGHTxWIDTH`."""
    height, width = text.split("x")
    return int(height), int(width)
