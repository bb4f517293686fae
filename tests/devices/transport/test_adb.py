"""The state of an Android device, as a stand-in for `adb` reports it from call to call."""

import os

import pytest

from detlite.devices.transport import adb
from detlite.runtime.errors import DeviceError

ADB = """\
#!/bin/sh
# prints the next of the states in the file beside it; the last one stays
states=$(dirname "$0")/states
[ "$1" = devices ] || exit 0
printf 'List of devices attached\\n%s\\t%s\\n' 10.0.0.2:5555 "$(head -n 1 "$states")"
[ "$(wc -l <"$states")" -eq 1 ] || sed -i 1d "$states"
"""


@pytest.fixture
def states(tmp_path, monkeypatch):
    """Makes adb report these states, one a call."""
    program = tmp_path / "adb"
    program.write_text(ADB)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return lambda *said: (tmp_path / "states").write_text("".join(f"{state}\n" for state in said))


def test_a_network_device_is_waited_for_while_it_connects(states):
    states("offline", "connecting", "offline", "device")
    assert adb.open_adb("pixel", "10.0.0.2:5555").serial == "10.0.0.2:5555"


def test_a_network_device_that_stays_offline_is_refused(states, monkeypatch):
    monkeypatch.setattr(adb, "SETTLE_S", 0.2)
    states("offline")
    with pytest.raises(DeviceError, match=r"pixel \(10.0.0.2:5555\) is offline: it is attached but does not answer"):
        adb.open_adb("pixel", "10.0.0.2:5555")


def test_a_network_device_that_is_unauthorized_is_refused_at_once(states):
    states("unauthorized", "unauthorized", "unauthorized", "device")  # two to open it, one for the error
    with pytest.raises(DeviceError, match="accept this computer's key in its dialog"):
        adb.open_adb("pixel", "10.0.0.2:5555")
