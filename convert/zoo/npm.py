"""Download a package from the npm registry with npm; the package's scripts are not run."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from detlite.convert.zoo.catalogue import RegistryPackage
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError, MissingToolError
from detlite.runtime.strict_json import parse_json

TIMEOUT_S = 180.0
ARGUMENTS = ("--json", "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=30000")


def npm_pack(package: RegistryPackage, to: Path) -> None:
    """Write the tarball of *package* to the file *to* after checking its integrity.

    Raises:
        MissingToolError: npm is missing, fails, or takes more than `TIMEOUT_S` seconds.
        InputError: the tarball is not the one that the registry or the catalogue states.
    """
    program = shutil.which("npm")
    if program is None:
        raise MissingToolError("npm is not on the path: install Node.js, which includes it")
    spec = f"{package.name}@{package.version}"
    for stale in to.parent.glob(f".{to.name}.*.npm"):  # left by a killed run
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f".{to.name}.", suffix=".npm", dir=to.absolute().parent) as folder:
        stated = _run([program, "pack", *ARGUMENTS, "--pack-destination", folder, spec], folder)
        tarballs = list(Path(folder).glob("*.tgz"))
        if len(tarballs) != 1:
            raise MissingToolError(f"npm pack {spec} wrote {counted(len(tarballs), 'tarball')}, expected one")
        for authority, integrity in (("the registry", stated), ("the catalogue", package.integrity)):
            found = _sha512(tarballs[0])
            if found != integrity:
                raise InputError(f"{spec} from npm does not match {authority}: got {found}, expected {integrity}")
        tarballs[0].replace(to)


def _run(command: list[str], folder: str) -> str:
    """Run `npm pack --json` and return the integrity that it reports."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MissingToolError(f"npm pack took more than {TIMEOUT_S:.0f} seconds") from error
    except OSError as error:
        raise MissingToolError(f"cannot run npm: {error}") from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        raise MissingToolError(f"npm pack failed ({done.returncode}): {' '.join(lines[:2]) or done.stderr[-200:]}")
    try:
        return str(parse_json(done.stdout)[0]["integrity"])
    except (InputError, LookupError, TypeError) as error:
        raise MissingToolError("npm pack reported no integrity of the package: use npm 7 or newer") from error


def _sha512(file: Path) -> str:
    with file.open("rb") as data:
        return "sha512-" + base64.b64encode(hashlib.file_digest(data, "sha512").digest()).decode("ascii")
