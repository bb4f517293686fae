"""`detlite package --android` and `detlite package --verify`, and their options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from detlite.commands.command import option_group
from detlite.commands.console import emit_facts, emit_json, notice, progress, say
from detlite.convert.artifact import prepare_output
from detlite.convert.model import digest
from detlite.convert.tflite.metadata_write import About
from detlite.devices.packaging.android.app_task import app_task
from detlite.devices.packaging.android.naming import DEFAULT_PACKAGE, Naming, name_of_model
from detlite.devices.packaging.android.package import Extras, Models, Package, make_package, write_package
from detlite.devices.packaging.android.packs import DELIVERIES
from detlite.devices.packaging.android.variant import Choices
from detlite.devices.packaging.android.verify import PAGE_BYTES, Verification, verify_app
from detlite.runtime.counts import counted
from detlite.runtime.errors import FindingError, InputError

Command = TypeVar("Command", bound=Callable[..., Any])
Record = dict[str, Any]

FILE = click.Path(path_type=Path)
DELIVERY = click.Choice(DELIVERIES)

ANDROID = (
    click.option("--android", is_flag=True, help="Pack assets, Kotlin and Gradle lines for an Android app."),
    click.option("--name", help="Name of the asset folder and of the classes (default: MODEL's name)."),
    click.option(
        "--kotlin-package", default=DEFAULT_PACKAGE, show_default=True, help="Kotlin package of the generated files."
    ),
    click.option("--gpu", type=FILE, metavar="MODEL", help="The same model in float16 or float32, for the GPU."),
    click.option(
        "--soc",
        "compiled",
        multiple=True,
        metavar="CHIP=FILE",
        help="model.tflite of the package, compiled for CHIP. Repeatable.",
    ),
    click.option("--labels", type=FILE, help="Label map or list of class names (default: the model's labels)."),
    click.option("--replace-metadata", is_flag=True, help="Replace the model's TFLite metadata."),
    click.option(
        "--figures",
        type=FILE,
        multiple=True,
        help="Record of `measure --json` or `evaluate --json` to quote in the README. Repeatable.",
    ),
    click.option(
        "--client",
        "clients",
        type=FILE,
        multiple=True,
        metavar="PYTHON",
        help="Python that has mediapipe or tflite-support, to compare with detlite. Repeatable.",
    ),
    click.option("--aar", is_flag=True, help="Also write an Android library (AAR) of the assets."),
    click.option("--asset-pack", type=DELIVERY, help="Also write a module for Play Asset Delivery."),
    click.option("--ai-pack", type=DELIVERY, help="Also write an AI pack of the --soc files."),
)
"""The options of `--android`: that itself, and those that only it has."""

VERIFY = (
    click.option("--verify", type=FILE, metavar="APK", help="Check the model in a built APK or AAB; MODEL: a package."),
    click.option(
        "--alignment",
        type=click.IntRange(1),
        help=f"Required alignment in bytes (default: 4, with a note on a model that is not aligned to {PAGE_BYTES}).",
    ),
)
"""The options of `--verify`: that itself, and those that only it has."""


def android_options(command: Command) -> Command:
    """Add the options of `--android` and `--verify` to *command*."""
    return option_group("For an Android app", *ANDROID)(option_group("A built app", *VERIFY)(command))


def package_for_android(model: Path, out: Path, values: Record, *, as_json: bool, force: bool) -> None:
    """Package *model* to the folder *out* and print its contents; *values* come from `android_options`.

    Raises:
        InputError, MissingToolError, DeviceError: raised by `make_package` and `write_package`.
    """
    naming = Naming(values["name"] or name_of_model(model), values["kotlin_package"])
    prepare_output(out, force=force)
    models = Models(model, values["gpu"], [_compiled(text) for text in values["compiled"]])
    choices = Choices(About(name=naming.name), values["labels"], values["replace_metadata"])
    extras = Extras(**{name: values[name] for name in ("figures", "clients", "images", "aar", "asset_pack", "ai_pack")})
    with progress() as report:
        package = make_package(naming, models, choices, extras, progress=report)
    write_package(package, out, force=force)
    if as_json:
        emit_json("package_android", _record(package, out))
        return
    emit_facts(_lines(package))
    say(f"{out}: {counted(len(package.files), 'file')} for {naming.package}; start with {out / 'README.md'}")


def verify_built_app(app: Path, package: Path | None, values: Record, *, as_json: bool) -> None:
    """Check the model in the built *app*, and compare it with the *package* if given.

    Raises:
        InputError: it is not an app, or has no detlite package in it.
        FindingError: something in it is wrong.
    """
    if not app.is_file():
        raise InputError(f"{app} does not exist: give an APK or an AAB")
    found = verify_app(app, package=package, alignment=values["alignment"])
    if as_json:
        emit_json("package_verify", {"app": str(app), **asdict(found)})
    else:
        emit_facts(_verified(found))
        if not found.findings:
            say(f"{app}: {', '.join(found.packages)} as packaged, {counted(len(found.models), 'model file')}")
    for note in found.notes:
        notice(f"note: {note}")
    if found.findings:
        raise FindingError("; ".join(found.findings))


def _compiled(text: str) -> tuple[str, Path]:
    chip, equals, path = text.partition("=")
    if not (chip and equals and path):
        raise InputError(f"--soc {text!r:.80}: want CHIP=FILE, such as Google_Tensor_G5=model_g5.tflite")
    return chip, Path(path)


def _record(package: Package, out: Path) -> Record:
    return {
        "out": str(out),
        "name": package.naming.name,
        "models": [
            {
                "path": f"{package.naming.asset_folder}/{variant.file}",
                "for": variant.use,
                "sha256": digest(variant.data),
                "size_bytes": len(variant.data),
                "quantization": variant.quantization,
            }
            for variant in package.variants
        ],
        "clients": list(package.measured.clients),
        "files": sorted(package.files),
    }


def _lines(package: Package) -> dict[str, object]:
    lines: dict[str, object] = {
        variant.use: f"{variant.file}, {variant.quantization}, {len(variant.data) / 1e6:.2f} MB, sha256 "
        f"{digest(variant.data)[:12]}"
        for variant in package.variants
    }
    for one in package.measured.clients:
        lines[f"{one['client']}, resized by {one['resized_by']}"] = app_task(package.variants[0].contract).summary(one)
    return lines


def _verified(found: Verification) -> dict[str, object]:
    lines: dict[str, object] = {"kind": found.kind}
    for one in found.models:
        where = "" if one.offset is None else f", at byte {one.offset}"
        lines[one.path] = f"{'stored' if one.is_stored else 'deflated'}, {one.size_bytes} bytes{where}"
    return lines | {f"finding {number}": text for number, text in enumerate(found.findings, 1)}
