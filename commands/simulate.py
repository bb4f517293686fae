"""`detlite devices simulate`: simulated devices, to test pipelines without hardware."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import NoReturn

import click

from detlite.commands.completion import names_of
from detlite.commands.console import notice, say
from detlite.devices.inventory import ENVIRONMENT
from detlite.devices.simulated.power import Running, simulated
from detlite.devices.simulated.simulator import Simulator, simulator_called, simulator_names
from detlite.runtime.errors import InputError, MissingToolError, unknown_name


def fault_names() -> list[str]:
    """Return the names of the faults of all simulated devices."""
    return sorted({fault for name in simulator_names() for fault in simulator_called(name).all_faults()})


@click.command("simulate")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="KIND... [-- COMMAND...]")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    shell_complete=names_of(fault_names),
    help="Fault of the simulated devices; `--fault list` lists all. Repeatable.",
)
@click.option(
    "-o", "--output", "out", type=click.Path(path_type=Path), help="Inventory file to write; it is removed at the end."
)
def command(words: tuple[str, ...], faults: tuple[str, ...], out: Path | None) -> int:
    """Simulate devices of the KINDs pixel, coral, jetson, without hardware and without root.

    \b
    detlite devices simulate jetson -- detlite doctor --device simulated-jetson
    detlite devices simulate pixel coral jetson -- pytest tests/deploy
    detlite devices simulate pixel --fault vanishes -- ./deploy.sh
    detlite devices simulate jetson -o lab.toml &

    What they report is scripted, and their programs run on this machine: a pipeline's deployment, locks,
    faults and exit statuses are tested for real, its times and delegates are not. Every number is marked
    "simulated", and no measurement is VALID. With a COMMAND the devices exist while it runs, and DETLITE_DEVICES names
    their inventory; without one, until Ctrl-C.
    """
    names = tuple(takewhile(lambda word: word in simulator_names(), words))
    program = words[len(names) :]
    if faults == ("list",):
        return _list_faults(names)
    if not words:
        raise InputError(f"give the devices to simulate: {', '.join(simulator_names())}")
    if not names:
        raise unknown_name("simulated device", words[0], simulator_names())
    chosen = _chosen(names, faults)
    try:
        with ExitStack() as on:
            running = [on.enter_context(simulated(name, chosen[name])) for name in names]
            path = on.enter_context(_inventory(_tables(names, running), out))
            return _run(program, path) if program else _wait(path)
    except KeyboardInterrupt:
        if program:
            raise
        notice("switched off")
        return 0


def _list_faults(names: tuple[str, ...]) -> int:
    for name in names or simulator_names():
        for fault, what in simulator_called(name).all_faults().items():
            say(f"{name}  {fault}: {what.title}")
    return 0


def _chosen(names: tuple[str, ...], faults: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return the faults of each device: those of *faults* that its kind can have; each must fit a device."""
    known = {name: simulator_called(name).all_faults() for name in names}
    for fault in faults:
        if not any(fault in of_one for of_one in known.values()):
            raise unknown_name("fault", fault, {one for of_one in known.values() for one in of_one})
    return {name: tuple(fault for fault in faults if fault in of_one) for name, of_one in known.items()}


def _tables(names: tuple[str, ...], running: list[Running]) -> str:
    """Return the inventory; a second device of a kind has a number in its name."""
    tables = []
    for place, (name, one) in enumerate(zip(names, running, strict=True)):
        count = names[: place + 1].count(name)
        title = f"simulated-{name}" + (f"-{count}" if count > 1 else "")
        simulator: Simulator = simulator_called(name)
        settings = {"kind": simulator.kind, "simulated": str(one.folder.path), **simulator.settings}
        lines = [f"[{title}]  # {simulator.title}, simulated", *(f'{key} = "{text}"' for key, text in settings.items())]
        tables.append("\n".join(lines) + "\n")
    return "\n".join(tables)


@contextmanager
def _inventory(text: str, out: Path | None) -> Iterator[Path]:
    """Write the inventory to *out*, or to a temporary file, once the devices are ready; remove it at the end."""
    with tempfile.TemporaryDirectory(prefix="detlite-") as scratch:
        path = Path(scratch) / "devices.toml" if out is None else out.absolute()
        if path.exists():
            raise InputError(f"{path} already exists: name another file")
        _write(path, text)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)  # a reader that waits for the file finds all of it
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise InputError(f"{path} cannot be written: {error.strerror}; give another file") from error


def _run(program: tuple[str, ...], inventory: Path) -> int:
    try:
        status = subprocess.call(program, env={**os.environ, ENVIRONMENT: str(inventory)})
    except OSError as error:
        raise MissingToolError(f"{program[0]} cannot be run: {error.strerror}") from error
    return status if status >= 0 else 128 - status


def _wait(inventory: Path) -> NoReturn:
    say(f"{inventory.read_text(encoding='utf-8')}\nexport {ENVIRONMENT}={inventory}")
    notice("the simulated devices run until Ctrl-C")
    while True:
        signal.pause()
