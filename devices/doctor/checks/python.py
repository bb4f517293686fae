"""Whether the device has a Python that can run the board's program."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.devices.doctor.finding import Check, Finding, Subject, caution, spoils

OLDEST = (3, 9)
WIDE = ("aarch64", "arm64", "x86_64")


def _find(subject: Subject) -> Iterator[Finding]:
    device, python = subject.device, subject.python
    where = f"set `python` of [{device.name}] in the inventory to a Python 3.9 or newer with numpy and an interpreter"
    if python is None and subject.is_android and device.benchmark_model:
        yield caution("it has no Python: accuracy cannot be measured on it", f"Termux has one: {where}")
        return
    if python is None:
        way = " (Termux has one), or give --benchmark-model" if subject.is_android else ""
        yield spoils(f"{device.python} does not run on it", where + way)
        return
    if tuple(map(int, python["python"].split(".")[:2])) < OLDEST:
        yield spoils(f"its Python is {python['python']}, and detlite needs 3.9 or newer", where)
    machine = subject.answers.said("uname -m")
    if python["bits"] == 32 and machine in WIDE:
        yield spoils(f"its Python is 32-bit on an {machine} kernel: no interpreter supports that", where)
    if not subject.has_module("numpy"):
        yield spoils("its Python has no numpy", f"{device.python} -m pip install numpy")


PLUGIN = Check("its Python", _find, ("python {python}",))
