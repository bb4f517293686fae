"""The shell programs that run on a device, as text."""

from __future__ import annotations

from pathlib import Path

from detlite.devices.transport.run import shell_script

HERE = Path(__file__).parent


def script(name: str) -> str:
    """Return the shell program *name*, preceded by the functions that it may use."""
    return shell_script(HERE / "processes.sh") + "\n" + shell_script(HERE / f"{name}.sh")
