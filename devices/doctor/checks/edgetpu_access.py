"""Whether the Edge TPU is present, may be opened, and has a fast connection."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.devices.doctor.finding import Check, Finding, Subject, caution, spoils
from detlite.devices.survey.edgetpu import QUESTIONS, EdgeTpu, edgetpus
from detlite.runtime.runners.edgetpu_diagnosis import USB3_MBITS

UDEV = (
    """printf 'SUBSYSTEM=="usb", ATTRS{idVendor}=="%s", GROUP="plugdev"\\n' 1a6e 18d1 """
    "| sudo tee /etc/udev/rules.d/99-edgetpu-accelerator.rules; sudo udevadm control --reload; "
    "sudo usermod -aG plugdev $USER; then replug it and log in again"
)


def _find(subject: Subject) -> Iterator[Finding]:
    found = edgetpus(subject.answers)
    is_wanted = subject.has_edgetpu or (subject.model is not None and subject.model.edgetpu_runtime is not None)
    if not found and is_wanted:
        yield spoils(
            "no Edge TPU was found, neither on USB (1a6e:089a, 18d1:9302) nor on PCIe (1ac1:089a)",
            "plug it in with a data cable, or pass /dev/bus/usb or /dev/apex_0 to the container",
        )
    for one in found:
        yield from _of_usb(one) if one.bus == "usb" else _of_pci(one)


def _of_usb(one: EdgeTpu) -> Iterator[Finding]:
    if one.access == "refused":
        yield spoils(f"usb {one.place}: no permission to write to {one.node}", UDEV)
    elif one.access == "missing":
        yield spoils(f"usb {one.place}: there is no {one.node}", "pass all of /dev/bus/usb to the container")
    if one.speed_mbits is not None and one.speed_mbits < USB3_MBITS:
        yield spoils(
            f"usb {one.place} runs at {one.speed_mbits:g} Mbit/s (USB 2): weights and images transfer ten times slower",
            "plug it into a USB 3 port (blue), with its own cable and no hub",
        )
    if not one.is_ready:
        yield caution(
            f"usb {one.place}: its firmware is not loaded yet; its USB id changes at first use",
            "nothing is wrong: the first model takes some seconds longer to start",
        )


def _of_pci(one: EdgeTpu) -> Iterator[Finding]:
    if not one.node:
        yield spoils(
            f"pci {one.place}: there is no /dev/apex_0",
            "sudo apt-get install gasket-dkms; sudo modprobe apex",
        )
    elif one.access != "writable":
        yield spoils(f"no permission to write to {one.node}", "sudo usermod -aG apex $USER; then log in again")


PLUGIN = Check("the Edge TPU and its connection", _find, QUESTIONS)
