"""Copying files to a device: only missing or outdated ones, each verified by its sha256 on the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from detlite.devices.deploy.device_lock import Hold
from detlite.devices.deploy.files import DeviceFile, check_architecture
from detlite.devices.deploy.scripts import script
from detlite.devices.transport.run import run_script
from detlite.runtime.errors import DeviceError, MissingToolError
from detlite.runtime.progress import Progress, silent

ROOM_KIB = 4096
"""Free space required on top of the files, for the job's output."""

CHECK_S = 120.0
SLOWEST_BYTES_S = 100_000  # a serial line or poor Wi-Fi; anything slower counts as a lost device


@dataclass(frozen=True)
class Deployed:
    """The files on the device after a deployment.

    Attributes:
        paths: each file's path on the device, by its path on this machine.
        machine: the device's `uname -m`.
        emulator: the emulator that the device runs in; "" if none was detected.
        moved_bytes: how much was sent; 0 if every file was up to date.
        replaced: files whose content on the device did not match their name, and were sent again.
    """

    paths: Mapping[Path, str]
    machine: str
    emulator: str
    moved_bytes: int
    replaced: tuple[Path, ...]


@dataclass(frozen=True)
class Survey:
    """What a device reports about itself, and which of the requested files are `have`, `replaced`, `not_executable`."""

    machine: str
    free_kib: int
    lacks: tuple[str, ...]
    emulator: str
    files: Mapping[str, frozenset[str]]


def deploy(held: Hold, files: Sequence[DeviceFile], *, progress: Progress = silent) -> Deployed:
    """Put *files* into the work folder of a held device.

    Raises:
        InputError: a program was built for another architecture.
        MissingToolError: the device lacks a program that every Linux has.
        DeviceError: there is too little space, a file arrives damaged, or the file system does not run programs.
    """
    name = held.transport.name
    unique = {file.name: file for file in files}
    survey = survey_device(held, tuple(unique.values()))
    if survey.lacks:
        raise MissingToolError(f"{name} lacks {', '.join(survey.lacks)}, which detlite needs on a device")
    for file in unique.values():
        check_architecture(file, survey.machine, name)
    _refuse_not_executable(held, survey.files["not_executable"])
    wanted = {key: file for key, file in unique.items() if key not in survey.files["have"]}
    moved = sum(file.size_bytes for file in wanted.values())
    if wanted:
        _check_room(held, survey.free_kib, moved)
        progress(f"{name}: KiB sent", 0, moved >> 10)
        folder = f"{held.lock}/incoming"
        paths = {key: file.path for key, file in wanted.items()}
        held.transport.put(paths, folder, timeout_s=30 + moved / SLOWEST_BYTES_S)
        _settle(held, wanted)
        progress(f"{name}: KiB sent", moved >> 10, moved >> 10)
    return Deployed(
        paths={file.path: f"{held.work}/files/{file.name}" for file in files},
        machine=survey.machine,
        emulator=survey.emulator,
        moved_bytes=moved,
        replaced=tuple(unique[key].path for key in sorted(survey.files["replaced"])),
    )


def survey_device(held: Hold, files: Sequence[DeviceFile] = ()) -> Survey:
    """Return what the device reports about itself and *files*."""
    lines = "".join(file.line for file in files)
    said = run_script(held.transport, script("survey"), [held.work], timeout_s=CHECK_S, stdin=lines)
    rows = [line.split(" ", 1) for line in said.splitlines() if " " in line]
    found = {
        word: frozenset(rest for key, rest in rows if key == word) for word in ("have", "replaced", "not_executable")
    }
    facts = {key: rest for key, rest in rows if key in ("machine", "free_kib")}
    if "machine" not in facts or not facts.get("free_kib", "").isdecimal():
        raise DeviceError(f"{held.transport.name} did not identify itself: {said[:200]!r}; is it Linux or Android?")
    lacks = tuple(rest for key, rest in rows if key == "lacks")
    emulator = next((rest for key, rest in rows if key == "emulated"), "")
    return Survey(facts["machine"], int(facts["free_kib"]), lacks, emulator, found)


def _check_room(held: Hold, free_kib: int, moved: int) -> None:
    needed_kib = moved // 1024 + ROOM_KIB
    if free_kib < needed_kib:
        raise DeviceError(
            f"{held.transport.name} has {free_kib} KiB free in {held.work}, and {needed_kib} KiB are needed: "
            f"`detlite devices clean {held.transport.name}` removes what earlier runs put there"
        )


def _settle(held: Hold, wanted: Mapping[str, DeviceFile]) -> None:
    """Verify each received file by its sha256 on the device, and rename it to its final name."""
    lines = "".join(file.line for file in wanted.values())
    said = run_script(held.transport, script("settle"), [held.work], timeout_s=CHECK_S, stdin=lines)
    rows = [line.split(" ", 1) for line in said.splitlines() if " " in line]
    damaged = [wanted[key].path for word, key in rows if word == "damaged" and key in wanted]
    if damaged:
        raise DeviceError(f"{held.transport.name}: {damaged[0]} arrived damaged; nothing of it was kept")
    _refuse_not_executable(held, frozenset(key for word, key in rows if word == "not_executable"))


def _refuse_not_executable(held: Hold, names: frozenset[str]) -> None:
    if names:
        raise DeviceError(
            f"{held.transport.name}: {held.work} is on a file system mounted noexec: set `work` in the "
            "inventory to a folder elsewhere"
        )
