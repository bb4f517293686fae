"""The type of a quantization scheme, the number format of a model; each scheme is one file in `schemes/`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import LayerParameters
from detlite.calibration.numbers.number_format import NumberFormat
from detlite.calibration.numbers.scales import ScalePlan
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.plugins import load_plugin, plugin_names

SCHEMES = "detlite.calibration.numbers.schemes"
DEFAULT_SCHEME = "int8"
IO_TYPES = ("int8", "uint8", "float32")


@dataclass(frozen=True)
class Scheme:
    """One number format; its name is the name of its file, with - for _. It has *pack*, or *numbers* and *write*.

    Attributes:
        title: the number formats that it uses, in one line.
        source: the specification or program that it follows.
        io: the dtypes of input and raw heads that it supports, default first.
        pack: packs the weights of a float32 model, in place; it needs no images.
        numbers: the number format of the activations, whose ranges need images.
        write: returns the model with quantized scales and parameters.
    """

    title: str
    source: str
    io: tuple[str, ...] = ("float32",)
    pack: Callable[[TfliteFile], None] | None = None
    numbers: NumberFormat | None = None
    write: Callable[[Network, ScalePlan, LayerParameters], TfliteFile] | None = None

    def __post_init__(self) -> None:
        assert (self.pack is None) is not (self.numbers is None)
        assert (self.numbers is None) is (self.write is None)

    @property
    def is_packing(self) -> bool:
        """Whether it stores only the weights in another format, which needs no images."""
        return self.pack is not None


def scheme_names() -> tuple[str, ...]:
    """Return the names of all schemes, as on the command line."""
    return tuple(name.replace("_", "-") for name in plugin_names(SCHEMES))


def scheme_called(name: str) -> Scheme:
    """Return the scheme called *name*, such as `int8-float-bias`.

    Raises:
        UnknownNameError: there is no such scheme.
    """
    if name not in scheme_names():
        raise unknown_name("quantization scheme", name, scheme_names())
    found: Scheme = load_plugin(SCHEMES, name.replace("-", "_"))
    return found


def io_of(name: str, asked: str | None) -> str:
    """Return the dtype of input and raw heads of the scheme *name*: *asked*, or its default if None.

    Raises:
        InputError: the scheme does not support *asked*.
    """
    known = scheme_called(name).io
    if asked is not None and asked not in known:
        raise InputError(
            f"the scheme {name} has {known[0]} input and heads: want --io {known[0]} or no --io; got {asked}"
        )
    return asked or known[0]


def check_packing(name: str, asked: tuple[str, ...]) -> None:
    """Raise `InputError` if the options *asked* are not empty: the packing scheme *name* does not use them."""
    if asked:
        raise InputError(
            f"the scheme {name} only packs weights, without calibration: remove {', '.join(asked)}, or use "
            f"--scheme {DEFAULT_SCHEME}"
        )
