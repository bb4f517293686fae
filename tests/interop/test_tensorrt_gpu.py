"""A real trtexec on a machine with a GPU builds the engine of what `compile` wrote, and times its layers."""

import json
import shlex
import shutil
import subprocess

import pytest
from builders.float_detector import detector, write_images

from detlite.accuracy.images import Images
from detlite.calibration.quantize import quantize
from detlite.calibration.recipe import Recipe
from detlite.cli import main
from detlite.runtime.runners.backend import Settings
from detlite.runtime.runners.tensorrt_versions import version_in
from detlite.runtime.runners.trtexec_run import profile_engine

pytest.importorskip("onnx")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("trtexec") is None, reason="needs TensorRT's trtexec and a GPU"),
]


@pytest.mark.parametrize("scheme", ["float32", "int8-float-bias"])
def test_a_real_trtexec_builds_and_times_what_compile_wrote(tmp_path, capsys, scheme):
    images = Images(write_images(tmp_path, count=2), "made in a test")
    model = detector() if scheme == "float32" else quantize(detector(), images, Recipe(scheme=scheme)).model
    model.save(tmp_path / "model")
    banner = subprocess.run(["trtexec", "--help"], capture_output=True, text=True, timeout=60).stdout
    version = ".".join(map(str, version_in(banner)))
    words = ["compile", str(tmp_path / "model"), "--target", "tensorrt", "--tensorrt", version, "--json"]
    assert main([*words, "-o", str(tmp_path / "out")]) == 0
    command = [*shlex.split(json.loads(capsys.readouterr().out)["command"]), "--profilingVerbosity=detailed"]
    subprocess.run(command, cwd=tmp_path / "out", check=True, capture_output=True, timeout=300)
    timed = profile_engine(tmp_path / "out/model.engine", Settings())
    assert sum(one.mean_ms for one in timed) > 0
    assert any("int8" in one.place for one in timed) == (scheme != "float32")
