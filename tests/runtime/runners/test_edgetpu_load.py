"""Loading the Edge TPU's delegate where there is no Edge TPU: every failure has its cause and its cure."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from detlite.runtime.errors import DeviceError, InputError, MissingToolError
from detlite.runtime.runners.edgetpu import explained, load_edgetpu, probe_edgetpu
from detlite.runtime.runners.edgetpu_diagnosis import diagnose
from detlite.runtime.runners.interpreter import open_interpreter

NOTHING = """
#include <stddef.h>
void* tflite_plugin_create_delegate(char** k, char** v, size_t n, void (*report)(const char*)) { return NULL; }
void tflite_plugin_destroy_delegate(void* d) {}
"""
CRASH = NOTHING.replace("return NULL;", "return *(void**)8;")
OTHER = "int nothing(void) { return 0; }"


def library(tmp_path: Path, code: str) -> str:
    """A shared library made of *code*, which stands in for libedgetpu."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    source, made = tmp_path / "stub.c", tmp_path / "libstub.so"
    source.write_text(code)
    subprocess.run([compiler, "-shared", "-fPIC", "-w", "-o", str(made), str(source)], check=True)
    return str(made)


@pytest.fixture
def compiled(shared_data: Path) -> Path:
    return shared_data / "edgetpu" / "models" / "bright-4fc7ddb8_edgetpu.tflite"


@pytest.mark.data
def test_a_compiled_model_without_the_delegate_says_what_it_is(compiled):
    with pytest.raises(InputError, match="is compiled for the Edge TPU: run it there, or run the int8 model"):
        open_interpreter(compiled)


@pytest.mark.data
def test_a_missing_library_is_said_to_be_missing(compiled):
    with pytest.raises(MissingToolError, match=r"libno-such.so cannot be loaded .*: install an Edge TPU runtime"):
        probe_edgetpu(compiled, library="libno-such.so")


@pytest.mark.data
def test_a_library_that_is_no_delegate_is_named(compiled, tmp_path):
    with pytest.raises(MissingToolError, match="is not a delegate library"):
        probe_edgetpu(compiled, library=library(tmp_path, OTHER))


@pytest.mark.data
def test_a_library_that_opens_nothing_is_followed_by_a_diagnosis(compiled, tmp_path):
    with pytest.raises(DeviceError, match=r"libstub.so cannot open an Edge TPU 'usb:1': "):
        probe_edgetpu(compiled, device="usb:1", library=library(tmp_path, NOTHING))


@pytest.mark.data
def test_a_crash_is_explained_as_a_library_that_does_not_fit(compiled, tmp_path):
    with pytest.raises(
        DeviceError, match=r"died of SIGSEGV .*: most likely .*libstub.so does not match the interpreter"
    ):
        probe_edgetpu(compiled, library=library(tmp_path, CRASH))


@pytest.mark.parametrize("device", ["tpu", "usb:", "pci:x", "usb:1;", "0"])
def test_a_device_that_libedgetpu_does_not_know_is_refused(device):
    with pytest.raises(InputError, match="want '', ':N', 'usb'"):
        load_edgetpu(device)


@pytest.mark.parametrize(
    ("said", "kind", "meant"),
    [
        (
            "Package requires runtime version (14), which is newer than this runtime version (13).",
            MissingToolError,
            "requires Edge TPU runtime 14, but this machine has 13: update it, or compile the model with `detlite "
            "compile --min-runtime 13`",
        ),
        ("Encountered unresolved custom op: edgetpu-custom-op.", MissingToolError, "the interpreter does not see it"),
        ("Failed to prepare a custom op.", InputError, "compile it again"),
    ],
)
def test_what_a_runtime_says_is_turned_into_what_to_do(said, kind, meant):
    error = explained(Path("m.tflite"), said)
    assert isinstance(error, kind)
    assert meant in str(error)


def machine(root: Path, *, ids=None, node=True, mode=0o666, speed="5000") -> Path:
    """A machine's /sys and /dev with one Edge TPU on USB."""
    if ids is not None:
        folder = root / "sys" / "bus" / "usb" / "devices" / "2-1"
        folder.mkdir(parents=True)
        for name, text in zip(
            ("idVendor", "idProduct", "busnum", "devnum", "speed"), (*ids, "2", "7", speed), strict=True
        ):
            (folder / name).write_text(f"{text}\n")
        if node:
            place = root / "dev" / "bus" / "usb" / "002"
            place.mkdir(parents=True)
            (place / "007").write_bytes(b"")
            (place / "007").chmod(mode)
    return root


def test_no_device_at_all_is_said(tmp_path):
    assert "sees no Edge TPU, neither on USB (1a6e:089a or 18d1:9302) nor on PCIe" in diagnose(tmp_path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ids": ("1a6e", "089a")}, "usb 2-1: plugged in, its firmware not loaded yet: normal before the first use"),
        ({"ids": ("18d1", "9302")}, "usb 2-1: ready and writable: another process holds it"),
        ({"ids": ("18d1", "9302"), "speed": "480"}, "(at 480 Mbit/s, USB 2: use a USB 3 port and cable)"),
        ({"ids": ("18d1", "9302"), "node": False}, "there is no /dev/bus/usb/002/007"),
    ],
)
def test_a_device_on_usb_is_diagnosed(tmp_path, options, said):
    assert said in diagnose(machine(tmp_path, **options))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_device_without_rights_wants_the_udev_rule(tmp_path):
    assert "install the udev rule" in diagnose(machine(tmp_path, ids=("18d1", "9302"), mode=0o444))


def test_another_usb_device_is_not_taken_for_one(tmp_path):
    assert "sees no Edge TPU" in diagnose(machine(tmp_path, ids=("18d1", "4ee7")))


def test_a_card_without_its_driver_is_diagnosed(tmp_path):
    folder = tmp_path / "sys" / "bus" / "pci" / "devices" / "0000:01:00.0"
    folder.mkdir(parents=True)
    (folder / "vendor").write_text("0x1ac1\n")
    (folder / "device").write_text("0x089a\n")
    assert "pci 0000:01:00.0: there is no /dev/apex_0: the gasket and apex drivers are missing" in diagnose(tmp_path)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "apex_0").write_bytes(b"")
    assert "/dev/apex_0: writable: another process holds it" in diagnose(tmp_path)
