"""Emulated devices: a real adbd or sshd in namespaces of its own, whose programs are arm64 ones under qemu-user."""

import contextlib
import os
import random
import signal
import subprocess
import time
import uuid
from pathlib import Path

from builders.arm64_root import SITE, USERS, Arm64, ask
from builders.waiting import wait_until

INSIDE = Path(__file__).with_name("inside.sh")
SSHD = """\
Port 22
HostKey {scratch}/hostkey
PidFile none
AuthorizedKeysFile {scratch}/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PermitRootLogin no
PrintMotd no
Subsystem sftp internal-sftp
SetEnv QEMU_CPU=cortex-a53 PYTHONPATH={site}
ChrootDirectory /run/root
"""
SSH = """\
Host *
  User mendel
  IdentityFile {scratch}/id
  IdentitiesOnly yes
  UserKnownHostsFile {scratch}/known_hosts
  GlobalKnownHostsFile /dev/null
"""


class Emulated:
    """A device of *kind* `phone` or `board`; its files outlive a restart, unless *room_mib* limits them."""

    def __init__(self, kind: str, arm64: Arm64, scratch: Path, room_mib: int | None = None) -> None:
        self.kind, self.arm64, self.scratch = kind, arm64, scratch
        block = random.randrange(64 * 256)
        self._net = f"10.{213 + block // 16384}.{block // 64 % 256}.{block % 64 * 4}"
        first = int(self._net.rsplit(".", 1)[1])
        prefix = self._net.rsplit(".", 1)[0]
        self.host_address, self.address = f"{prefix}.{first + 1}", f"{prefix}.{first + 2}"
        self.link = f"dl{block:05d}"
        self._room = "" if room_mib is None else str(room_mib)
        self._process: subprocess.Popen[bytes] | None = None
        self._prepare()

    def _prepare(self) -> None:
        scratch = self.scratch
        (scratch / "etc").mkdir(parents=True)
        (scratch / "data").mkdir()
        uid = 2000 if self.kind == "phone" else USERS["mendel"][0]
        os.chown(scratch / "data", uid, uid)
        cpu = scratch / "sys/devices/system/cpu"
        cpu.mkdir(parents=True)
        for name in ("possible", "present", "online"):  # without these XNNPACK silently stays off
            (cpu / name).write_text("0-1\n")
        if self.kind == "board":
            self._prepare_ssh()

    def _prepare_ssh(self) -> None:
        scratch = self.scratch
        users = (*USERS.items(), ("sshd", (101, "/run/sshd", "/usr/sbin/nologin")))
        rows = [f"{name}:x:{uid}:{uid}::{home}:{shell}" for name, (uid, home, shell) in users]
        (scratch / "etc/passwd").write_text("\n".join(rows) + "\nnobody:x:65534:65534::/:/usr/sbin/nologin\n")
        (scratch / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\nmendel:x:20001:\n")
        (scratch / "etc/shadow").write_text("root:*:19000::::::\nmendel:*:19000::::::\n")
        self.new_host_key()
        ask("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", scratch / "id")
        (scratch / "authorized_keys").write_text((scratch / "id.pub").read_text())
        (scratch / "sshd_config").write_text(SSHD.format(scratch=scratch, site=SITE))
        (scratch / "ssh_config").write_text(SSH.format(scratch=scratch))
        self.trust()

    def new_host_key(self) -> None:
        for name in ("hostkey", "hostkey.pub"):
            (self.scratch / name).unlink(missing_ok=True)
        ask("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.scratch / "hostkey")

    def trust(self) -> None:
        key = " ".join((self.scratch / "hostkey.pub").read_text().split()[:2])
        (self.scratch / "known_hosts").write_text(f"{self.address} {key}\n")

    def inventory(self, name: str) -> str:
        """Its table for an inventory."""
        common = f'[{name}]\nkind = "{"pixel" if self.kind == "phone" else "generic_linux"}"\nemulated = true\n'
        if self.kind == "phone":
            return common + f'serial = "{self.serial}"\n'
        return common + f'address = "{self.address}"\nssh_config = "{self.scratch / "ssh_config"}"\n'

    @property
    def serial(self) -> str:
        return f"{self.address}:5555"

    @property
    def work(self) -> Path:
        """The default work folder, as a folder of this machine."""
        return self.scratch / "data" / ("detlite" if self.kind == "phone" else ".cache/detlite")

    def start(self) -> None:
        (self.scratch / "boot_id").write_text(f"{uuid.uuid4()}\n")
        gate = self.scratch / "go"
        gate.unlink(missing_ok=True)
        os.mkfifo(gate)
        settings = {"ROOT": self.arm64.root, "QEMU": self.arm64.qemu, "SCRATCH": self.scratch, "KIND": self.kind}
        settings |= {"ADDRESS": self.address, "ROOM_MIB": self._room}
        namespaces = "unshare --mount --uts --ipc --pid --fork --kill-child --mount-proc --propagation private"
        wait = f'read -r x <"$SCRATCH/go"; exec setpriv --reuid 0 --regid 0 --clear-groups {namespaces} bash {INSIDE}'
        with (self.scratch / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["unshare", "--user", "--net", "bash", "-c", wait],
                env={**os.environ, **{key: str(value) for key, value in settings.items()}},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        pid = self._process.pid
        outer = Path("/proc/self/ns/user").readlink()
        while Path(f"/proc/{pid}/ns/user").readlink() == outer:
            time.sleep(0.01)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{pid}/{name}").write_text("0 0 65536")
        ask("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", pid)
        ask("ip", "addr", "add", f"{self.host_address}/30", "dev", self.link)
        ask("ip", "link", "set", self.link, "up")
        gate.write_text("go\n")
        self._await()

    def _await(self) -> None:
        import socket

        def answers() -> bool:
            with (
                contextlib.suppress(OSError),
                socket.create_connection((self.address, 5555 if self.kind == "phone" else 22), 1),
            ):
                return True
            return False

        wait_until(answers, said=lambda: (self.scratch / "log").read_text()[-2000:])

    def stop(self) -> None:
        """Pull the plug: everything that runs there is gone at once."""
        if self._process is None:
            return
        for pid in sorted(self.processes()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._process = None
        subprocess.run(["ip", "link", "del", self.link], capture_output=True)

    def restart(self) -> None:
        self.stop()
        self.start()

    def cut(self) -> None:
        """The link carries nothing any more, and nobody is told."""
        ask("ip", "link", "set", self.link, "down")

    def mend(self) -> None:
        ask("ip", "link", "set", self.link, "up")
        ask("ip", "addr", "replace", f"{self.host_address}/30", "dev", self.link)

    def processes(self) -> dict[int, str]:
        """What runs on the device: command lines by their ids on this machine."""
        if self._process is None:
            return {}
        found = {}
        outer = Path("/proc/self/ns/pid").readlink()
        own = Path(f"/proc/{self._process.pid}/ns/net").readlink()
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                is_there = entry.name.isdecimal() and (entry / "ns/net").readlink() == own
                command = (entry / "cmdline").read_bytes() if is_there else b""
                if command and (entry / "ns/pid").readlink() != outer:
                    found[int(entry.name)] = command.replace(b"\0", b" ").decode()
        return found

    def jobs(self) -> list[str]:
        """What runs on the device beside its daemons."""
        daemons = ("bash " + str(INSIDE), "sleep 0.5", "sshd", "/sshd")
        return [line for line in self.processes().values() if not line.startswith(daemons) and "/adbd" not in line]

    def kill_daemon(self) -> None:
        """End the daemon's processes, also those that serve a connection."""
        for pid, line in self.processes().items():
            if "/adbd" in line or "sshd" in line:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
