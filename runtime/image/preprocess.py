"""From an image to the model's input tensor, by the contract: the same on the host, in calibration and on a board."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Floats, Pixels
from detlite.runtime.errors import ContractError
from detlite.runtime.image.resize import resize
from detlite.runtime.inputs import ImageInput

LUMA = np.array((0.2989, 0.587, 0.114), np.float32)  # tf.image.rgb_to_grayscale's weights


def preprocess(image: Pixels, contract: ImageInput) -> NDArray[Any]:
    """Return the input tensor for *image*, uint8 (height, width, 3) RGB, in the contract's dtype and layout.

    Raises:
        ContractError: *image* is something else.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ContractError(f"want a uint8 (height, width, 3) image, got {image.dtype} {image.shape}")
    pixels = _in_order(fitted(image, contract), contract.colour)
    gain, offset = _affine(contract)
    rows = pixels.reshape(contract.height, -1)  # whole rows: numpy is slow over three channels at a time
    rows *= np.tile(gain, contract.width)
    rows += np.tile(offset, contract.width)
    if contract.layout == "NCHW":
        pixels = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    if contract.dtype == "float32":
        return pixels[None]
    limits = np.iinfo(contract.dtype)
    np.rint(pixels, out=pixels)
    return np.clip(pixels, limits.min, limits.max, out=pixels).astype(contract.dtype)[None]


def fitted(image: Pixels, contract: ImageInput) -> Floats:
    """Return *image* in the input's size, 0..255: stretched, its centre, or with its aspect ratio in a letterbox."""
    if contract.crop is not None:
        image = central_square(image, contract.crop)
    if contract.letterbox is None:
        return resize(image, contract.height, contract.width, contract.resize)
    fit = contract.fit((image.shape[0], image.shape[1]))
    padded = np.empty((contract.height, contract.width, 3), np.float32)
    padded[...] = np.array(contract.letterbox.pad_value, np.float32)
    rows, columns = slice(fit.top, fit.top + fit.height), slice(fit.left, fit.left + fit.width)
    padded[rows, columns] = resize(image, fit.height, fit.width, contract.resize)
    return padded


def central_square(image: Pixels, share: float) -> Pixels:
    """Return the central square of *image* whose side is *share* of the shorter side, at least one pixel.

    Its side and its place are truncated, in float32, as TF-Vision does.
    """
    sides = np.array(image.shape[:2], np.float32)
    side = np.float32(share) * sides.min()
    top, left = ((sides - side) / np.float32(2)).astype(int).tolist()
    whole = max(1, int(side))
    return image[top : top + whole, left : left + whole]


def _in_order(pixels: Floats, colour: str) -> Floats:
    if colour == "BGR":
        return pixels[..., ::-1].copy()
    return (pixels @ LUMA)[..., None] if colour == "GRAY" else pixels


def _affine(contract: ImageInput) -> tuple[Floats, Floats]:
    """Return what makes (p - mean) / std, and the quantization of it, of a pixel: one gain and one offset a channel."""
    mean, std = np.asarray(contract.mean, np.float64), np.asarray(contract.std, np.float64)
    gain, offset = 1 / std, -mean / std
    if contract.quantization is not None:
        gain = gain / contract.quantization.scale
        offset = offset / contract.quantization.scale + contract.quantization.zero_point
    return gain.astype(np.float32), offset.astype(np.float32)
