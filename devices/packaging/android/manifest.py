"""The manifest of a package: everything that an app, its build and its reviewer need to know, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from detlite.convert.model import digest
from detlite.convert.tflite.metadata_outputs import LABELS
from detlite.devices.packaging.android.app_task import app_task
from detlite.devices.packaging.android.variant import Variant, pixel_error
from detlite.runtime.artifact import RANDOM_WEIGHTS
from detlite.runtime.inputs import ImageInput
from detlite.runtime.stream_inputs import StateInput
from detlite.runtime.version import __version__

MANIFEST = "manifest.json"
SCHEMA, SCHEMA_VERSION = "detlite.android", 1

Record = dict[str, Any]

SAMPLED = {
    "tf1_bilinear": "sampled at i * in / out, without a filter",
    "half_pixel_bilinear": "sampled at (i + 0.5) * in / out - 0.5, without a filter",
}
"""The contract's resize rules in words."""


@dataclass(frozen=True)
class Measured:
    """The measured figures of a package's models: see `figures` and `identity`."""

    accuracy: Sequence[Record] = field(default=())
    latency: Sequence[Record] = field(default=())
    clients: Sequence[Record] = field(default=())


def manifest_json(name: str, variants: Sequence[Variant], labels: bytes, measured: Measured) -> bytes:
    """Return the manifest of the package *name*, whose first variant is for the CPU: the same bytes every time."""
    first = variants[0]
    record = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "task": app_task(first.contract).noun,
        "trained": is_trained(variants),
        "files": [_file(name, variant) for variant in variants],
        "labels": {"path": f"{name}/{LABELS}", "sha256": digest(labels), "count": len(first.contract.labels)},
        "preprocessing": {
            "resize": first.contract.image.resize,
            "resize_in_words": rule_in_words(first.contract.image),
            "clients": list(measured.clients),
        },
        "postprocessing": app_task(first.contract).postprocessing(first.contract),
        "measured": {"accuracy": list(measured.accuracy), "latency": list(measured.latency)},
        "origin": dict(first.contract.origin),
        "source": {"sha256": first.history[0].get("input_sha256") if first.history else first.source_sha256},
        "toolchain": toolchain(variants),
    }
    return (json.dumps(record, indent=2, ensure_ascii=True, allow_nan=False) + "\n").encode("ascii")


def rule_in_words(image: ImageInput) -> str:
    """Return how an image becomes the input's pixels, in words."""
    sampled = SAMPLED[image.resize]
    if image.crop is not None:
        return f"the central square, {image.crop:g} of the shorter side, then bilinear, {sampled}"
    if image.letterbox is None:
        return f"bilinear over the whole image, aspect ratio not kept, {sampled}"
    place = "at the bottom and right" if image.letterbox.pad == "bottom_right" else "on both sides"
    value = ", ".join(f"{part:g}" for part in image.letterbox.pad_value)
    return (
        f"bilinear with the aspect ratio kept, sides rounded {image.letterbox.rounding.replace('_', ' ')}, padded "
        f"{place} with the pixel ({value}), {sampled}"
    )


def is_trained(variants: Sequence[Variant]) -> bool:
    """Return whether the weights were trained, according to the histories; random ones were not."""
    return not any(RANDOM_WEIGHTS in step for variant in variants for step in variant.history)


def toolchain(variants: Sequence[Variant]) -> Record:
    """Return the versions of the tools that made the models: detlite, and those named in their histories."""
    found: Record = {"detlite": __version__}
    for variant in variants:
        for step in variant.history:
            found |= {name: step[name] for name in ("tensorflow", "compiler") if isinstance(step.get(name), str)}
    return dict(sorted(found.items()))


def _file(name: str, variant: Variant) -> Record:
    states = [asdict(one) for one in variant.contract.inputs if isinstance(one, StateInput)]
    return {
        "path": f"{name}/{variant.file}",
        "for": variant.use,
        "sha256": digest(variant.data),
        "size_bytes": len(variant.data),
        "quantization": variant.quantization,
        "min_runtime_version": variant.runtime_version or None,
        "input": variant.contract.image.to_record() | {"pixel_error": pixel_error(variant.contract.image)},
        **({"states": states} if states else {}),
        "outputs": [asdict(output) for output in variant.contract.outputs],
        "source_model_sha256": variant.source_sha256,
        "history": list(variant.history),
    }
