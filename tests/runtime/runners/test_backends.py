"""Back ends: how each opens a model, what its delegates took, and what is refused."""

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from builders.tiny_tflite import tiny_contract, tiny_model

from detlite.runtime.artifact import Artifact
from detlite.runtime.errors import DeviceError, InputError, MissingToolError, UnknownNameError
from detlite.runtime.measure.presets import Preset
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.measure.run import measure_model
from detlite.runtime.plugins import load_plugins
from detlite.runtime.runners.backend import BACKENDS, Settings, backend_for
from detlite.runtime.runners.delegates import parse_delegate
from detlite.runtime.session import Session

SMALL = Preset(1, 1, {"single-stream": 40}, 0.0, 1, warm_up_s=0.0)

IDLE_DELEGATE = """
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
typedef struct delegate {
  void *data;
  int (*prepare)(void *context, struct delegate *self);
  void *copy_from, *copy_to, *free_handle;
  int64_t flags;
  void *builder;
} delegate;
static int prepare(void *context, delegate *self) { return 0; }
void *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*report)(const char *)) {
  delegate *made = calloc(1, sizeof(delegate));
  made->prepare = prepare;
  return made;
}
void tflite_plugin_destroy_delegate(void *made) { free(made); }
"""


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(tiny_model())
    return path


@pytest.mark.parametrize("name", sorted(load_plugins(BACKENDS)))
def test_a_back_end_opens_models_or_reads_results(name):
    backend = load_plugins(BACKENDS)[name]
    assert (backend.open is None) is not (backend.measure is None)
    assert backend.title
    assert all(suffix.startswith(".") for suffix in backend.suffixes)


def test_a_tflite_model_is_opened_by_the_interpreter_that_is_installed(model):
    assert backend_for(model, None)[0] == "litert"


@pytest.mark.parametrize("name", ["model.lite", "model", "model.onnx"])
def test_a_tflite_model_of_another_name_is_opened_by_the_same_interpreter(model, tmp_path, name):
    (tmp_path / name).write_bytes(model.read_bytes())
    assert backend_for(tmp_path / name, None)[0] == "litert"
    assert backend_for(tmp_path / name, "litert")[0] == "litert"


def test_an_unknown_back_end_is_refused_with_the_nearest(model):
    with pytest.raises(UnknownNameError, match="no backend is called 'litetr'; did you mean 'litert'"):
        backend_for(model, "litetr")


def test_a_file_that_no_back_end_opens_is_refused(tmp_path):
    with pytest.raises(InputError, match="no back end opens .*model.pt by default: .*name a back end: edgetpu, litert"):
        backend_for(tmp_path / "model.pt", None)


def test_a_back_end_for_other_files_is_refused(model):
    with pytest.raises(InputError, match="onnx_runtime opens only .onnx files"):
        backend_for(model, "onnx_runtime")


def test_a_back_end_that_is_not_installed_says_what_to_install(model):
    _name, backend = backend_for(model, "tflite_runtime")
    with pytest.raises(MissingToolError, match="pip install tflite-runtime"):
        backend.open(model, Settings(), None)


@pytest.mark.parametrize(("name", "kind"), [("litert", "float32"), ("null", "float32")])
def test_a_session_runs_on_any_back_end(model, name, kind):
    contract = tiny_contract()
    runner = backend_for(model, name)[1].open(model, Settings(), contract)
    session = Session(Artifact(model, contract), runner=runner)
    found = session.run(np.zeros((20, 20, 3), np.uint8))
    assert found.boxes.dtype == np.dtype(kind)


def test_xnnpack_can_be_turned_off(model):
    backend = backend_for(model, "litert")[1]
    assert backend.open(model, Settings(xnnpack=False), None).placements == ()


@pytest.mark.data
def test_the_operators_that_xnnpack_took_of_a_real_detector_are_counted(shared_data):
    model = shared_data / "models" / "ssdlite_mobilenet_v2_quant_edgetpu_pair" / "detect.tflite"
    (placement,) = backend_for(model, "litert")[1].open(model, Settings(), None).placements
    assert placement.delegate == "XNNPACK"
    assert (placement.taken, placement.operators, placement.partitions) == (112, 115, 2)


@pytest.mark.parametrize("text", ["", ",device=usb", "edgetpu,device", "edgetpu,=usb", "edgetpu,device="])
def test_a_delegate_that_is_misspelt_is_refused(text):
    with pytest.raises(InputError, match="want NAME or LIBRARY, then options"):
        parse_delegate(text)


def test_a_delegates_options_are_read():
    assert parse_delegate("/x/libgpu.so,precision=fp16,wait=1") == ("/x/libgpu.so", {"precision": "fp16", "wait": "1"})


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of the interpreter's Delegate
def test_a_delegate_that_is_not_there_is_missing(model):
    with pytest.raises(MissingToolError, match="/nowhere/libgpu.so is not a delegate library"):
        backend_for(model, "litert")[1].open(model, Settings(delegates=("/nowhere/libgpu.so",)), None)


@pytest.fixture(scope="module")
def idle_delegate(tmp_path_factory):
    """A library that is a delegate, loads, and takes no operator."""
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("delegate")
    (folder / "idle.c").write_text(IDLE_DELEGATE)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "idle.so", folder / "idle.c"], check=True)
    return folder / "idle.so"


def test_a_delegate_that_takes_nothing_makes_the_run_invalid(model, idle_delegate):
    setup = Setup(
        model, tiny_contract(), "litert", Settings(delegates=(str(idle_delegate),)), "single-stream", "small", SMALL
    )
    reasons = measure_model(setup).reasons
    assert f"fall back: {idle_delegate} took none of the model's operators; the CPU ran them" in reasons


def test_the_edge_tpu_back_end_never_runs_on_the_cpu(model):
    setup = Setup(model, tiny_contract(), "edgetpu", Settings(), "single-stream", "small", SMALL)
    with pytest.raises((MissingToolError, DeviceError), match="libedgetpu"):
        measure_model(setup)


def test_xnnpack_beside_a_delegate_is_refused_for_nobody_could_tell_them_apart():
    with pytest.raises(InputError, match="--xnnpack and --delegate cannot be combined: the report could not say which"):
        Settings(xnnpack=True, delegates=("libgpu.so",))


def test_more_threads_than_any_board_has_are_refused():
    with pytest.raises(InputError, match="257 threads: want 1 to 256"):
        Settings(threads=257)
    assert replace(Settings(), threads=2).threads == 2
