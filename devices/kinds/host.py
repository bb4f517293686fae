"""This machine, measured directly."""

from dataclasses import replace

from detlite.devices.kinds.generic_linux import PLUGIN as LINUX

PLUGIN = replace(
    LINUX,
    title="this machine",
    rank=99,
    recognize=lambda _answers: None,  # it is never searched for
    cautions=("other programs share the machine with the measurement: close them",),
)
