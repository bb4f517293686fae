"""Real daemons and real arm64 programs: see `emulated`. They want root, namespaces and some Debian packages."""

import os
import shutil
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from builders.arm64_root import build
from builders.emulated import Emulated

PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "adb": "adb",
    "/usr/sbin/sshd": "openssh-server",
    "ssh": "openssh-client",
    "ip": "iproute2",
    "unshare": "util-linux",
}


def why_not() -> str | None:
    if os.geteuid() != 0:
        return "needs root, for namespaces and mounts"
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if missing:
        return f"needs the Debian packages {' '.join(missing)}"
    tried = subprocess.run(["unshare", "--user", "--net", "--mount", "true"], capture_output=True, text=True)
    return None if tried.returncode == 0 else f"needs namespaces: {tried.stderr.strip()}"


@pytest.fixture(scope="session")
def arm64(tmp_path_factory):
    """The arm64 root file system; DETLITE_TEST_ARM64 names a folder that keeps it for the next time."""
    reason = why_not()
    if reason is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}, and CI must have them")
        pytest.skip(reason)
    kept = os.environ.get("DETLITE_TEST_ARM64")
    return build(Path(kept) if kept else tmp_path_factory.mktemp("arm64"))


@pytest.fixture(scope="session")
def adb_server(tmp_path_factory):
    """A server of adb's own, apart from the user's, which looks for no emulators."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "ANDROID_ADB_SERVER_PORT": str(port),
        "HOME": str(tmp_path_factory.mktemp("home")),
        "ADB_LOCAL_TRANSPORT_MAX_PORT": "5553",
    }
    before = {key: os.environ.get(key) for key in settings}
    os.environ.update(settings)
    yield
    subprocess.run(["adb", "kill-server"], capture_output=True)
    for key, value in before.items():
        if value is None:
            os.environ.pop(key)
        else:
            os.environ[key] = value


@pytest.fixture(scope="session")
def start_device(arm64, adb_server):
    """Starts a device of a kind, which runs until the session ends."""
    with ExitStack() as stack:

        def start(kind: str, **options) -> Emulated:
            # not in pytest's own folder: that is closed to the device's users, again and again
            scratch = Path(stack.enter_context(TemporaryDirectory(prefix="detlite-", ignore_cleanup_errors=True)))
            scratch.chmod(0o755)
            device = Emulated(kind, arm64, scratch / "it", **options)
            stack.callback(device.stop)
            device.start()
            return device

        yield start


@pytest.fixture(scope="session")
def both(start_device):
    """A phone and a board, by kind, for tests that leave them whole."""
    return {kind: start_device(kind) for kind in ("phone", "board")}


@pytest.fixture(params=["phone", "board"])
def emulated(request, both):
    return both[request.param]


@pytest.fixture
def inventory(tmp_path, monkeypatch):
    """Writes the inventory of some emulated devices, makes it the user's, and returns the devices in it."""

    path = tmp_path / "devices.toml"
    monkeypatch.setenv("DETLITE_DEVICES", str(path))
    monkeypatch.setenv("DETLITE_CACHE", str(tmp_path / "cache"))

    def write(*devices: Emulated, more: str = ""):
        from detlite.devices.inventory import read_inventory

        names = [f"{device.kind}{number}" for number, device in enumerate(devices)]
        path.write_text("".join(device.inventory(name) for name, device in zip(names, devices, strict=True)) + more)
        known = read_inventory(path)
        return [known.device(name) for name in names]

    return write
