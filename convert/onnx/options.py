"""The options of an ONNX export, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from detlite.convert.onnx.graph import OPSETS
from detlite.convert.onnx.translation import LAYOUTS
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError, unknown_name

DEFAULT_OPSET = 13
"""Per-channel scales need it, and TensorRT 8.2, of JetPack 4.6, reads it."""

ONNXRUNTIME, TENSORRT = "onnxruntime", "tensorrt"
TARGETS = (ONNXRUNTIME, TENSORRT)
INTERFACES = ("mlperf", "mlperf-resnet34")


@dataclass(frozen=True)
class OnnxOptions:
    """How a model is written as ONNX.

    Attributes:
        target: what runs the file: `onnxruntime` or `tensorrt`; None for what the model's numbers are made for.
        opset: the version of the operator set.
        layout: of the input: `nhwc` or `nchw`.
        nms: a file's name in `convert/onnx/nms/`; None for the heads that the model has.
        interface: one of `INTERFACES`, for MLPerf's vision app; None for the inputs and outputs of the contract.
        batch: number of images that one run takes.
    """

    target: str | None = None
    opset: int = DEFAULT_OPSET
    layout: str = "nhwc"
    nms: str | None = None
    interface: str | None = None
    batch: int = 1

    def __post_init__(self) -> None:
        if self.target not in (None, *TARGETS):
            raise unknown_name("target of an ONNX export", str(self.target), TARGETS)
        if self.opset not in OPSETS:
            raise InputError(f"opset {self.opset}: want {OPSETS[0]} to {OPSETS[-1]}")
        if self.interface not in (None, *INTERFACES):
            raise unknown_name("interface", str(self.interface), INTERFACES)
        if self.batch < 1:
            raise InputError(f"a batch of {counted(self.batch, 'image')}: want 1 or more")
        if self.batch > 1 and self.interface is not None:
            raise InputError(f"--interface {self.interface} takes one image in a run: leave out --batch {self.batch}")
        if self.layout.upper() not in LAYOUTS:
            raise unknown_name("layout", self.layout, [name.lower() for name in LAYOUTS])


def options_of(given: Mapping[str, object]) -> OnnxOptions:
    """Return the options *given* by name; what is not given has its default.

    Raises:
        UnknownNameError: an option, or one of its values, is unknown.
        InputError: an option has a value of another type.
    """
    known = {field.name: field for field in fields(OnnxOptions)}
    for name, value in given.items():
        if name not in known:
            raise unknown_name("option of an ONNX export", name, known)
        want = int if name in ("opset", "batch") else str
        if not isinstance(value, want) or isinstance(value, bool):
            raise InputError(f"the option {name} is {value!r}: want {'a whole number' if want is int else 'a name'}")
    return OnnxOptions(**given)  # type: ignore[arg-type]  # checked by name and type above
