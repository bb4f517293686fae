"""Quantization in a child process: requests and answers are JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.images import Images
from detlite.calibration.audit import reference_heads, unrepaired_operators
from detlite.calibration.images.gather import ImageRequest, gather
from detlite.calibration.images.image_cache import default_image_cache
from detlite.calibration.images.linting import lint_record
from detlite.calibration.quantize import Recipe, quantize
from detlite.calibration.ranges.ranges import RANGES, read_ranges
from detlite.convert.child_calls import options_of
from detlite.convert.load import load_source
from detlite.convert.source import recognize
from detlite.convert.summary import model_facts
from detlite.runtime.contract import contract_from_json
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.image.read import read_image
from detlite.runtime.plugins import load_plugin
from detlite.runtime.progress import Progress

Record = dict[str, Any]

UNREPAIRED_IMAGES = 2
"""Number of images to quantize a model whose operators are only counted."""


def gather_images(request: Record, progress: Progress) -> Record:
    """Find and choose the images for the `ImageRequest` with the fields of *request*.

    Returns:
        `images` and `others`, the files; `origin`; the `skipped` files, and why others are `broken`.
    """
    asked = ImageRequest(**{**request, "paths": tuple(map(Path, request["paths"]))})
    found = gather(asked, default_image_cache(), progress=progress)
    return {
        "images": [str(path) for path in found.images.paths],
        "origin": found.images.origin,
        "others": [str(path) for path in found.others],
        "broken": list(found.broken),
        "skipped": [str(path) for path in found.images.skipped],
    }


def quantize_source(request: Record, progress: Progress) -> Record:
    """Quantize `source` with the `images`, or the ranges of the file `ranges`, to an artifact in the folder `out`.

    Returns:
        `model`, `history`, the facts of the detector, and the findings of `lint`; only the last if they are to fail.
    """
    images = Images(tuple(map(Path, request["images"])), request["images_origin"])
    model = load_source(Path(request["source"]), options_of(request["options"]), progress=progress)
    linted = lint_record(request, model, images, progress)
    if linted.get("lint_failed"):
        return linted
    ranges = read_ranges(Path(request["ranges"])) if request.get("ranges") else None
    recipe = Recipe(**{**request["recipe"], "floating": tuple(request["recipe"].get("floating", ()))})
    quantized = quantize(model, images, recipe, ranges=ranges, progress=progress)
    made, files = quantized.model, {} if quantized.ranges is None else {RANGES: quantized.ranges.to_json()}
    artifact = made.save(Path(request["out"]), force=request["force"], files=files)
    return {
        "model": str(artifact.model),
        "history": list(artifact.history),
        **model_facts(artifact.contract),
        **linted,
    }


def audit(request: Record, progress: Progress) -> Record:
    """Run the original graph `source` on the `images`, write its heads to `out` (.npz), and quantize it unrepaired.

    Returns:
        `operators` and `float_islands` of the unrepaired int8 model.
    """
    source = recognize(Path(request["source"]))
    frozen = load_plugin("detlite.convert.readers", source.format).read(source.path)
    images = Images(tuple(map(Path, request["images"])), "")
    contract = contract_from_json(request["contract"])
    progress("reference", 0, 1)
    tensors = [preprocess(read_image(path), contract.image) for path in images.paths]
    encodings, scores = reference_heads(frozen, tensors)
    np.savez(request["out"], box_encodings=encodings, class_scores=scores)
    progress("reference", 1, 1)
    few = Images(images.paths[:UNREPAIRED_IMAGES], "")
    return unrepaired_operators(frozen, options_of(request["options"]), few)
