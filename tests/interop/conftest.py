"""Real third-party programs, each in an environment of its own under the folder that DETLITE_INTEROP names.

`.ci/run` makes these environments: `mediapipe`, `tflite-support` and `tensorrt` are virtual environments of Python,
`kotlin` is a folder of npm. Without the variable the tests that need them skip, and say so; under CI=true they fail.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def missing(what):
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and .ci/run installs it")
    pytest.skip(f"needs {what}: see .ci/run")


@pytest.fixture(scope="session")
def interop_home():
    folder = os.environ.get("DETLITE_INTEROP")
    if folder is None:
        missing("the folder that DETLITE_INTEROP names")
    return Path(folder)


@pytest.fixture(scope="session")
def client_python(interop_home):
    """Gives the Python interpreter of a client's environment."""

    def find(name):
        python = interop_home / name / "bin" / "python"
        if not python.exists():
            missing(f"the environment {name}")
        return python

    return find


@pytest.fixture(scope="session")
def kotlin(interop_home):
    """The folder of npm's kotlin-compiler, with a JVM on the path."""
    folder = interop_home / "kotlin" / "node_modules" / "kotlin-compiler"
    if not folder.is_dir() or shutil.which("javac") is None:
        missing("npm's kotlin-compiler and a JVM")
    return folder


@pytest.fixture(scope="session")
def compiled_kotlin(kotlin):
    """Compiles Kotlin against the stubs into a folder; gives what runs its main class and returns its lines."""

    def tool(*arguments):
        done = subprocess.run([str(one) for one in arguments], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()

    def build(folder, sources, main):
        stubs, classes = folder / "stubs", folder / "classes"
        tool("javac", "-d", stubs, *sorted((Path(__file__).parent / "stubs").rglob("*.java")))
        tool("bash", kotlin / "bin" / "kotlinc", "-Werror", "-cp", stubs, "-d", classes, *sources)
        path = f"{stubs}:{classes}:{kotlin / 'lib' / 'kotlin-stdlib.jar'}"
        return lambda option, *arguments: tool("java", "-cp", path, option, main, *arguments)

    return build


@pytest.fixture(scope="session")
def debian_tools():
    """Debian's programs that build and sign an APK, and its framework."""
    for name in ("aapt2", "zipalign", "apksigner", "keytool"):
        if shutil.which(name) is None:
            missing(name)
    framework = Path("/usr/share/android-framework-res/framework-res.apk")
    if not framework.is_file():
        missing("android-framework-res")
    return framework


@pytest.fixture(scope="session")
def detlite_in():
    """Gives `detlite` in any folder."""
    from builders.command_line import Detlite

    return Detlite


@pytest.fixture(scope="session")
def models(tmp_path_factory, shared_data, detlite_in):
    """Real detectors with their op, by name: `float` and `int8` SSDLite, uint8 SSD MobileNet v1."""
    run = detlite_in(tmp_path_factory.mktemp("models"))
    graph = shared_data / "models" / "ssdlite_mobilenet_v2_coco" / "frozen_inference_graph_no_nms.pb"
    train = shared_data / "coco" / "train"
    calibration = ("--coco", train / "images", train / "instances.json", "--count", 16)
    assert run("convert", graph, "-o", "raw").status == 0
    assert run("quantize", "raw", "-o", "raw8", *calibration).status == 0
    for name, source in (("float", "raw"), ("int8", "raw8")):
        assert run("postprocess", source, "--add", "--score-threshold", 0.3, "-o", name).status == 0
    shipped = shared_data / "models" / "coco_ssd_mobilenet_v1_quant"
    return {
        "float": run.folder / "float",
        "int8": run.folder / "int8",
        "uint8": shipped / "coco_ssd_mobilenet_v1_1.0_quant_2018_06_29_no_metadata.tflite",
    }
