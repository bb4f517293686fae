"""What a quantization scheme is, the number format of weights and activations; each is a file in `schemes/`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import Parameters
from detlite.calibration.numbers.number_format import NumberFormat
from detlite.calibration.numbers.scales import Plan
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.plugins import load_plugin, plugin_names

SCHEMES = "detlite.calibration.numbers.schemes"
DEFAULT_SCHEME = "int8"
IO_TYPES = ("int8", "uint8", "float32")


@dataclass(frozen=True)
class Scheme:
    """One number format; its name is its file's name, with - for _. It packs, or it has numbers and writes.

    Attributes:
        title: what it stores how, in one line.
        source: the specification or program that it follows.
        io: the dtypes of input and raw heads that it has, the default first.
        pack: packs the weights of a float32 model, in place; it needs no images.
        numbers: what the activations are stored as, by ranges of images and with one of the methods.
        write: the model of a float one, with scales and parameters for these numbers.
    """

    title: str
    source: str
    io: tuple[str, ...] = ("float32",)
    pack: Callable[[TfliteFile], None] | None = None
    numbers: NumberFormat | None = None
    write: Callable[[Network, Plan, Parameters], TfliteFile] | None = None

    def __post_init__(self) -> None:
        assert (self.pack is None) is not (self.numbers is None)
        assert (self.numbers is None) is (self.write is None)

    @property
    def is_packing(self) -> bool:
        """Whether weights alone are stored otherwise, which takes no images."""
        return self.pack is not None


def scheme_names() -> tuple[str, ...]:
    """Return the names of all schemes, as a command line has them."""
    return tuple(name.replace("_", "-") for name in plugin_names(SCHEMES))


def scheme_called(name: str) -> Scheme:
    """Return the scheme of that *name*, written as `int8-float-bias`.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in scheme_names():
        raise unknown_name("quantization scheme", name, scheme_names())
    found: Scheme = load_plugin(SCHEMES, name.replace("-", "_"))
    return found


def io_of(name: str, asked: str | None) -> str:
    """Return the dtype of input and raw heads of the scheme called *name*: the one *asked* for, or its default.

    Raises:
        InputError: the scheme has no such input.
    """
    known = scheme_called(name).io
    if asked is not None and asked not in known:
        raise InputError(
            f"the scheme {name} has input and heads in {known[0]}: want --io {known[0]}, or none; got {asked}"
        )
    return asked or known[0]


def check_packing(name: str, asked: tuple[str, ...]) -> None:
    """Raise `InputError` where options are *asked* for that the scheme *name*, which packs weights, has no use for."""
    if asked:
        raise InputError(
            f"the scheme {name} packs weights and calibrates nothing: leave out {', '.join(asked)}, or take "
            f"--scheme {DEFAULT_SCHEME}"
        )
