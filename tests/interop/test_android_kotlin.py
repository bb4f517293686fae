"""The generated Kotlin: compiled by the real compiler against small stubs, and run by a JVM."""

from pathlib import Path

import numpy as np
import pytest

from detlite.convert.artifact import open_artifact
from detlite.convert.tflite.boundary import with_uint8_input
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.image.read import read_image

pytestmark = [pytest.mark.slow, pytest.mark.data]

HERE = Path(__file__).resolve().parent
NAMING = ("--name", "demo", "--kotlin-package", "com.example.app")


@pytest.fixture(scope="module")
def package(models, detlite_in, tmp_path_factory):
    """The package of the int8 model for the CPU and the float one for a GPU."""
    run = detlite_in(tmp_path_factory.mktemp("kotlin"))
    done = run("package", models["int8"], "--android", "--gpu", models["float"], *NAMING, "-o", "out")
    assert done.status == 0, done.err
    return run.folder / "out"


@pytest.fixture(scope="module")
def app(package, compiled_kotlin):
    """Runs the compiled app on an image's pixels and returns its lines, and the file names of its inputs' stem."""
    java = compiled_kotlin(package.parent, [*sorted(package.rglob("*.kt")), HERE / "Main.kt"], "MainKt")

    def run(pixels):
        height, width, _three = pixels.shape
        red, green, blue = (pixels[..., channel].astype(np.uint32) for channel in range(3))
        file = package.parent / "pixels"
        file.write_bytes((0xFF000000 | red << 16 | green << 8 | blue).astype(">u4").tobytes())
        return java("-Dstub=", package / "src/main/assets", file, width, height), file

    return run


@pytest.fixture(scope="module")
def photo(shared_data):
    return read_image(sorted((shared_data / "coco" / "val" / "images").iterdir())[0])


def test_the_constants_are_those_of_the_package(app, package, photo):
    lines, _file = app(photo)
    labels = (package / "src/main/assets/demo/labels.txt").read_text().splitlines()
    assert lines[0] == "name demo"
    assert f"labels {'|'.join(labels)}" in lines


def test_outputs_are_read_by_their_numbers_and_boxes_clipped(app, photo):
    found = [line for line in app(photo)[0] if line.startswith("found")]
    assert found[0] == (
        "found DemoDetection(label=car, classIndex=2, score=0.9, top=0.1, left=0.0, bottom=0.5, right=1.0)"
    )
    assert "label=person, classIndex=0" in found[1]
    assert len(found) == 4  # two of each model file, whatever stands beyond the count


def test_a_model_that_a_pack_brought_is_mapped_from_its_file(app, package, photo):
    size = (package / "src/main/assets/demo/model_gpu.tflite").stat().st_size
    assert f"mapped GPU {size}" in app(photo)[0]


@pytest.mark.parametrize("file", ["CPU", "GPU"])
def test_preprocessing_in_kotlin_is_detlites_bit_for_bit(app, models, shared_data, file):
    artifact = open_artifact(models["int8" if file == "CPU" else "float"])
    contract = artifact.contract
    if file == "CPU":
        _data, contract = with_uint8_input(artifact.model.read_bytes(), contract)
    for path in sorted((shared_data / "coco" / "val" / "images").iterdir())[:5]:
        pixels = read_image(path)
        _lines, stem = app(pixels)
        want = preprocess(pixels, contract.image)
        assert Path(f"{stem}.{file}").read_bytes() == want.tobytes(), path.name
