"""An arm64 root file system of Debian's packages, shaped both as a board's and as a phone's, and a qemu to run it.

Nothing of it is run while it is built. qemu must be 10 or newer: 7.2 computes int8 models wrongly.
"""

import re
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

SUITE = "trixie"
PACKAGES = (
    "adbd,mksh,toybox,python3,bash,dash,coreutils,libstdc++6,libgcc-s1,tar,gzip,grep,sed,util-linux,procps,findutils,"
    "base-files,base-passwd,libc-bin"
)
WHEELS = ("ai-edge-litert", "numpy==2.4.6")
SITE = "/opt/site"
USERS = {
    "root": (0, "/root", "/bin/bash"),
    "mendel": (20001, "/home/mendel", "/bin/bash"),
    "shell": (2000, "/", "/bin/sh"),
}
MOUNT_POINTS = ("proc", "sys", "dev", "run", "tmp", "home/mendel", "data/local/tmp", "data/misc/adb", "root", "mnt")


@dataclass(frozen=True)
class Arm64:
    """The root file system in *root*, and the program *qemu* that runs its programs."""

    root: Path
    qemu: Path


def build(folder: Path) -> Arm64:
    """Build it in *folder*, or take what was built there before."""
    made = Arm64(folder / "root", folder / "qemu-aarch64")
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        sources = folder / "debian.sources"
        sources.write_text(debian_sources())
        bootstrap(made.root, sources)
        fetch_qemu(made.qemu, folder / "apt", sources)
        add_wheels(made.root, folder / "wheels")
        shape(made.root, made.qemu)
        (folder / "done").touch()
    return made


def debian_sources() -> str:
    """The machine's own sources of packages, of another release."""
    text = Path("/etc/apt/sources.list.d/debian.sources").read_text()
    text = re.sub(r"Suites: (\w+)-security.*", f"Suites: {SUITE}-security", text)
    return re.sub(r"Suites: (?!\w+-security)(\w+).*", f"Suites: {SUITE}", text)


def ask(*command: object, cwd: Path | None = None) -> str:
    """Run *command* and return its output; a failure fails the test with the last of what it wrote."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def bootstrap(root: Path, sources: Path) -> None:
    """Unpack the arm64 packages into *root*."""
    own = [f"--aptopt={file}" for file in sorted(Path("/etc/apt/apt.conf.d").iterdir())]
    modes = ["--quiet", "--mode=root", "--variant=extract", "--arch=arm64", f"--include={PACKAGES}"]
    ask("mmdebstrap", *modes, *own, SUITE, root, sources)


def fetch_qemu(qemu: Path, apt: Path, sources: Path) -> None:
    """Take the one static binary out of the newer release's package: nothing of it is installed."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (apt / folder).mkdir(parents=True, exist_ok=True)
    (apt / "status").touch()
    settings = {
        "Dir::State::Lists": apt / "lists",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt / "cache",
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": "/dev/null",
        "APT::Architecture": "amd64",
        "APT::Architectures": "amd64",
        "APT::Sandbox::User": "root",
    }
    options = ["-qq", *(part for key, value in settings.items() for part in ("-o", f"{key}={value}"))]
    ask("apt-get", *options, "update")
    ask("apt-get", *options, "download", "qemu-user", cwd=apt)
    (package,) = apt.glob("qemu-user_*.deb")
    ask("sh", "-c", 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" ./usr/bin/qemu-aarch64', "sh", package, apt)
    shutil.move(apt / "usr/bin/qemu-aarch64", qemu)
    version = ask(qemu, "--version").split()[2]
    assert int(version.split(".")[0]) >= 10, f"qemu {version}: want 10 or newer"


def add_wheels(root: Path, folder: Path) -> None:
    """Unpack the interpreter and numpy for the Python in *root*, downloaded to *folder*."""
    platforms = [part for minor in (27, 28) for part in ("--platform", f"manylinux_2_{minor}_aarch64")]
    python = next((root / "usr/bin").glob("python3.??")).name.removeprefix("python")
    kind = ["--python-version", python, "--implementation", "cp", "--abi", f"cp{python.replace('.', '')}"]
    ask(
        "python3",
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--only-binary=:all:",
        *platforms,
        *kind,
        "-d",
        folder,
        *WHEELS,
    )
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as content:
            content.extractall(root / SITE.lstrip("/"))


def shape(root: Path, qemu: Path) -> None:
    """Add users, the folders that something is mounted on, and Android's own folder of programs."""
    rows = [f"{name}:x:{uid}:{uid}::{home}:{shell}" for name, (uid, home, shell) in USERS.items()]
    (root / "etc/passwd").write_text("\n".join(rows) + "\n")
    (root / "etc/group").write_text("".join(f"{name}:x:{uid}:\n" for name, (uid, *_rest) in USERS.items()))
    for name in MOUNT_POINTS:
        (root / name).mkdir(parents=True, exist_ok=True)
    programs = root / "system/bin"
    programs.mkdir(parents=True, exist_ok=True)
    for applet in ask(qemu, "-L", root, root / "usr/bin/toybox").split():
        if applet not in ("sh", "toybox"):
            (programs / applet).symlink_to("/usr/bin/toybox")
    (programs / "sh").symlink_to("/usr/bin/mksh")
    (programs / "python3").symlink_to("/usr/bin/python3")
