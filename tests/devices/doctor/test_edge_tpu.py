"""The doctor on Edge TPUs and their libraries, each finding provoked; with the line that cures it."""

from builders.examined import COMPILED, TFLITE, altered, found, of
from builders.scripted_device import EDGETPU, coral, dev_board, entry, linux

from detlite.devices.doctor.finding import CAUTION, SPOILS


def test_no_right_to_the_edge_tpu_is_cured_by_a_udev_rule(tmp_path):
    rows = altered(coral(tmp_path), entry("coral_usb"), "edgetpu", "usb 2-1 ready 5000 refused /dev/bus/usb/002/003\n")
    text, cure = of(rows, "edgetpu_access", SPOILS)
    assert text == "usb 2-1: no permission to write to /dev/bus/usb/002/003"
    assert 'ATTRS{idVendor}=="%s"' in cure
    assert "usermod -aG plugdev" in cure


def test_usb_2_spoils(tmp_path):
    made = coral(tmp_path)
    made.usb(speed=480)
    text, cure = of(found(made, entry("coral_usb")), "edgetpu_access", SPOILS)
    assert text.startswith("usb 2-1 runs at 480 Mbit/s (USB 2)")
    assert "USB 3 port" in cure


def test_an_edge_tpu_without_its_file_in_dev_spoils(tmp_path):
    made = linux(tmp_path)
    made.usb(mode=None)
    assert "there is no /dev/bus/usb/002/003" in of(found(made, entry("coral_usb")), "edgetpu_access", SPOILS)[0]


def test_no_edge_tpu_spoils_where_one_is_wanted(tmp_path):
    made = linux(tmp_path)
    assert "no Edge TPU was found" in of(found(made, entry("coral_usb")), "edgetpu_access", SPOILS)[0]
    assert "no Edge TPU was found" in of(found(made, entry("generic_linux"), COMPILED), "edgetpu_access", SPOILS)[0]


def test_an_edge_tpu_on_pcie_without_its_driver_spoils(tmp_path):
    made = linux(tmp_path)
    made.files(
        {
            f"/sys/bus/pci/devices/0000:01:00.0/{name}": text
            for name, text in {"vendor": "0x1ac1", "device": "0x089a"}.items()
        }
    )
    text, cure = of(found(made, entry("coral_dev_board")), "edgetpu_access", SPOILS)
    assert text == "pci 0000:01:00.0: there is no /dev/apex_0"
    assert "modprobe apex" in cure


def test_a_missing_library_of_the_edge_tpu_spoils(tmp_path):
    made = coral(tmp_path)
    made.python()
    text, _cure = of(found(made, entry("coral_usb")), "edgetpu_runtime", SPOILS)
    assert text.startswith("libedgetpu.so.1 cannot be loaded")


def test_a_model_compiled_for_a_newer_runtime_spoils(tmp_path):
    made = coral(tmp_path)
    made.python(libedgetpu={"version": EDGETPU["version"].replace("14", "13")})
    text, cure = of(found(made, entry("coral_usb"), COMPILED), "edgetpu_runtime", SPOILS)
    assert text == "the model was compiled for the Edge TPU runtime 14, and the installed one is 13"
    assert cure == "update libedgetpu, or compile with --min-runtime 13"


def test_googles_own_library_does_not_fit_a_new_interpreter(tmp_path):
    made = coral(tmp_path)
    made.says("dpkg-query", "libedgetpu1-max=16.0\n")
    text, _cure = of(found(made, entry("coral_usb")), "edgetpu_runtime", SPOILS)
    assert (
        text
        == "Google's libedgetpu 16.0 requires tflite-runtime 2.5 to 2.11, and the interpreter is ai-edge-litert 2.1.0"
    )


def test_googles_own_library_fits_an_old_interpreter(tmp_path):
    made = dev_board(tmp_path)
    made.says("dpkg-query", "libedgetpu1-std=16.0\n")
    old = {"numpy": "1.18.0", "tflite-runtime": "2.5.0"}
    made.python(libedgetpu=EDGETPU, modules=["numpy", "tflite_runtime"], versions=old)
    assert [row for row in found(made, entry("coral_dev_board"), COMPILED) if row[1] == SPOILS] == []


def test_a_model_that_is_not_compiled_is_told_on_a_coral(tmp_path):
    text, cure = of(found(coral(tmp_path), entry("coral_usb"), TFLITE), "edgetpu_runtime", CAUTION)
    assert text == "model.tflite is not compiled for the Edge TPU: all of it would run on the CPU"
    assert cure == "detlite compile out --target edgetpu -o edgetpu"
