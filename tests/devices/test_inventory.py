"""The user's inventory: what is understood, and that nothing else is."""

from pathlib import Path

import pytest

from detlite.devices.inventory import Device, read_inventory
from detlite.runtime.errors import InputError


@pytest.fixture
def read(tmp_path, monkeypatch):
    monkeypatch.delenv("DETLITE_DEVICES", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def reader(text: str):
        (tmp_path / "lab.toml").write_text(text)
        return read_inventory(tmp_path / "lab.toml")

    return reader


def test_without_an_inventory_there_is_this_machine_alone(read):
    assert list(read_inventory().devices) == ["host"]


def test_a_file_that_was_named_must_be_there(read, tmp_path):
    with pytest.raises(InputError, match="none.toml cannot be read as an inventory: No such file"):
        read_inventory(tmp_path / "none.toml")


def test_a_file_named_by_the_environment_must_be_there(read, tmp_path, monkeypatch):
    monkeypatch.setenv("DETLITE_DEVICES", str(tmp_path / "none.toml"))
    with pytest.raises(InputError, match="none.toml cannot be read"):
        read_inventory()


def test_every_setting_is_taken(read):
    text = """
    [orin]
    kind = "jetson"
    address = "orin.lan"
    user = "nvidia"
    port = 2222
    ssh_config = "lab.conf"
    python = "/opt/venv/bin/python3"
    work = "/var/tmp/detlite"
    power_mode = "MAXN"
    emulated = true
    """
    assert read(text).device("orin") == Device(
        "orin",
        "jetson",
        "orin.lan",
        None,
        "nvidia",
        2222,
        "lab.conf",
        "/opt/venv/bin/python3",
        "/var/tmp/detlite",
        "MAXN",
        True,
    )


@pytest.mark.parametrize(
    ("table", "way", "folder"),
    [
        ('kind = "jetson"\naddress = "orin"', "ssh", ".cache/detlite"),
        ('kind = "pixel"\nserial = "3A2B"', "adb", "/data/local/tmp/detlite"),
        ('kind = "pixel"', "adb", "/data/local/tmp/detlite"),
        ('kind = "coral_usb"\nwork = "/var/tmp/d"', "local", "/var/tmp/d"),
    ],
)
def test_the_way_to_a_device_follows_from_its_settings(read, table, way, folder):
    device = read(f"[it]\n{table}\n").device("it")
    assert (device.way, device.folder) == (way, folder)


def test_an_unknown_name_is_answered_with_the_nearest(read):
    with pytest.raises(InputError, match="no device is called 'orrin'; did you mean 'orin'?"):
        read('[orin]\nkind = "jetson"\naddress = "a"\n').device("orrin")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a", "is not TOML"),
        ("[a]\nport = " + "9" * 5000, "is not TOML: it holds an integer that does not fit in 64 bits"),
        ("a = 1", "expected a table, \\[a\\], got int"),
        ('["a b"]\nkind = "pixel"', "expected a name of letters"),
        ('[a]\naddress = "b"', "has no kind"),
        ('[a]\nkind = "pixel"\nserail = "1"', "no setting of a device is called 'serail'; did you mean 'serial'?"),
        ('[a]\nkind = "jetson"\naddress = 5', "address is 5; want a text"),
        ('[a]\nkind = "jetson"\naddress = "b"\nport = true', "port is True; want int"),
        ('[a]\nkind = "jetson"\naddress = "b"\nport = 70000', "port 70000: expected 1 to 65535"),
        ('[a]\nkind = "jetson"\naddress = "-oProxyCommand=x"', "is not a host name"),
        ('[a]\nkind = "jetson"\naddress = "b"\nserial = "c"', "keep one of them"),
        ('[a]\nkind = "pixel"\nuser = "b"', "has ssh settings but no address"),
        ('[a]\nkind = "jetson"\naddress = "b"\nwork = "/x/../.."', "without '..'"),
        ('[a]\nkind = "jetson"\naddress = "b"\nwork = "/x; rm -rf"', "expected a path of letters"),
        ('[a]\nkind = "jetson"\naddress = ""', "want a text of printable characters"),
    ],
)
def test_what_is_not_understood_is_one_clear_error(read, text, said):
    with pytest.raises(InputError, match=said):
        read(text)


def test_an_inventory_without_an_end_is_refused():
    with pytest.raises(InputError, match="/dev/zero has over .* bytes: it is not an inventory"):
        read_inventory(Path("/dev/zero"))
