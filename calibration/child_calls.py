"""Quantization in a child process: requests and answers are JSON."""

from __future__ import annotations

from dataclasses import replace

from detlite.accuracy.dataset import load_dataset
from detlite.accuracy.images import Images
from detlite.calibration.images.gather import CHOOSE, gather
from detlite.calibration.images.image_cache import default_image_cache
from detlite.calibration.images.linting import lint_record
from detlite.calibration.material import Material, material_of
from detlite.calibration.quantize import Quantized, quantize, refuse_quantized
from detlite.calibration.ranges.ranges import RANGES, read_ranges
from detlite.calibration.recipe import CHECK, QUANTIZE, READ, WRITE, QuantizeRequest
from detlite.calibration.video.footage import Footage, takes_video
from detlite.convert.load import load_source
from detlite.convert.model import Model
from detlite.convert.summary import model_facts
from detlite.runtime.artifact import Artifact
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress, begin
from detlite.runtime.records import Record, from_record


def quantize_source(request: Record, progress: Progress) -> Record:
    """Do what the `QuantizeRequest` says.

    Returns:
        `model`, `history`, the facts of the detector, and the findings of `lint`; only the last if they are to fail.
    """
    asked = from_record(QuantizeRequest, request)
    begin(progress, READ)
    model = load_source(asked.source, asked.options, progress=progress)
    if asked.videos is not None and takes_video(model.contract):
        return _quantized(asked, model, footage_of(asked), progress)
    if asked.videos is not None:
        asked = with_frames(asked, progress)
    begin(progress, CHECK)
    linted = lint_record(asked.lint, model, asked.chosen, progress)
    if linted.get("lint_failed"):
        return linted
    return _quantized(asked, model, asked.chosen, progress) | linted


def footage_of(asked: QuantizeRequest) -> Footage:
    """Return the videos of *asked*, for a model that takes video.

    Raises:
        InputError: there are none, or checks of images are asked for.
    """
    assert asked.videos is not None
    if asked.lint is not None:
        raise InputError("--lint checks images, and the model takes video: leave it out")
    given = asked.videos
    found = load_dataset(given.source).videos
    assert found is not None
    origin = f"seed {given.seed}: {asked.images_origin or f'{given.source} {given.paths[-1].name}'}"
    return Footage(tuple(found(given.paths)), given.count, given.seed, origin)


def chosen_footage(footage: Footage, model: Model, progress: Progress) -> Material:
    """Return the scenes of *footage* for *model*; errors as `material_of`."""
    refuse_quantized(model)
    begin(progress, CHOOSE)
    return material_of(footage, model.contract, progress=progress)


def with_frames(asked: QuantizeRequest, progress: Progress) -> QuantizeRequest:
    """Return *asked* with frames of its videos as its images; errors as `gather`."""
    assert asked.videos is not None
    begin(progress, CHOOSE)
    found = gather(asked.videos, default_image_cache(), progress=progress)
    lint = asked.lint and replace(asked.lint, broken=found.broken)
    return replace(asked, images=found.images.paths, images_origin=found.images.origin, lint=lint)


def _quantized(asked: QuantizeRequest, model: Model, given: Images | Footage, progress: Progress) -> Record:
    ranges = None if asked.ranges is None else read_ranges(asked.ranges)
    chosen = chosen_footage(given, model, progress) if isinstance(given, Footage) else None
    begin(progress, QUANTIZE)
    quantized = quantize(model, given, asked.recipe, ranges=ranges, chosen=chosen, progress=progress)
    made, files = quantized.model, {} if quantized.ranges is None else {RANGES: quantized.ranges.to_json()}
    begin(progress, WRITE)
    return answer_of(made.save(asked.out, force=asked.force, files=files), quantized)


def answer_of(artifact: Artifact, quantized: Quantized) -> Record:
    """Return what is told of *quantized*, which was saved as *artifact*."""
    errors = {
        "error": quantized.error,
        "error_by_frame": quantized.by_frame,
        "region_error": quantized.region_error,
    }
    return {
        "model": str(artifact.model),
        "history": list(artifact.history),
        **model_facts(artifact.contract),
        **{name: one.to_record() for name, one in errors.items() if one is not None},
    }
