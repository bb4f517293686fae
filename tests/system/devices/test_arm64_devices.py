"""The same on a phone and on a board: deploy, detect, measure. Real daemons, real arm64 LiteRT."""

import json
import threading

import numpy as np
import pytest
from builders.waiting import PATIENCE_S

from detlite.accuracy.detect import detect
from detlite.devices.deploy.deploy import deploy
from detlite.devices.deploy.device_lock import hold
from detlite.devices.deploy.files import device_file
from detlite.devices.deploy.job import job_lines
from detlite.devices.remote.detect import detect_on
from detlite.devices.remote.fleet import on_each
from detlite.devices.transport.connect import connect
from detlite.devices.transport.run import get, run
from detlite.runtime.artifact import read_artifact

pytestmark = [pytest.mark.slow, pytest.mark.data]


@pytest.fixture(scope="session")
def ssdlite(shared_data, tmp_path_factory, detlite_in):
    """The real int8 SSDLite with its post-processing op: the folder of the artifact."""
    folder = tmp_path_factory.mktemp("ssdlite")
    model = shared_data / "models" / "ssdlite_mobilenet_v2_coco"
    ask = detlite_in(folder)
    labels = ("--labels", model / "mscoco_label_map.pbtxt")
    for arguments in (
        ("convert", model / "frozen_inference_graph_no_nms.pb", *labels, "-o", "float"),
        ("quantize", "float", "-o", "int8", "--images", shared_data / "coco/train/images", "--count", 16),
        ("postprocess", "int8", "--add", "-o", "app"),
    ):
        ran = ask(*arguments)
        assert ran.status == 0, ran.err
    return folder / "app"


@pytest.fixture(scope="session")
def photos(shared_data):
    return sorted((shared_data / "coco/val/images").iterdir())[:8]


def test_int8_detections_are_those_of_the_host_bit_by_bit(ssdlite, photos, emulated, inventory):
    (device,) = inventory(emulated)
    artifact = read_artifact(ssdlite)
    here, there = detect(artifact, photos), detect_on(device, artifact, photos)
    for name in ("boxes", "classes", "scores", "image_index", "sizes"):
        assert np.array_equal(getattr(here, name), getattr(there, name)), name
    assert len(here.scores) == 800
    assert emulated.jobs() == []


def test_measure_says_emulated_on_every_line(ssdlite, emulated, inventory, detlite, tmp_path):
    inventory(emulated)
    name = f"{emulated.kind}0"
    few = ("--queries", 2, "--processes", 1, "--min-seconds", 0)
    ran = detlite("measure", ssdlite, "--device", name, *few, "-o", tmp_path / "run")
    assert ran.status == 0, ran.err
    assert all(line.startswith("emulated: ") for line in ran.out.splitlines())
    record = json.loads((tmp_path / "run" / "measurement.json").read_text())
    assert record["emulated"] is True
    assert record["validity"].startswith("INVALID because the device is emulated")
    assert record["device"]["machine"] == "aarch64"
    assert len((tmp_path / "run" / "process-1" / "samples.tsv").read_text().splitlines()) > 2


def test_a_second_deployment_moves_no_bytes(ssdlite, emulated, inventory):
    (device,) = inventory(emulated)
    model = device_file(ssdlite / "model.tflite")
    with connect(device) as transport, hold(transport, device.folder, "test") as held:
        deploy(held, [model])
        again = deploy(held, [model])
        assert (again.moved_bytes, again.replaced, again.machine) == (0, (), "aarch64")
        assert get(transport, again.paths[model.path], timeout_s=60) == model.path.read_bytes()


def test_an_emulated_device_is_recognized_without_being_told(emulated, inventory, tmp_path):
    (device,) = inventory(emulated)
    (tmp_path / "x").write_text("x")
    with connect(device) as transport, hold(transport, device.folder, "test") as held:
        assert deploy(held, [device_file(tmp_path / "x")]).emulator == "qemu-user"


def test_arguments_and_bytes_pass_the_far_shell_as_they_are(emulated, inventory):
    (device,) = inventory(emulated)
    with connect(device) as transport:
        done = run(transport, ["printf", "%s|", "a b", "$HOME", "'", '"; exit 3', "*"], timeout_s=20)
        assert done.out == b"a b|$HOME|'|\"; exit 3|*|"
        assert run(transport, ["cat"], timeout_s=20, stdin=bytes(range(256)) * 300).out == bytes(range(256)) * 300


def test_devices_wait_side_by_side(both, start_device, inventory):
    devices = inventory(*both.values(), start_device("board"), start_device("phone"))
    together = threading.Barrier(len(devices), timeout=PATIENCE_S)

    def job(device) -> list[bytes]:
        lines: list[bytes] = []
        with connect(device) as transport, hold(transport, device.folder, "test") as held:
            for line in job_lines(held, ["sh", "-c", "echo on; sleep 1; echo off"], timeout_s=2 * PATIENCE_S):
                if not lines:
                    together.wait()  # until all devices have come so far
                lines.append(line)
        return lines

    assert on_each(devices, job) == [[b"on\n", b"off\n"]] * len(devices)
