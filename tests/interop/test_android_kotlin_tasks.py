"""The Kotlin of classifiers, segmenters and padded images: run by a JVM, each model by the real interpreter.

What an app then says is what `Session` says of the packaged file, to the bit.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders.app_models import write_app_model
from builders.tiny_tasks import tiny_task

from detlite.accuracy.detect import predict
from detlite.convert.model import Model
from detlite.convert.tflite.metadata_write import About
from detlite.devices.packaging.android.naming import Naming
from detlite.devices.packaging.android.package import Extras, Models, make_package, write_package
from detlite.devices.packaging.android.variant import Choices
from detlite.runtime.artifact import Artifact
from detlite.runtime.image.preprocess import fitted
from detlite.runtime.letterbox import Letterbox

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parent
MEAN_PIXEL = (123.675, 116.28, 103.53)
SIZES = ((37, 53), (64, 23), (9, 16))


def changed(model, **image):
    contract = model.contract
    return Model(model.data, "tflite", contract.with_image(replace(contract.image, **image)), model.history)


def write_models(folder):
    """The five models: a classifier that stretches or crops, a segmenter that pads or stretches, a padded detector."""
    means = {"mean": MEAN_PIXEL, "std": (58.395, 57.12, 57.375)}
    changed(tiny_task("classification"), **means).save(folder / "plain")
    changed(tiny_task("classification"), crop=0.875, resize="tf1_bilinear").save(folder / "cropped")
    padding = Letterbox("bottom_right", MEAN_PIXEL, "half_even")
    changed(tiny_task("segmentation"), letterbox=padding, **means).save(folder / "padded")
    stretched = tiny_task("segmentation")
    contract = stretched.contract.with_task(resize="align_corners_bilinear")
    Model(stretched.data, "tflite", contract, stretched.history).save(folder / "stretched")
    centred = Letterbox("center", (10.0, 20.0, 30.0))
    write_app_model(folder / "boxed", change=lambda c: c.with_image(replace(c.image, letterbox=centred)))


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """The packages' folder, and by name the packaged model, as `Session` opens it."""
    folder = tmp_path_factory.mktemp("tasks")
    write_models(folder)
    artifacts = {}
    for name in ("plain", "cropped", "padded", "stretched", "boxed"):
        naming = Naming(name, "com.example.app")
        package = make_package(naming, Models(folder / name), Choices(About(name)), Extras())
        write_package(package, folder / f"{name}_app", force=False)
        model = folder / f"{name}_app" / naming.asset_folder / "model.tflite"
        artifacts[name] = Artifact(model, package.variants[0].contract)
    return folder, artifacts


@pytest.fixture(scope="module")
def app(packages, compiled_kotlin):
    """Runs the compiled app on an image; returns its lines and the folder with the files that it wrote."""
    folder, _artifacts = packages
    assets = folder / "assets"
    assets.mkdir()
    for made in folder.glob("*_app/src/main/assets/*"):
        made.rename(assets / made.name)
    sources = [*sorted(folder.glob("*_app/**/*.kt")), HERE / "Tasks.kt"]
    run = compiled_kotlin(folder, sources, "TasksKt")
    program = f"-Dstub.program={sys.executable} {HERE / 'run_tflite.py'}"

    def see(pixels):
        height, width, _three = pixels.shape
        file, out = folder / "pixels", folder / f"out_{height}_{width}"
        red, green, blue = (pixels[..., channel].astype(np.uint32) for channel in range(3))
        file.write_bytes((0xFF000000 | red << 16 | green << 8 | blue).astype(">u4").tobytes())
        out.mkdir(exist_ok=True)
        return run(program, assets, file, width, height, out), out

    return see


@pytest.fixture(scope="module", params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def seen(request, app, packages, tmp_path_factory):
    """An image, what the app prints of it, the folder that it wrote, and by name what the runtime says."""
    folder, artifacts = packages
    pixels = np.random.default_rng(request.param[0]).integers(0, 256, (*request.param, 3), np.uint8)
    file = tmp_path_factory.mktemp("image") / "image.npy"
    np.save(file, pixels)
    lines, out = app(pixels)
    models = {name: replace(one, model=folder / "assets" / name / "model.tflite") for name, one in artifacts.items()}
    said = {name: predict(one, [file]) for name, one in models.items()}
    return pixels, dict(line.split(" ", 1) for line in lines if not line.startswith("boxed")), lines, out, said


@pytest.mark.parametrize("name", ["plain", "cropped"])
def test_the_scores_of_a_classifier_are_the_runtimes_to_the_bit(seen, name):
    _pixels, printed, _lines, _out, said = seen
    assert [np.float32(text) for text in printed[name].split()] == said[name].scores[0].tolist()


def test_the_best_class_comes_first(seen):
    _pixels, printed, _lines, _out, said = seen
    best = int(said["plain"].best(1)[0, 0])
    assert printed["best"].startswith(f"PlainClass(label=thing {best}, classIndex={best}, score=")
    assert printed["labels"] == "thing 0|thing 1|thing 2"


@pytest.mark.parametrize("name", ["padded", "stretched"])
def test_the_classes_of_a_segmenters_pixels_are_the_runtimes(seen, name):
    pixels, _printed, _lines, out, said = seen
    found = np.frombuffer((out / name).read_bytes(), np.uint8).reshape(pixels.shape[:2])
    assert found.tolist() == said[name].class_map(0).tolist()
    assert len(np.unique(found)) > 1


def test_a_pixels_class_is_found_by_column_and_row(seen):
    pixels, printed, _lines, _out, said = seen
    height, width, _three = pixels.shape
    corner = said["stretched"].class_map(0)[-1, -1]
    assert printed["corner"] == f"{corner} of {width} x {height}"


def test_boxes_in_a_padded_image_are_the_runtimes_in_the_image(seen):
    _pixels, _printed, lines, _out, said = seen
    boxes = np.clip(said["boxed"].boxes, 0, 1)
    found = [line for line in lines if line.startswith("boxed")]
    assert len(found) == len(boxes) > 0
    for line, box in zip(found, boxes, strict=True):
        edges = dict(part.split("=") for part in line.rstrip(")").split(", ")[3:])
        assert [np.float32(edges[name]) for name in ("top", "left", "bottom", "right")] == box.tolist()


@pytest.mark.parametrize("name", ["cropped", "padded", "boxed"])
def test_what_mediapipe_is_handed_is_the_models_view_in_whole_pixels(seen, packages, name):
    pixels, _printed, _lines, out, _said = seen
    image = packages[1][name].contract.image
    want = np.rint(fitted(pixels, image)).astype(np.int64).reshape(-1, 3)
    found = np.array((out / f"{name}.prepared").read_text().split(), np.int64)
    assert found.tolist() == (0xFF000000 + want[:, 0] * 65536 + want[:, 1] * 256 + want[:, 2]).tolist()
