"""One model file of a package: what an Android client can load, made from an artifact."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from detlite.convert.artifact import open_artifact
from detlite.convert.labels.files import read_labels
from detlite.convert.model import digest
from detlite.convert.sidecar_files import matching_labels
from detlite.convert.tflite.boundary import with_uint8_input
from detlite.convert.tflite.describe import describe
from detlite.convert.tflite.flatbuffer import load
from detlite.convert.tflite.metadata_write import About, with_metadata
from detlite.convert.tflite.one_normalization import has_one_normalization, with_one_normalization
from detlite.convert.tflite.runtime_version import stated_runtime_version
from detlite.devices.packaging.android.app_task import AppTask, app_task
from detlite.runtime.artifact import Artifact, Step
from detlite.runtime.contract import Contract
from detlite.runtime.counts import plural
from detlite.runtime.errors import InputError
from detlite.runtime.inputs import LAYOUTS, ImageInput
from detlite.runtime.model_file import is_tflite, model_in
from detlite.runtime.stream_inputs import StateInput

CPU, GPU = "cpu", "gpu"
FILES = {CPU: "model.tflite", GPU: "model_gpu.tflite"}
PLAY_LIMIT_BYTES = 1_500_000_000
"""Limit of one asset or AI pack, compressed, from Google Play's documentation; weights hardly compress."""

PIXELS = np.arange(256, dtype=np.float64)


@dataclass(frozen=True)
class Choices:
    """How every model file of a package is made.

    Attributes:
        about: the model's description in the metadata.
        labels: a label file to use instead of the artifact's labels.
        replace_metadata: whether existing metadata is replaced.
    """

    about: About
    labels: Path | None = None
    replace_metadata: bool = False


@dataclass(frozen=True, eq=False)
class Variant:
    """One model file of a package.

    Attributes:
        use: `cpu`, `gpu`, or the system on a chip that it was compiled for.
        file: its name in the assets.
        data: its bytes.
        contract: how to use it.
        history: the history of its artifact.
        source_sha256: the sha256 of that artifact's model file.
        quantization: as `detlite inspect` names it.
        runtime_version: the oldest TensorFlow Lite runtime according to the converter; empty if it does not say.
    """

    use: str
    file: str
    data: bytes
    contract: Contract
    history: tuple[Step, ...]
    source_sha256: str
    quantization: str
    runtime_version: str


def make_variant(use: str, path: Path, choices: Choices) -> Variant:
    """Return the model at *path* in the form that MediaPipe and the Task Library load: metadata, uint8 or float input.

    A stream, which they do not run, has no metadata, and whatever normalization it was trained with.

    Raises:
        InputError: it has raw heads or something else that these clients cannot use, labels that do not fit, or
            is too large for any pack.
    """
    check_size(path)
    artifact = open_artifact(path)
    if not is_tflite(artifact.model):
        raise InputError(f"{artifact.model} is no TFLite model, and Android's clients load no other: give the .tflite")
    task = check_clients(artifact.contract, path)
    data, contract = artifact.model.read_bytes(), artifact.contract
    source = digest(data)
    data, contract = task.prepare(data, contract)
    if choices.labels is not None:
        given = read_labels(choices.labels)
        contract = replace(contract, labels=matching_labels(given, len(contract.labels), str(choices.labels)))
    if contract.image.dtype == "int8":
        data, contract = with_uint8_input(data, contract)
    if not contract.is_stream:
        check_pixels(contract.image, path)
        if contract.image.dtype == "float32" and not has_one_normalization(contract):
            data, contract = with_one_normalization(data, contract)
        data = with_metadata(data, contract, choices.about, replace_old=choices.replace_metadata)
    return _variant(use, FILES[use], data, artifact, contract, source)


def compiled_variant(use: str, path: Path, cpu: Variant) -> Variant:
    """Return the file at *path*, compiled for the system on a chip *use*, unchanged.

    Raises:
        InputError: its inputs and outputs differ from those of the *cpu* file, which replaces it on other devices.
    """
    check_size(path)
    if not path.is_file():
        raise InputError(f"{path}: expected the .tflite compiled for {use}, but there is no such file")
    data = path.read_bytes()
    ours, theirs = describe(cpu.data, cpu.file), describe(data, str(path))
    if (ours.inputs, ours.outputs) != (theirs.inputs, theirs.outputs):
        raise InputError(
            f"{path} has different inputs or outputs from {cpu.file}: compile the packaged {cpu.file} for {use}"
        )
    artifact = Artifact(path, cpu.contract, cpu.history)
    return _variant(use, f"model_{use.lower()}.tflite", data, artifact, cpu.contract, digest(data))


def _variant(use: str, file: str, data: bytes, artifact: Artifact, contract: Contract, source: str) -> Variant:
    return Variant(
        use=use,
        file=file,
        data=data,
        contract=contract,
        history=artifact.history,
        source_sha256=source,
        quantization=describe(data, file).quantization,
        runtime_version=stated_runtime_version(load(data, file)),
    )


def check_size(path: Path) -> None:
    """Refuse a model too large for a Google Play pack, before reading it."""
    file = model_in(path) if path.is_dir() else path
    if file is not None and file.is_file() and (size := file.stat().st_size) > PLAY_LIMIT_BYTES:
        raise InputError(
            f"{file} has {size:,} bytes, and a Google Play pack holds {PLAY_LIMIT_BYTES:,}: quantize the model, or "
            "use a smaller one"
        )


def check_clients(contract: Contract, path: Path) -> AppTask[Any]:
    """Return how the model goes into an app, after refusing what MediaPipe and the Task Library cannot use."""
    try:
        task = app_task(contract)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    kinds = list(dict.fromkeys(one.kind for one in contract.inputs))
    if kinds[1:] != [StateInput.kind] if contract.is_stream else kinds != [ImageInput.kind]:
        gives = "one image, and states" if contract.is_stream else "one image"
        raise InputError(f"{path} takes {' and '.join(map(plural, kinds))}, and Android's clients give {gives}")
    task.check(contract, path)
    image = contract.image
    if image.colour != "RGB":
        raise InputError(f"{path} takes {image.colour} images, and Android's clients give RGB")
    if image.layout != LAYOUTS[0]:
        raise InputError(f"{path} takes its image as {image.layout}, and Android's clients give {LAYOUTS[0]}")
    return task


def check_pixels(image: ImageInput, path: Path) -> None:
    """Refuse a quantized input that needs anything but unchanged pixels: clients normalize float inputs only."""
    error = pixel_error(image)
    if error > 1:
        raise InputError(
            f"{path} needs pixels changed by up to {error:.0f} of 255 first, and Android's clients pass "
            "them to an integer input unchanged: quantize with --io float32"
        )


def pixel_error(image: ImageInput) -> int:
    """Return by how much, of 255, a uint8 input needs pixels changed; 0 for a float input, which clients normalize."""
    found = image.quantization
    if image.dtype != "uint8" or found is None:
        return 0
    mean, std = np.array(image.mean), np.array(image.std)
    wanted = np.rint((PIXELS[:, None] - mean) / std / found.scale + found.zero_point)
    return int(np.abs(np.clip(wanted, 0, 255) - PIXELS[:, None]).max())
