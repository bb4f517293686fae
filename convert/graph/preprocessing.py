"""A graph's preprocessing, measured by running it on images of one colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.graph.cut import Cut
from detlite.convert.graph.index import GraphIndex
from detlite.convert.graph.runner import GraphRunner, constant_image
from detlite.runtime.errors import InputError

PROBES = ((0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255), (100, 150, 200))
PROBE_SIZES = ((64, 96), (96, 64))
TOLERANCE = 2e-3  # in units of the network's input


@dataclass(frozen=True)
class Preprocessing:
    """How a graph turns an image into its network's input; the fields are those of `ImageInput`."""

    height: int
    width: int
    colour: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: str


def network_size(runner: GraphRunner, cut: Cut, requested: tuple[int, int] | None) -> tuple[int, int]:
    """Return (height, width) of the network's input: the size that the graph fixes, or else *requested*.

    Raises:
        InputError: the graph fixes no size and none is requested, or it fixes another size.
    """
    fixed = _fixed_size(runner, cut)
    if fixed is None and requested is None:
        raise InputError(
            "the graph takes images of any size (a keep_aspect_ratio_resizer?); give a fixed size with "
            "--input HEIGHTxWIDTH"
        )
    if fixed is not None and requested is not None and fixed != requested:
        raise InputError(
            f"the graph resizes every image to {fixed[0]}x{fixed[1]}, but --input asks for "
            f"{requested[0]}x{requested[1]}"
        )
    size = fixed or requested
    assert size is not None
    return size


def _fixed_size(runner: GraphRunner, cut: Cut) -> tuple[int, int] | None:
    shape = runner.static_shape(cut.network_input)
    if shape is not None and len(shape) == 4 and shape[1] and shape[2]:
        return shape[1], shape[2]
    if cut.image is None:
        return None
    sizes = set()
    for height, width in PROBE_SIZES:
        (value,) = runner.run([cut.network_input], {cut.image: constant_image(height, width, (0, 0, 0))})
        sizes.add(value.shape[1:3])
    return sizes.pop() if len(sizes) == 1 else None


def pads_images(runner: GraphRunner, cut: Cut) -> bool:
    """Return whether the graph pads a wide image (keep_aspect_ratio_resizer) instead of stretching it."""
    if cut.image is None:
        return False
    (value,) = runner.run([cut.network_input], {cut.image: constant_image(*PROBE_SIZES[0], (255, 255, 255))})
    return bool(np.ptp(value.astype(np.float64), axis=(0, 1, 2)).max() > TOLERANCE)


def measure_preprocessing(
    runner: GraphRunner, index: GraphIndex, cut: Cut, size: tuple[int, int]
) -> Preprocessing | None:
    """Return the preprocessing of the graph, or None if it has none.

    Args:
        runner: runs the graph.
        index: the same graph, indexed.
        cut: where it is cut.
        size: (height, width) of the network's input.

    Raises:
        InputError: it is not one affine function of each pixel, or its resize is unsupported.
    """
    if cut.image is None:
        return None
    outputs = np.stack([_pixel(runner, cut, size, colour) for colour in PROBES])
    return affine(outputs, size, _resize_rule(index))


def affine(outputs: NDArray[np.float64], size: tuple[int, int], resize: str) -> Preprocessing:
    """Return the preprocessing to images of *size*, resized by the rule *resize*, which maps `PROBES` to *outputs*.

    Args:
        outputs: (5, 3), one pixel of the network's input for each of `PROBES`.
        size: (height, width).
        resize: the resize rule.

    Raises:
        InputError: it is not one affine function of each pixel.
    """
    inputs = np.asarray(PROBES, np.float64)
    offset, gains = outputs[0], (outputs[1:4] - outputs[0]) / 255.0  # gains[i, j]: RGB channel i to output j
    if not np.allclose(inputs @ gains + offset, outputs, atol=TOLERANCE):
        raise InputError("the graph's preprocessing is not an affine function of each pixel, which is unsupported")
    colour, scale = _colour_order(gains)
    std = 1.0 / scale
    return Preprocessing(
        height=size[0],
        width=size[1],
        colour=colour,
        mean=_rounded(-offset * std),
        std=_rounded(std),
        resize=resize,
    )


def _pixel(runner: GraphRunner, cut: Cut, size: tuple[int, int], colour: tuple[int, int, int]) -> NDArray[np.float64]:
    assert cut.image is not None
    (value,) = runner.run([cut.network_input], {cut.image: constant_image(*size, colour)})
    if value.ndim != 4 or value.shape[3] != 3:
        raise InputError(f"the network's input is {value.shape}; want [1, height, width, 3] (grayscale is unsupported)")
    middle: NDArray[np.float64] = value[0, value.shape[1] // 2, value.shape[2] // 2].astype(np.float64)
    return middle


def _colour_order(gains: NDArray[np.float64]) -> tuple[str, NDArray[np.float64]]:
    for colour, order in (("RGB", (0, 1, 2)), ("BGR", (2, 1, 0))):
        scale = gains[list(order), (0, 1, 2)]
        rest = gains.copy()
        rest[list(order), (0, 1, 2)] = 0
        if np.all(scale > 0) and np.allclose(rest, 0, atol=1e-6):
            return colour, scale
    raise InputError("the graph's preprocessing mixes the colour channels, which is unsupported")


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Return *values* without float32 noise: rounded to 5 decimals, or to 3 if one exceeds 10."""
    return tuple(float(v) + 0.0 for v in np.round(values, 3 if np.abs(values).max() > 10 else 5))


def _resize_rule(index: GraphIndex) -> str:
    resizes = [*index.find(_is_preprocessing_resize), *_in_functions(index)]
    if not resizes:
        return "tf1_bilinear"  # the image placeholder already has the network's size
    node = resizes[0]
    if node.op != "ResizeBilinear" or node.attr["align_corners"].b:
        raise InputError(
            f"the graph resizes images with {node.op} (align_corners {node.attr['align_corners'].b}); want "
            "ResizeBilinear without align_corners"
        )
    return "half_pixel_bilinear" if node.attr["half_pixel_centers"].b else "tf1_bilinear"


def _is_preprocessing_resize(node: Any) -> bool:
    return node.op.startswith("Resize") and "Preprocessor/" in node.name


def _in_functions(index: GraphIndex) -> list[Any]:
    functions = [f for f in index.graph_def.library.function if "Preprocessor" in f.signature.name]
    return [node for function in functions for node in function.node_def if node.op.startswith("Resize")]
