"""Whether the Edge TPU is there, may be opened, and has a fast way."""

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
            "no Edge TPU is seen, neither on USB (1a6e:089a, 18d1:9302) nor on PCIe (1ac1:089a)",
            "plug it in by a cable that carries data, or pass /dev/bus/usb or /dev/apex_0 on to the container",
        )
    for one in found:
        yield from _of_usb(one) if one.bus == "usb" else _of_pci(one)


def _of_usb(one: EdgeTpu) -> Iterator[Finding]:
    if one.access == "refused":
        yield spoils(f"usb {one.place}: no right to write to {one.node}", UDEV)
    elif one.access == "missing":
        yield spoils(f"usb {one.place}: there is no {one.node}", "pass the whole of /dev/bus/usb on to the container")
    if one.speed_mbits is not None and one.speed_mbits < USB3_MBITS:
        yield spoils(
            f"usb {one.place} runs at {one.speed_mbits:g} Mbit/s (USB 2): weights and images pass ten times as slowly",
            "plug it into a USB 3 port (blue), with the cable that came with it and no hub between",
        )
    if not one.is_ready:
        yield caution(
            f"usb {one.place}: its firmware is not loaded yet; it gets another number at the first use",
            "nothing is wrong: the first start of a model takes some seconds longer",
        )


def _of_pci(one: EdgeTpu) -> Iterator[Finding]:
    if not one.node:
        yield spoils(
            f"pci {one.place}: there is no /dev/apex_0",
            "sudo apt-get install gasket-dkms; sudo modprobe apex",
        )
    elif one.access != "writable":
        yield spoils(f"no right to write to {one.node}", "sudo usermod -aG apex $USER; then log in again")


PLUGIN = Check("the Edge TPU and the way to it", _find, QUESTIONS)
