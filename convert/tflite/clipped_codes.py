"""Encodings of clipped boxes: the post-processing op then suppresses what detlite's runtime suppresses.

The runtime clips boxes to the image before it compares them, as TF-Vision does; the op does not, and two boxes may
overlap outside the image alone. Operators before the op decode the boxes, clip them, and encode them again by the same
anchors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detlite.convert.tflite.edit import ADD, CONCATENATION, EXP, LOG, MAXIMUM, MINIMUM, MUL, SLICE, SUB, Edit
from detlite.convert.tflite.tensors import name_of, shape_of
from detlite.runtime.arrays import Floats
from detlite.runtime.boxes.coding import BoxCoder

CLIPPED = "box_encodings_clipped"
"""Name of the encodings of clipped boxes, by which `strip` finds them."""

SHIFT = "box_shift"
"""Name of the first half of the encodings before clipping."""

SMALLEST = np.float32(1e-12)
"""The size of a box of which clipping leaves nothing: it has a logarithm, and hardly an area."""


def clipped_codes(edit: Edit, subgraph: Any, codes: int, anchors: Floats, coder: BoxCoder) -> int:
    """Return the float32 tensor [1, N, 4] of the boxes of the tensor *codes*, clipped to 0..1 and encoded again.

    Args:
        edit: of the model.
        subgraph: its main one.
        codes: a float32 tensor [1, N, 4].
        anchors: float32, (N, 4): (y centre, x centre, height, width).
        coder: the scales of the encodings.
    """
    made = _Maker(edit, shape_of(subgraph.tensors[codes]))
    centres, extents = anchors[None, :, :2].astype(np.float64), anchors[None, :, 2:].astype(np.float64)
    shifts, sizes = np.array((coder.y, coder.x)), np.array((coder.height, coder.width))
    centre = made.of(ADD, made.of(MUL, made.half(codes, 0, SHIFT), extents / shifts), centres)
    half = made.of(MUL, made.of(EXP, made.of(MUL, made.half(codes, 2, "box_stretch"), 1 / sizes)), extents / 2)
    low, high = (made.of(MINIMUM, made.of(MAXIMUM, made.of(way, centre, half), 0.0), 1.0) for way in (SUB, ADD))
    middle = made.of(MUL, made.of(ADD, low, high), 0.5)
    size = made.of(MAXIMUM, made.of(SUB, high, low), SMALLEST)
    shift = made.of(MUL, made.of(SUB, middle, centres), shifts / extents)
    stretch = made.of(MUL, made.of(LOG, made.of(MUL, size, 1 / extents)), sizes)
    return made.joined(shift, stretch)


def before_clipping(subgraph: Any, codes: int) -> int:
    """Return the encodings of which `clipped_codes` made the tensor *codes*; *codes* itself if it did not."""
    if name_of(subgraph.tensors[codes]) != CLIPPED:
        return codes
    for operator in subgraph.operators:
        if name_of(subgraph.tensors[operator.outputs[0]]) == SHIFT:
            return int(operator.inputs[0])
    return codes


class _Maker:
    """Adds operators, each with one output of the shape [1, N, 2]."""

    def __init__(self, edit: Edit, shape: tuple[int, ...]) -> None:
        self._edit, self._shape, self._count = edit, (*shape[:-1], 2), 0

    def half(self, codes: int, first: int, name: str) -> int:
        """Return the columns *first* and the next of *codes*."""
        begin, size = np.array((0, 0, first), np.int32), np.array(self._shape, np.int32)
        found = self._edit.tensor(name, self._shape)
        limits = [self._edit.constant(f"{name}_{end}", value) for end, value in (("begin", begin), ("size", size))]
        self._edit.operator(SLICE, [codes, *limits], [found])
        return found

    def of(self, builtin: int, *values: Any) -> int:
        """Return the output of the operator *builtin* on tensors, and on constants that are given as numbers."""
        self._count += 1
        inputs = [value if isinstance(value, int) else self._constant(value) for value in values]
        found = self._edit.tensor(f"box_clipping_{self._count}", self._shape)
        self._edit.operator(builtin, inputs, [found])
        return found

    def _constant(self, value: Any) -> int:
        self._count += 1
        return self._edit.constant(
            f"box_clipping_{self._count}",
            np.asarray(value, np.float32).reshape(-1, 2)[None] if np.ndim(value) else np.asarray([value], np.float32),
        )

    def joined(self, shift: int, stretch: int) -> int:
        """Return both halves as one tensor [1, N, 4]."""
        from ai_edge_litert import schema_py_generated as schema

        found = self._edit.tensor(CLIPPED, (*self._shape[:-1], 4))
        operator = self._edit.operator(CONCATENATION, [shift, stretch], [found])
        operator.builtinOptionsType = schema.BuiltinOptions.ConcatenationOptions
        operator.builtinOptions = schema.ConcatenationOptionsT()
        operator.builtinOptions.axis = len(self._shape) - 1
        return found
