"""What a quantization scheme is, the number format of weights and activations; each is a file in `schemes/`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from detlite.runtime.errors import InputError

SCHEMES = "detlite.calibration.schemes"
DEFAULT_SCHEME = "int8"
PACKED_IO = "float32"
"""The input and heads of a scheme that packs weights alone."""


@dataclass(frozen=True)
class Scheme:
    """One number format; its name is its file's name.

    Attributes:
        title: what it stores how, in one line.
        source: the specification or program that it follows.
        pack: the model with packed weights of a float32 one, both .tflite; None where activations are quantized too,
            which takes images and one of the methods.
    """

    title: str
    source: str
    pack: Callable[[bytes], bytes] | None = None


def check_packing(name: str, *, io: str, asked: tuple[str, ...]) -> None:
    """Check what is asked of the scheme called *name*, which packs weights alone.

    Args:
        name: of the scheme.
        io: dtype of input and heads.
        asked: options that are given and that need calibration.

    Raises:
        InputError: the input is to be other than float32, or something is to be calibrated.
    """
    if io != PACKED_IO:
        raise InputError(f"the scheme {name} leaves input and heads float32: want --io float32, or none; got {io}")
    if asked:
        raise InputError(
            f"the scheme {name} packs weights and calibrates nothing: leave out {', '.join(asked)}, or take "
            f"--scheme {DEFAULT_SCHEME}"
        )
