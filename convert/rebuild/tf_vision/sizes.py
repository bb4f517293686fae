"""The size of a model's input in a params.yaml."""

from __future__ import annotations

from detlite.convert.rebuild.tf_vision.params import Params
from detlite.runtime.errors import InputError

CHANNELS, SIDES = 3, 2
LARGEST_SIDE = 8192


def input_size(model: Params) -> tuple[int, int] | None:
    """Return (height, width) in `input_size` of *model*: [height, width, 3]; None where it leaves both open.

    Raises:
        InputError: it is something else.
    """
    found = model.listed("input_size")
    if not found or found == [None, None, CHANNELS]:
        return None
    if len(found) == CHANNELS and found[2] == CHANNELS and all(_is_side(side) for side in found[:2]):
        return int(found[0]), int(found[1])
    raise InputError(f"{model.where('input_size')} is {found}; want [height, width, {CHANNELS}]")


def _is_side(value: object) -> bool:
    return type(value) is int and 1 <= value <= LARGEST_SIDE


def output_size(data: Params) -> tuple[int, int] | None:
    """Return (height, width) in `output_size` of *data*; None where it is left open.

    Raises:
        InputError: it is something else.
    """
    found = data.listed("output_size")
    if not found:
        return None
    if len(found) == SIDES and all(_is_side(side) for side in found):
        return int(found[0]), int(found[1])
    raise InputError(f"{data.where('output_size')} is {found}; want [height, width]")
