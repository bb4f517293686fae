"""This machine: measured without a way between."""

from dataclasses import replace

from detlite.devices.kinds.generic_linux import PLUGIN as LINUX

PLUGIN = replace(
    LINUX,
    title="this machine",
    rank=99,
    recognize=lambda _answers: None,  # it is known, and never found
    cautions=("other programs run beside the measurement: close them",),
)
