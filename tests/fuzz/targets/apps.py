"""Built Android apps with a package of detlite's in them."""

import io
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from builders.app_models import built_app, write_app_model
from fuzz.mutations import blind, json_value, protobuf, text, zipped
from fuzz.target import Target

from detlite.convert.tflite.metadata_write import About
from detlite.devices.packaging.android.naming import Naming
from detlite.devices.packaging.android.package import Extras, Models, make_package, write_package
from detlite.devices.packaging.android.variant import Choices
from detlite.devices.packaging.android.verify import verify_app

CONFIG = b"\x1a\x0a\x0a\x08**.model"
"""A bundle's configuration that leaves one pattern uncompressed."""


@cache
def app(prefix: str) -> bytes:
    """An APK with a package; with *prefix*, the name of a module and a slash, a bundle."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        models, choices = Models(write_app_model(folder / "model")), Choices(About(name="demo"))
        write_package(make_package(Naming("demo"), models, choices, Extras()), folder / "package", force=False)
        whole = io.BytesIO(built_app(folder / "package", prefix=prefix, code=b"x"))
    if prefix:
        with zipfile.ZipFile(whole, "a") as archive:
            archive.writestr("BundleConfig.pb", CONFIG)
    return whole.getvalue()


def put(name: str, prefix: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(app(prefix))


def verified(name: str) -> Callable[[Path], object]:
    return lambda folder: verify_app(folder / name)


CHANGES = {"*": (blind, zipped(json_value), zipped(json_value), zipped(text), zipped(protobuf), zipped(blind))}
TARGETS = (
    Target("app .apk", put("a.apk", ""), verified("a.apk"), CHANGES),
    Target("app .aab", put("a.aab", "base/"), verified("a.aab"), CHANGES),
)
