"""The Kotlin of streams: run by a JVM, each model by the real interpreter, the states carried by the Kotlin alone.

What an app then says of each frame is what `Session` says of the packaged file, to the bit.
"""

import sys
from pathlib import Path

import numpy as np
import pytest
from builders.conv_streams import conv_stream
from builders.quantized_states import quantized_states

from detlite.convert.tflite.metadata_write import About
from detlite.devices.packaging.android.naming import Naming
from detlite.devices.packaging.android.package import Extras, Models, make_package, write_package
from detlite.devices.packaging.android.variant import Choices
from detlite.runtime.artifact import Artifact
from detlite.runtime.session import Session

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parent
NAMES = {"float": conv_stream, "mixed": quantized_states}
SIZES = ((8, 8), (8, 8), (13, 9), (13, 9))
"""(height, width) of the frames: the first as large as an input, the last ones of another size."""


@pytest.fixture(scope="module")
def frames():
    chance = np.random.default_rng(3)
    return [chance.integers(0, 256, (*size, 3), np.uint8) for size in SIZES]


@pytest.fixture(scope="module")
def packaged(tmp_path_factory):
    """The folder of the packages, and by name the packaged model."""
    folder, artifacts = tmp_path_factory.mktemp("streams"), {}
    for name, make in NAMES.items():
        make().save(folder / name)
        naming = Naming(name, "com.example.app")
        package = make_package(naming, Models(folder / name), Choices(About(name)), Extras())
        write_package(package, folder / f"{name}_app", force=False)
        model = folder / f"{name}_app" / naming.asset_folder / "model.tflite"
        artifacts[name] = Artifact(model, package.variants[0].contract)
    return folder, artifacts


@pytest.fixture(scope="module")
def want(packaged, frames):
    """What the runtime says of each frame, by the model's name."""
    said = {}
    for name, artifact in packaged[1].items():
        session = Session(artifact)
        said[name] = [session.step(frame).scores.tolist() for frame in frames]
    return said


@pytest.fixture(scope="module")
def printed(packaged, want, frames, compiled_kotlin):
    """The lines of the app, as rows of words; *want* is made before the assets are moved."""
    folder, assets = packaged[0], packaged[0] / "assets"
    assets.mkdir()
    for made in folder.glob("*_app/src/main/assets/*"):
        made.rename(assets / made.name)
    files = []
    for number, pixels in enumerate(frames):
        height, width, _three = pixels.shape
        red, green, blue = (pixels[..., channel].astype(np.uint32) for channel in range(3))
        files.append(folder / f"{number}_{width}_{height}")
        files[-1].write_bytes((0xFF000000 | red << 16 | green << 8 | blue).astype(">u4").tobytes())
    run = compiled_kotlin(folder, [*sorted(folder.glob("*_app/**/*.kt")), HERE / "Streams.kt"], "StreamsKt")
    (folder / "run").mkdir()
    lines = run(f"-Dstub.program={sys.executable} {HERE / 'run_tflite.py'}", assets, folder / "run", *files)
    return [line.split(" ", 1) for line in lines]


def scores(printed, name):
    return [[float(np.float32(word)) for word in text.split()] for which, text in printed if which == name]


@pytest.mark.parametrize("name", NAMES)
def test_the_scores_of_each_frame_are_the_runtimes_to_the_bit(printed, want, name):
    found = scores(printed, name)[: len(SIZES)]
    assert found == want[name]
    assert len({tuple(row) for row in found}) == len(SIZES)


@pytest.mark.parametrize("name", NAMES)
def test_after_a_reset_the_first_frames_scores_come_again(printed, want, name):
    assert scores(printed, name)[len(SIZES) :] == [want[name][0]]


@pytest.mark.parametrize("name", NAMES)
def test_all_frames_share_one_array_of_scores(printed, name):
    assert dict(printed)[f"{name}-array"] == "same"


def test_the_best_class_comes_first(printed, want):
    first = want["float"][0]
    best = first.index(max(first))
    assert dict(printed)["best"].startswith(f"FloatClass(label=thing {best}, classIndex={best}, score=")


@pytest.mark.parametrize("name", NAMES)
def test_a_further_frame_of_one_size_allocates_nothing(printed, name):
    assert dict(printed)[f"{name}-bytes"] == "0"
