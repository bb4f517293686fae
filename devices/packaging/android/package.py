"""Packaging a model for an Android app: every file is made in memory, then all are written or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from detlite.accuracy.images import images_in
from detlite.convert.artifact import history_json, step, write_folder
from detlite.convert.tflite.metadata_outputs import LABELS
from detlite.convert.tflite.metadata_write import label_lines
from detlite.devices.packaging.android.app_task import app_task
from detlite.devices.packaging.android.figures import read_figures
from detlite.devices.packaging.android.identity import measure_identity
from detlite.devices.packaging.android.library import library
from detlite.devices.packaging.android.manifest import MANIFEST, Measured, manifest_json
from detlite.devices.packaging.android.naming import Naming
from detlite.devices.packaging.android.packs import ai_pack, asset_pack, known_chips, pack_name
from detlite.devices.packaging.android.render import gradle_files, kotlin_files, readme
from detlite.devices.packaging.android.variant import (
    CPU,
    GPU,
    Choices,
    Variant,
    compiled_variant,
    make_variant,
)
from detlite.runtime.artifact import HISTORY
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.progress import Progress, silent

IDENTITY_IMAGES, SEED = 20, 0
IMAGE_CONSTANTS = ("height", "width", "resize", "letterbox", "crop")
"""What of an image the app's code has once, for all models of a package."""


@dataclass(frozen=True)
class Models:
    """The models of a package: for the CPU, and optionally for a GPU and for systems on a chip by name."""

    cpu: Path
    gpu: Path | None = None
    compiled: Sequence[tuple[str, Path]] = field(default=())


@dataclass(frozen=True)
class Extras:
    """What a package has besides assets, Kotlin, Gradle lines and README.

    Attributes:
        figures: files that `detlite evaluate --json` and `measure --json` wrote.
        clients: Python interpreters with a client whose resizing is compared on the *images*.
        images: a folder, or a list of images.
        aar: whether to write an Android library.
        asset_pack: how an asset pack is delivered; None for no pack.
        ai_pack: the same for an AI pack.
    """

    figures: Sequence[Path] = field(default=())
    clients: Sequence[Path] = field(default=())
    images: Path | None = None
    aar: bool = False
    asset_pack: str | None = None
    ai_pack: str | None = None


@dataclass(frozen=True, eq=False)
class Package:
    """A package in memory: its models, their measured figures, its assets, and all its files by path."""

    naming: Naming
    variants: Sequence[Variant]
    measured: Measured
    assets: dict[str, bytes]
    files: dict[str, bytes]


def make_package(
    naming: Naming, models: Models, choices: Choices, extras: Extras, *, progress: Progress = silent
) -> Package:
    """Return the package of *models*: the same bytes for the same inputs.

    Raises:
        InputError: Android's clients cannot use a model, or the models differ.
        UnknownNameError: ai-edge-litert does not know a model's system on a chip.
        MissingToolError, DeviceError: a client is missing, or fails.
    """
    if extras.asset_pack and extras.ai_pack:
        raise InputError("--asset-pack and --ai-pack would make two modules of the same name: give one of them")
    variants = _variants(models, choices)
    measured = _measured(variants, extras, progress)
    labels = label_lines(variants[0].contract.labels)
    manifest = manifest_json(naming.name, variants, labels, measured)
    assets = {**{variant.file: variant.data for variant in variants}, LABELS: labels, MANIFEST: manifest}
    files = {f"{naming.asset_folder}/{name}": content for name, content in assets.items()}
    files |= kotlin_files(naming, variants, manifest)
    pack = pack_name(naming) if extras.asset_pack or extras.ai_pack else None
    has_mediapipe = not variants[0].contract.is_stream
    files |= gradle_files(pack, ai_pack=extras.ai_pack is not None, has_mediapipe=has_mediapipe)
    more = _more(naming, variants, assets, extras)
    files |= more
    files["README.md"] = readme(naming, variants, measured, _beside(more), delivery=extras.asset_pack)
    done = step("package android", input_sha256=variants[0].source_sha256, package=naming.name)
    files[HISTORY] = history_json([*variants[0].history, done], files).encode()
    return Package(naming, variants, measured, assets, files)


def write_package(package: Package, out: Path, *, force: bool) -> None:
    """Write all files to the folder *out*, whole or not at all; `InputError` if that cannot be."""
    write_folder(out, package.files, force=force)


def _variants(models: Models, choices: Choices) -> list[Variant]:
    variants = [make_variant(CPU, models.cpu, choices)]
    if models.gpu is not None:
        variants.append(make_variant(GPU, models.gpu, choices))
        _same_model(variants[0].contract, variants[1].contract, models.gpu)
    for chip, _path in models.compiled:
        if chip not in known_chips():
            raise unknown_name("system on a chip", chip, known_chips())
    variants += [compiled_variant(use, path, variants[0]) for use, path in models.compiled]
    if len({variant.file for variant in variants}) != len(variants):
        raise InputError(f"two models are for the same processor: {', '.join(variant.use for variant in variants)}")
    return variants


def _same_model(cpu: Contract, gpu: Contract, path: Path) -> None:
    """Refuse a GPU model that would need different constants in the app's code."""
    alike = [
        (contract.task.kind, contract.labels, *(getattr(contract.image, name) for name in IMAGE_CONSTANTS))
        for contract in (cpu, gpu)
    ]
    if alike[0] != alike[1]:
        raise InputError(
            f"{path} is a different model from the first: its task, labels, input size or resize rule differ"
        )
    task = app_task(cpu)
    ours, theirs = task.settings(cpu), task.settings(gpu)
    if ours != theirs:
        differ = ", ".join(f"{name} {value}" for name, value in theirs.items())
        raise InputError(
            f"{path} has different post-processing settings from the first ({differ}): {task.cure(cpu, path)}"
        )


def _measured(variants: Sequence[Variant], extras: Extras, progress: Progress) -> Measured:
    if extras.clients and variants[0].contract.is_stream:
        raise InputError("neither MediaPipe nor the Task Library runs a model with states: leave out --client")
    if bool(extras.clients) is not (extras.images is not None):
        raise InputError("--client and --images go together: a client's resizing is compared on images")
    known = {variant.source_sha256 for variant in variants}
    figures = read_figures(extras.figures, known)
    clients = []
    if extras.images is not None:
        images = images_in(extras.images).choose(IDENTITY_IMAGES, SEED)
        digest = images.digest()
        found = measure_identity(variants[0], extras.clients, images.paths, progress=progress)
        clients = [record | {"images_from": images.origin, "images_sha256": digest} for record in found]
    return Measured(figures["accuracy"], figures["latency"], clients)


def _beside(files: Iterable[str]) -> list[str]:
    """Return the top folder of each of *files*, or the file itself if it has none, each once."""
    return sorted({path.split("/")[0] for path in files})


def _more(naming: Naming, variants: Sequence[Variant], assets: dict[str, bytes], extras: Extras) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    if extras.aar:
        found[f"{naming.name}.aar"] = library(naming, assets)
    if extras.asset_pack is not None:
        pack = asset_pack(naming, assets, extras.asset_pack)
        found |= {f"asset-pack/{path}": content for path, content in pack.items()}
    if extras.ai_pack is not None:
        pack = ai_pack(naming, variants, extras.ai_pack)
        found |= {f"ai-pack/{path}": content for path, content in pack.items()}
    return found
