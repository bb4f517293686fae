"""Boards over OpenSSH's programs, with the user's configuration, keys and known hosts; no host key is ever accepted.

All commands of one run share one connection (`ControlMaster`), so each costs milliseconds.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from detlite.devices.transport.program import end, require, start
from detlite.devices.transport.run import last_line
from detlite.devices.transport.transport import LostError
from detlite.runtime.errors import DetliteError, DeviceError, InputError

BEAT_S, BEATS = 2, 5
"""ssh checks every two seconds that the board answers, and gives up after five checks."""

OPTIONS = {
    "BatchMode": "yes",  # nobody is there to answer a prompt
    "StrictHostKeyChecking": "yes",
    "ConnectTimeout": "10",
    "ServerAliveInterval": str(BEAT_S),
    "ServerAliveCountMax": str(BEATS),
    "ClearAllForwardings": "yes",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "RequestTTY": "no",
    "RemoteCommand": "none",
    "ControlMaster": "auto",
    "ControlPersist": "no",
}

REASONS = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "its host key changed: if it was reinstalled, remove the old key with `ssh-keygen -R {address}` and connect "
        "once by hand; if not, another machine answers at its address",
    ),
    ("Host key verification failed", "its host key is not known: connect once by hand, and compare the fingerprint"),
    ("host key is known for", "its host key is not known: connect once by hand, and compare the fingerprint"),
    ("Permission denied", "it does not accept your key: run `ssh-copy-id` (no password is ever asked for)"),
    ("Could not resolve hostname", "its address cannot be found: is {address} right?"),
    ("Connection refused", "nothing answers at its ssh port: is sshd running there?"),
    ("No route to host", "there is no network route to it"),
    ("timed out", "it does not answer: is it on, and on this network?"),
    ("Bad configuration option", "your ssh configuration cannot be read: {said}"),
    ("Can't open user config file", "its ssh_config cannot be read: {said}"),
)


@dataclass(frozen=True)
class SshTransport:
    """The board at *address*, a host or an alias in the user's configuration.

    Attributes:
        name: the device's, for messages.
        address: where it is.
        options: further ssh arguments: port, user, another configuration file.
        control: the folder of the connection's socket; its path is short, as a socket's must be.
    """

    name: str
    address: str
    options: tuple[str, ...]
    control: Path

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Return the `ssh` command that runs *arguments*: one quoted string, which the login shell parses."""
        settings = [part for key, value in OPTIONS.items() for part in ("-o", f"{key}={value}")]
        socket = ["-o", f"ControlPath={self.control}/%C"]
        return ["ssh", *settings, *socket, *self.options, "--", self.address, shlex.join(arguments)]

    def explain(self, said: str) -> DetliteError:
        """Return the meaning of ssh's own message."""
        for words, meaning in REASONS:
            if words in said:
                return LostError(f"{self.name}: {meaning.format(address=self.address, said=last_line(said))}")
        return LostError(
            f"{self.name}: the connection to {self.address} broke; {last_line(said) or 'ssh printed nothing'}"
        )

    def put(self, files: Mapping[str, Path], folder: str, *, timeout_s: float) -> None:
        """Send files as one tar stream: boards without sftp have tar too."""
        process = start(self.command(["tar", "-x", "-f", "-", "-C", folder]))
        assert process.stdin is not None
        timer = threading.Timer(timeout_s, process.kill)
        timer.start()
        try:
            _send(process.stdin, files)
            _out, err = process.communicate()
            if process.returncode != 0:
                raise self._put_failure(process, err.decode(errors="replace"))
        finally:
            timer.cancel()
            end(process)

    def _put_failure(self, process: subprocess.Popen[bytes], said: str) -> DetliteError:
        if process.returncode > 0 and process.returncode != 255:  # tar's on the board: the connection is fine
            return DeviceError(f"{self.name}: {_reason(said)}")
        return self.explain(said)

    def close(self) -> None:
        """Remove the folder of the connection's socket."""
        shutil.rmtree(self.control, ignore_errors=True)


def _reason(said: str) -> str:
    """Return the most informative line of tar's output: its last one only says that there were errors."""
    lines = [line.strip()[:300] for line in said.splitlines() if line.strip()]
    if not lines:
        return "tar failed without a message"
    reason = next((line for line in lines if "No space" in line), lines[0])
    return f"{reason}: No space left on device" if "Wrote only" in reason else reason  # as GNU tar says it


def _send(stream: IO[bytes], files: Mapping[str, Path]) -> None:
    try:
        with tarfile.open(fileobj=stream, mode="w|", format=tarfile.USTAR_FORMAT) as archive:
            for name, path in files.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode = path.stat().st_size, 0o600
                with path.open("rb") as content:
                    archive.addfile(member, content)
        stream.flush()
    except BrokenPipeError:
        return  # the other end stopped: its status and message say why
    except OSError as error:
        raise InputError(f"{error.filename or 'a file'} could not be sent: {error}") from error


def open_ssh(
    name: str, address: str, *, user: str | None = None, port: int | None = None, ssh_config: Path | None = None
) -> SshTransport:
    """Return the transport to *address*; it connects at the first command.

    Raises:
        MissingToolError: ssh is not installed.
    """
    require("ssh", "OpenSSH's client (the package openssh-client of Debian)")
    options = [*(("-l", user) if user else ()), *(("-p", str(port)) if port else ())]
    options += ["-F", str(ssh_config)] if ssh_config else []
    control = Path(tempfile.mkdtemp(prefix="detlite-"))
    control.chmod(0o700)
    if len(os.fsencode(control)) > 50:  # a socket's path has at most 108 bytes, and %C with its suffix takes 58
        shutil.rmtree(control)
        raise InputError(f"the path of the temporary folder is too long for ssh's socket: {control.parent}")
    return SshTransport(name, address, tuple(options), control)
